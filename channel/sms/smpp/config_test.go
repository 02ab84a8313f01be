package smpp_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/smpp"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

func TestConfig_NamesEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := smpp.New(smpp.Config{})
	require.EqualError(t, err, "smpp: Config.Addr is required\nsmpp: Config.SystemID is required")

	_, err = smpp.New(smpp.Config{
		Addr: "smpp.example.com", SystemID: "a\x00", Password: secret.New(password + "\x00"), SystemType: "\x00", ServiceType: "\x00",
		Source: "a name too long", Long: 9, NumberForm: 9, Alphabet: 9, PartReceipts: 9, ValidityForm: 9,
		National: &smpp.National{CountryCode: "0886", Prefix: "x"}, Words: map[string]channel.Verdict{"FAILED": {Status: status.Failed}},
		IDs:   smpp.IDs{Receipt: 7},
		Binds: -1, Window: -1, MaxSegments: 256, Validity: 1000 * time.Hour,
		BindTimeout: -1, ResponseTimeout: -1, EnquireInterval: -1, CloseTimeout: -1,
		RebindMin: time.Hour, RebindMax: time.Minute, RebindRefused: -1,
		Codes:  map[pdu.Status]channel.Verdict{pdu.ROK: {}, 0x0B: {Status: status.Undeliverable}},
		States: map[pdu.State]channel.Verdict{pdu.StateUnknown: {Status: 77}, pdu.StateExpired: {Status: status.Failed}},
	})
	require.Error(t, err)
	require.NotContains(t, err.Error(), password)
	for _, field := range []string{
		"Addr", "SystemID", "Password", "SystemType", "ServiceType", "Source", "NumberForm", "National.CountryCode", "National.Prefix", "Alphabet", "PartReceipts", "ValidityForm", "Long", "IDs", "Binds", "Window", "MaxSegments",
		"Validity", "BindTimeout", "ResponseTimeout", "EnquireInterval", "CloseTimeout", "RebindMin", "RebindRefused",
		"Codes has a row for ROK", "Codes[0x0b RINVDSTADR] has no reason", "States[UNKNOWN] has no status", "States[EXPIRED] has no reason",
		`Words["FAILED"] has no reason`,
	} {
		require.Contains(t, err.Error(), "smpp: Config."+field)
	}
	require.Len(t, strings.Split(err.Error(), "\n"), 29)
}

// No international number begins with 0, and without a type a source of digits is one.
func TestConfig_SourceBeginsWithZeroOnlyWithType(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"0912345678", "+0912345678", "00886912345678", "012", "0"} {
		config := smpp.Config{Addr: "smpp.example.com:2775", SystemID: account, Source: source}
		_, err := smpp.New(config)
		require.EqualError(t, err, "smpp: Config.Source begins with 0: write its country code, or set SourceType", source)
		config.SourceType = &smpp.Numbering{TON: 2, NPI: 1}
		_, err = smpp.New(config)
		require.NoError(t, err, source)
	}
}

func TestFormat_PrintsNoCredentials(t *testing.T) {
	t.Parallel()
	config := smpp.Config{Addr: "smpp.example.com:2775", SystemID: account, Password: secret.New(password), Source: digits}
	c, err := smpp.New(config)
	require.NoError(t, err)
	for _, v := range []any{config, &config, c, *new([]smpp.Config), []smpp.Config{config}, struct{ C *smpp.Channel }{c}} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			text := fmt.Sprintf(format, v)
			for _, secret := range []string{account, password, digits, fmt.Sprintf("%x", password)} {
				require.NotContains(t, text, secret, format)
			}
		}
		var out bytes.Buffer
		log := slog.New(slog.NewJSONHandler(&out, nil))
		log.Info("config", "value", v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("config", "value", v)
		require.NotContains(t, out.String(), password)
	}
	require.Equal(t, "smpp.Config(sms at smpp.example.com:2775)", fmt.Sprint(config))
	require.Equal(t, "smpp.Channel(sms at smpp.example.com:2775)", fmt.Sprint(c))
}

func TestConfig_DoesNotChangeCallersTLS(t *testing.T) {
	t.Parallel()
	mine := &tls.Config{MinVersion: tls.VersionTLS13}
	_, err := smpp.New(smpp.Config{Addr: "smpp.example.com:3550", SystemID: account, TLS: mine})
	require.NoError(t, err)
	require.Empty(t, mine.ServerName)
}

func TestConfig_HasDocumentedDefaults(t *testing.T) {
	t.Parallel()
	c, err := smpp.New(smpp.Config{Addr: "smpp.example.com:2775", SystemID: account})
	require.NoError(t, err)
	require.Equal(t, channel.SMS, c.Name())
	require.Equal(t, channel.Traits{Machine: status.SMS, Validity: 48 * time.Hour, Expires: true}, c.Traits())
	c, err = smpp.New(smpp.Config{Addr: "smpp.example.com:2775", SystemID: account, Name: "bulk", Validity: 24 * time.Hour})
	require.NoError(t, err)
	require.Equal(t, channel.Name("bulk"), c.Name())
	require.Equal(t, 24*time.Hour, c.Traits().Validity)
}

// The log has the events of the binds, and nothing else.
func TestLog_HasBindsAndNoSecret(t *testing.T) {
	var out bytes.Buffer
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(func(c *smpp.Config) {
			c.Logger = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		answers := sendAsync(context.Background(), c, envelope("very private"))
		p := m.acceptConn()
		p.respond(p.expect(pdu.BindTransceiver), pdu.RINVPASWD)
		<-answers
		p = m.acceptBind()
		answers = sendAsync(context.Background(), c, envelope("very private"))
		p.respond(p.expect(pdu.SubmitSM), pdu.RINVESMCLASS)
		<-answers
		for i, q := range []pdu.PDU{
			{ID: pdu.DeliverSM, Body: &pdu.Message{ShortMessage: []byte("STOP"), Source: pdu.Address{Addr: digits}}},
			{ID: pdu.DeliverSM, Body: pdu.Raw(digits)},
			{ID: 0x111, Body: pdu.Raw(digits)},
			deliver(1, "id:1 stat:DELIVRD"),
		} {
			q.Sequence = uint32(i)
			p.write(q)
			_, err := p.readPDU()
			require.NoError(t, err)
		}
		p.hangUp()
		synctest.Wait()
		closeIgnoringError(t, c)
	})
	for _, want := range []string{
		"level=ERROR msg=\"smpp: bind failed\"", "RINVPASWD", "level=INFO msg=\"smpp: bound\"", "RINVESMCLASS",
		"is no receipt", "cut off", "unknown request", "not stored", "session ended",
	} {
		require.Contains(t, out.String(), want)
	}
	for _, secret := range []string{account, password, digits, "private", "STOP"} {
		require.NotContains(t, out.String(), secret)
	}
}
