package smsplus_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
)

// suspects records what New finds suspect.
type suspects []smsplus.TemplateSuspect

func (s *suspects) Observe(_ context.Context, e smsplus.Event) {
	if found, ok := e.(smsplus.TemplateSuspect); ok {
		*s = append(*s, found)
	}
}

func TestNew_WarnsOfSuspectTemplates(t *testing.T) {
	t.Parallel()
	const code = channel.Text("{{code}}")
	step := func(name channel.Name, wait time.Duration, content channel.Content) smsplus.Step {
		return smsplus.Step{Channel: name, Wait: wait, Content: content}
	}
	for name, tt := range map[string]struct {
		ttl   time.Duration
		route []smsplus.Step
		want  []smsplus.TemplateSuspect
	}{
		"a wait as long as the provider tries": {
			10 * time.Minute,
			[]smsplus.Step{step(channel.WhatsApp, 0, code), step(channel.SMS, 0, code)},
			[]smsplus.TemplateSuspect{{"t", channel.SMS, "the step never starts if the steps before it stay silent: their waits are 720h0m0s, and the TTL is 10m0s"}},
		},
		"waits that are the TTL together": {
			2 * time.Hour,
			[]smsplus.Step{step(channel.LINENotify, time.Hour, code), step(channel.WhatsApp, time.Hour, code), step(channel.SMS, 0, code)},
			[]smsplus.TemplateSuspect{{"t", channel.SMS, "the step never starts if the steps before it stay silent: their waits are 2h0m0s, and the TTL is 2h0m0s"}},
		},
		"waits that leave time":                {3 * time.Hour, []smsplus.Step{step(channel.LINENotify, time.Hour, code), step(channel.SMS, 0, code)}, nil},
		"no TTL":                               {0, []smsplus.Step{step(channel.WhatsApp, 0, code), step(channel.SMS, 0, code)}, nil},
		"a channel that answers at once":       {time.Minute, []smsplus.Step{step(channel.LINEPush, 0, code), step(channel.SMS, 0, code)}, nil},
		"a wait without its unit":              {0, []smsplus.Step{step(channel.SMS, 30, code)}, []smsplus.TemplateSuspect{{"t", channel.SMS, "Wait is 30ns: a unit may be missing"}}},
		"a TTL without its unit":               {600, []smsplus.Step{step(channel.SMS, 0, code)}, []smsplus.TemplateSuspect{{"t", "", "TTL is 600ns: a unit may be missing"}}},
		"a variable in single braces":          {0, []smsplus.Step{step(channel.SMS, 0, channel.Text("Code { code }"))}, []smsplus.TemplateSuspect{{"t", channel.SMS, "the text has {code}, which is no variable: want {{code}}"}}},
		"other braces":                         {0, []smsplus.Step{step(channel.SMS, 0, channel.Text("{{code}} {} {1} :-{ }"))}, nil},
		"a variable inside braces of the text": {0, []smsplus.Step{step(channel.SMS, 0, channel.Text("{ {{code}} }"))}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var found suspects
			var log bytes.Buffer
			_, err := smsplus.New(smsplus.Config{
				Store: memstore.New(), Observer: &found, Logger: slog.New(slog.NewTextHandler(&log, nil)),
				Channels:  []channel.Channel{simulated.LINEPush(nil), simulated.LINENotify(nil), simulated.WhatsApp(nil), simulated.SMS(nil)},
				Templates: []smsplus.Template{{ID: "t", TTL: tt.ttl, Route: tt.route}},
			})
			require.NoError(t, err)
			require.Equal(t, tt.want, []smsplus.TemplateSuspect(found))
			if len(tt.want) > 0 {
				require.Contains(t, log.String(), tt.want[0].Why[:20])
			}
		})
	}
}

func TestSend_ListsTemplates(t *testing.T) {
	t.Parallel()
	w := newSMSWorld(t)
	tr := w.trigger()
	tr.Template = "oder"
	_, err := w.Send(t.Context(), tr)
	require.EqualError(t, err, `smsplus: bad trigger: Trigger.Template: no template "oder" is registered, want "t"`)
	tr.Template = "+886912345678"
	_, err = w.Send(t.Context(), tr)
	require.NotContains(t, err.Error(), "12345678")
}
