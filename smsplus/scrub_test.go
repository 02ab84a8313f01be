package smsplus_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

func TestScrub_RedactsTheNumberAndTheVariables(t *testing.T) {
	t.Parallel()
	leaky := "POST https://sms.example/?to=886912345678&dst=0912345678&alt=(0912)-345-678&user=U4af4980629&text=code+498172 " + strings.Repeat("長", 400)
	answers := map[string]answer{
		"plain":         fails(errors.New(leaky)),
		"undeliverable": fails(channel.Undeliverable(status.InvalidNumber, leaky)),
		"result": func(context.Context, channel.Envelope) (channel.Result, error) {
			return channel.Result{Status: status.Failed, Reason: status.SystemError, Detail: leaky}, nil
		},
	}
	for name, a := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, []step{{channel.SMS, a, smsplus.Step{}}})
			m := w.message(w.send(func(tr *smsplus.Trigger) { tr.To.IDs = map[channel.Name]string{channel.SMS: "U4af4980629"} }))
			detail := m.Attempts[0].Detail
			require.NotEmpty(t, detail)
			require.LessOrEqual(t, len(detail), 500)
			for _, secret := range []string{"912345678", "U4af4980629", "498172"} {
				require.NotContains(t, detail, secret)
			}
		})
	}
	t.Run("receipt", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, []step{{channel.SMS, says(status.Accepted), smsplus.Step{}}})
		id := w.send()
		w.receive(receipt(w.message(id), 0, status.Undeliverable, func(r *channel.Receipt) { r.Detail = leaky + "\x00" }))
		require.NotContains(t, w.message(id).Attempts[0].Detail, "912345678")
	})
}

func TestScrub_RedactsANumberBeforeItIsCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, fails(errors.New(strings.Repeat("x", 490) + "886912345678")), smsplus.Step{}}})
	require.NotContains(t, w.message(w.send()).Attempts[0].Detail, "88691234")
}

func TestScrub_RedactsTheLongestValueFirst(t *testing.T) {
	t.Parallel()
	for range 20 {
		w := newWorld(t, []step{{channel.SMS, fails(errors.New("bad code 49817255")), smsplus.Step{}}}, func(c *smsplus.Config) {
			c.Templates[0].Route[0].Content = channel.Text("{{a}} {{b}}")
		})
		m := w.message(w.send(func(tr *smsplus.Trigger) { tr.Vars = map[string]string{"a": "4981", "b": "49817255"} }))
		require.Equal(t, "bad code ***", m.Attempts[0].Detail)
	}
}
