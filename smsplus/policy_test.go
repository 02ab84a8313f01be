package smsplus_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
)

func TestPolicy_IsWordsAndDurableNumbers(t *testing.T) {
	t.Parallel()
	for p, want := range map[smsplus.Policy]struct {
		number uint8
		name   string
	}{0: {0, "default"}, smsplus.Forward: {1, "forward"}, smsplus.Stop: {2, "stop"}, smsplus.Resend: {3, "resend"}} {
		require.Equal(t, want.number, uint8(p), "stores keep the numbers")
		require.Equal(t, want.name, fmt.Sprint(p))
		text, err := json.Marshal(smsplus.PlannedStep{InDoubt: p})
		require.NoError(t, err)
		require.Contains(t, string(text), `"InDoubt":"`+want.name+`"`)
		var got smsplus.PlannedStep
		require.NoError(t, json.Unmarshal(text, &got))
		require.Equal(t, p, got.InDoubt)
	}
	var p smsplus.Policy
	require.NoError(t, p.UnmarshalText(nil))
	require.ErrorContains(t, p.UnmarshalText([]byte("retry")), "want forward, stop, resend or default")
	_, err := smsplus.Policy(9).MarshalText()
	require.Error(t, err)
	require.Equal(t, "policy(9)", smsplus.Policy(9).String())
}

func TestNew_RefusesPolicyOnWrongField(t *testing.T) {
	t.Parallel()
	open := func(onFailed, inDoubt smsplus.Policy) error {
		_, err := smsplus.New(smsplus.Config{
			Store: memstore.New(), Channels: []channel.Channel{simulated.SMS(nil)},
			Templates: []smsplus.Template{{ID: "t", Route: []smsplus.Step{
				{Channel: channel.SMS, Content: channel.Text("x"), OnFailed: onFailed, InDoubt: inDoubt},
			}}},
		})
		return err
	}
	require.EqualError(t, open(0, smsplus.Stop), `smsplus: Config.Templates[0].Route[0].InDoubt is stop: want Resend (the default) or Forward`)
	require.EqualError(t, open(smsplus.Resend, 0), `smsplus: Config.Templates[0].Route[0].OnFailed is resend: want Stop (the default) or Forward`)
	require.ErrorContains(t, open(7, 0), `OnFailed is policy(7)`)
	for _, ok := range [][2]smsplus.Policy{{0, 0}, {smsplus.Stop, smsplus.Resend}, {smsplus.Forward, smsplus.Forward}} {
		require.NoError(t, open(ok[0], ok[1]))
	}
}

func TestPlannedStep_PoliciesHaveDefaults(t *testing.T) {
	t.Parallel()
	onFailed, inDoubt := smsplus.PlannedStep{}.Policies()
	require.Equal(t, []smsplus.Policy{smsplus.Stop, smsplus.Resend}, []smsplus.Policy{onFailed, inDoubt})
	onFailed, inDoubt = smsplus.PlannedStep{OnFailed: smsplus.Forward, InDoubt: smsplus.Forward}.Policies()
	require.Equal(t, []smsplus.Policy{smsplus.Forward, smsplus.Forward}, []smsplus.Policy{onFailed, inDoubt})
}
