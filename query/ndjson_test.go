package query_test

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

func TestWriteNDJSON_WritesAnObjectPerLine(t *testing.T) {
	t.Parallel()
	bare := smsplus.Message{Template: "t", Channel: channel.SMS, TriggeredAt: now}
	tests := []struct {
		rule string
		list []smsplus.Message
		o    []query.Export
		want []string
	}{
		{"an empty list is empty", nil, nil, nil},
		{
			"zero times are left out, and no byte order mark is written",
			[]smsplus.Message{bare, bare},
			[]query.Export{{BOM: true}},
			[]string{
				`{"id":"00000000-0000-0000-0000-000000000000","template":"t","status":"preparing","ended":true,"channel":"sms",` +
					`"triggered_at":"2026-09-15T10:30:00.000000Z","attempts":[]}`,
				`{"id":"00000000-0000-0000-0000-000000000000","template":"t","status":"preparing","ended":true,"channel":"sms",` +
					`"triggered_at":"2026-09-15T10:30:00.000000Z","attempts":[]}`,
			},
		},
		{
			"a message that is due has not ended",
			[]smsplus.Message{{Template: "t", Channel: channel.SMS, Status: status.Delivered, DueAt: now}},
			nil,
			[]string{`{"id":"00000000-0000-0000-0000-000000000000","template":"t","status":"delivered","ended":false,"channel":"sms","attempts":[]}`},
		},
		{
			"a message has ended while its outcomes are published",
			[]smsplus.Message{{Template: "t", Channel: channel.SMS, Status: status.Delivered, DueAt: now, Lane: smsplus.OutcomeLane}},
			nil,
			[]string{`{"id":"00000000-0000-0000-0000-000000000000","template":"t","status":"delivered","ended":true,"channel":"sms","attempts":[]}`},
		},
		{
			"attempts are included, and metadata and variables are left out",
			[]smsplus.Message{fullRecord(t)},
			nil,
			[]string{
				`{"id":"01890000-0000-7000-8000-000000000001","key":"order-17","reference":"batch-5","template":"shipped","scenario":"出貨通知",` +
					`"country_code":"886","phone":"+886******678","status":"delivered","ended":true,"channel":"sms",` +
					`"triggered_at":"2026-09-15T10:30:00.123456Z","delivered_at":"2026-09-15T10:31:00.123456Z",` +
					`"read_at":"2026-09-15T10:32:00.123456Z","expires_at":"2026-09-15T11:30:00.123456Z",` +
					`"canceled_at":"2026-09-15T10:33:00.123456Z","confirmed_at":"2026-09-15T10:34:00.123456Z","resend_of":"00000000-0000-0000-0000-000000000003","resent_as":"00000000-0000-0000-0000-000000000004","attempts":[` +
					`{"id":"00000000-0000-0000-0000-000000000001","step":0,"channel":"line_push","status":"undeliverable",` +
					`"reason":"no_contact","detail":"404 not found","tries":1,"recall":"too_late",` +
					`"started_at":"2026-09-15T10:30:00.123456Z","ended_at":"2026-09-15T10:30:01.123456Z"},` +
					`{"id":"00000000-0000-0000-0000-000000000002","step":1,"channel":"sms","status":"delivered",` +
					`"provider_id":"sms-9","content":"000000000000a1b2","tries":2,` +
					`"started_at":"2026-09-15T10:30:01.123456Z","accepted_at":"2026-09-15T10:30:02.123456Z",` +
					`"delivered_at":"2026-09-15T10:31:00.123456Z","read_at":"2026-09-15T10:32:00.123456Z",` +
					`"ended_at":"2026-09-15T10:31:00.123456Z"}]}`,
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			require.NoError(t, query.WriteNDJSON(&out, seqOf(tt.list...), tt.o...))
			require.Equal(t, strings.Join(append(tt.want, ""), "\n"), out.String())
		})
	}
}

func TestWriteNDJSON_RevealsVariablesAndMetadataAndUsesLocation(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	o := query.Export{Reveal: true, Location: loadZone(t, "Asia/Taipei")}
	require.NoError(t, query.WriteNDJSON(&out, seqOf(fullRecord(t)), o))
	var got map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &got))
	require.Equal(t, map[string]any{"code": "135790"}, got["vars"])
	require.Equal(t, map[string]any{"tenant": "一 & 二"}, got["metadata"])
	require.Equal(t, "+886912345678", got["phone"])
	require.Equal(t, map[string]any{"line_push": "U0123456789abcdef"}, got["recipient_ids"])
	require.Equal(t, "2026-09-15T18:30:00.123456+08:00", got["triggered_at"])
}

func TestWriteNDJSON_LinesAreIndependent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ms := genMessages(t)
		var together, apart bytes.Buffer
		require.NoError(t, query.WriteNDJSON(&together, seqOf(ms...)))
		for _, m := range ms {
			require.NoError(t, query.WriteNDJSON(&apart, seqOf(m)))
		}
		require.Equal(t, apart.String(), together.String())
		for l := range bytes.Lines(together.Bytes()) {
			require.True(t, json.Valid(l))
		}
	})
}

func TestWriteNDJSON_TimesSortAsText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var stamps [2]string
		at := now
		for i := range stamps {
			var out bytes.Buffer
			require.NoError(t, query.WriteNDJSON(&out, seqOf(smsplus.Message{TriggeredAt: at})))
			var l struct {
				TriggeredAt string `json:"triggered_at"`
			}
			require.NoError(t, json.Unmarshal(out.Bytes(), &l))
			stamps[i] = l.TriggeredAt
			at = at.Add(time.Duration(rapid.Int64Range(1, 1e10).Draw(t, "later")) * time.Microsecond)
		}
		require.Less(t, stamps[0], stamps[1])
	})
}

func BenchmarkWriteNDJSON(b *testing.B) {
	m := fullRecord(b)
	b.ReportAllocs()
	require.NoError(b, query.WriteNDJSON(io.Discard, func(yield func(smsplus.Message, error) bool) {
		for b.Loop() { // one line
			if !yield(m, nil) {
				return
			}
		}
	}))
}
