package channel_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/status"
)

func TestPrint_ShowsNoPersonalData(t *testing.T) {
	t.Parallel()
	number, err := phone.Parse("+886912345678")
	require.NoError(t, err)
	to := channel.Recipient{Phone: number, IDs: map[channel.Name]string{
		channel.LINEPush: "U4af4980629aa11bb22cc33dd44ee55ff", "chat": "ann@example.com",
	}}
	receipt := channel.Receipt{Channel: channel.LINEPush, ProviderID: "1", To: number, ToID: to.IDs["chat"], Status: status.Delivered}
	text := channel.Text("Your code is 498172")
	var said bytes.Buffer
	for _, v := range []any{
		to, &to,
		[]channel.Recipient{to},
		map[string]channel.Recipient{"to": to},
		receipt, &receipt,
		[]channel.Receipt{receipt},
		text,
		[]channel.Text{text},
		channel.Envelope{To: to, Content: text},
		struct{ Content channel.Content }{text},
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
	for _, personal := range []string{"498172", "12345678", "U4af49", "343938313732", "553461663439", "ann@", "616e6e40"} {
		require.NotContains(t, said.String(), personal)
	}
	require.Equal(t, "channel.Text(19 characters)", text.String())
	require.Equal(t, "channel.Recipient(+886******678, IDs: 2)", to.String())
	require.Equal(t, "channel.Recipient(+886******678)", channel.Recipient{Phone: number}.String())
	require.Equal(t, "channel.Recipient(IDs: 1)", channel.Recipient{IDs: map[channel.Name]string{"fax": "1", "chat": ""}}.String())
	require.Equal(t, "channel.Receipt(line_push 1, delivered)", receipt.String())
}
