package smsplus_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
)

func TestPrint_ShowsNoPersonalData(t *testing.T) {
	t.Parallel()
	number, err := phone.Parse("+886912345678")
	require.NoError(t, err)
	to := channel.Recipient{Phone: number, IDs: map[channel.Name]string{channel.LINEPush: "U4af4980629aa11bb22cc33dd44ee55ff"}}
	byID := smsplus.Filter{Phone: number, RecipientID: to.IDs[channel.LINEPush]}
	vars := map[string]string{"code": "OTP498172"}
	metadata := map[string]string{"k": "META-pigeon"}
	tr := smsplus.Trigger{Template: "otp", To: to, Vars: vars, Key: "KEY-4711", Metadata: metadata}
	m := smsplus.Message{ID: uuid.New(), Template: "otp", To: to, Vars: vars, Key: "KEY-4711", Metadata: metadata}
	var said bytes.Buffer
	for _, v := range []any{
		tr, &tr,
		[]smsplus.Trigger{tr},
		m, &m,
		[]smsplus.Message{m},
		smsplus.Page{Messages: []smsplus.Message{m}},
		smsplus.Claimed{Messages: []smsplus.Message{m}},
		smsplus.Filter{Phone: number, Key: "KEY-4711", Reference: "KEY-4711", ProviderID: "KEY-4711"},
		byID, &byID,
		[]smsplus.Filter{byID},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X"} {
			_, _ = fmt.Fprintf(&said, verb+"\n", v)
		}
		_ = json.NewEncoder(&said).Encode(v)
		_ = xml.NewEncoder(&said).Encode(v)
		_ = gob.NewEncoder(&said).Encode(v)
		slog.New(slog.NewTextHandler(&said, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&said, nil)).Info("x", "v", v)
	}
	for _, personal := range []string{"OTP498172", "12345678", "U4af49", "META-pigeon", "KEY-4711"} {
		require.NotContains(t, said.String(), personal)
		require.NotContains(t, said.String(), fmt.Sprintf("%x", personal))
	}
	require.Contains(t, said.String(), m.ID.String())
	require.Equal(t, "smsplus.Trigger(otp for channel.Recipient(+886******678, IDs: 1))", fmt.Sprint(tr))
}
