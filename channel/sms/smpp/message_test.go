package smpp_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms"
	"github.com/smsplus/smsplus-go/channel/sms/smpp"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
	"github.com/smsplus/smsplus-go/status"
)

// submitAll returns the messages that the SMSC gets for an envelope, and the answer. The
// SMSC accepts all of them, with the IDs 1, 2, 3 …
func submitAll(t *testing.T, change func(*smpp.Config), e channel.Envelope) ([]*pdu.Message, sendAnswer) {
	t.Helper()
	var got []*pdu.Message
	var a sendAnswer
	synctest.Test(t, func(t *testing.T) {
		m := newSMSC(t)
		m.serveAll(func(p *smscPeer, q pdu.PDU) {
			got = append(got, q.Body.(*pdu.Message))
			p.acceptSubmit(q, fmt.Sprint(len(got)))
		})
		c := m.newChannel(change)
		defer closeIgnoringError(t, c)
		a.Result, a.err = c.Send(t.Context(), e)
	})
	return got, a
}

func TestSend_LongTextArrivesWholeWithIDOfLastPart(t *testing.T) {
	t.Parallel()
	attempt := uuid.MustParse("00000000-0000-4000-8000-00000000abcd")
	chinese := strings.Repeat("您的包裹已送達門市，請於七日內取件。", 10) // 180 characters
	latin := strings.Repeat("a", 305) + "€"
	for _, tt := range []struct {
		name  string
		long  smpp.Long
		text  string
		parts int
		udh   string // of the first part
	}{
		{"one segment", smpp.UDH8, strings.Repeat("a", 160), 1, ""},
		{"8 bits", smpp.UDH8, latin, 3, "050003cd0301"},
		{"8 bits, UCS-2", smpp.UDH8, chinese, 3, "050003cd0301"},
		{"16 bits", smpp.UDH16, strings.Repeat("a", 305), 3, "060804abcd0301"},
		{"16 bits, UCS-2", smpp.UDH16, chinese, 3, "060804abcd0301"},
		{"SAR", smpp.SAR, chinese, 3, ""},
		{"payload", smpp.Payload, chinese, 1, ""},
		{"payload, one segment", smpp.Payload, "hello", 1, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := envelope(tt.text)
			e.AttemptID = attempt
			got, a := submitAll(t, func(c *smpp.Config) { c.Long = tt.long }, e)
			requireAccepted(t, a, fmt.Sprint(tt.parts))
			require.Len(t, got, tt.parts)
			encoding, _ := sms.Split(tt.text, 0)
			var octets []byte
			for i, part := range got {
				require.EqualValues(t, map[bool]int{true: 1, false: 0}[i == len(got)-1], part.RegisteredDelivery)
				require.EqualValues(t, map[sms.Encoding]int{sms.GSM7: 0, sms.UCS2: 8}[encoding], part.DataCoding)
				text := part.Text()
				if tt.udh != "" {
					require.EqualValues(t, 0x40, part.ESMClass)
					size := len(tt.udh) / 2
					header := fmt.Sprintf("%x", text[:size])
					require.Equal(t, tt.udh[:len(tt.udh)-2]+fmt.Sprintf("%02x", i+1), header)
					text = text[size:]
				} else {
					require.Zero(t, part.ESMClass)
				}
				switch {
				case tt.long == smpp.SAR:
					require.Equal(t, pdu.TLVs{
						{Tag: 0x020C, Value: []byte{0xAB, 0xCD}},
						{Tag: 0x020E, Value: []byte{3}},
						{Tag: 0x020F, Value: []byte{byte(i + 1)}},
					}, part.TLVs)
				case tt.name == "payload":
					require.Empty(t, part.ShortMessage)
					require.Len(t, part.TLVs, 1)
				default:
					require.Empty(t, part.TLVs)
				}
				octets = append(octets, text...)
			}
			require.Equal(t, tt.text, sms.Decode(encoding, octets))
		})
	}
}

// A handset ignores the copy of a part that it has, because both have the same reference.
func TestSend_TriesShareReference(t *testing.T) {
	t.Parallel()
	e := envelope(strings.Repeat("a", 200))
	first, _ := submitAll(t, nil, e)
	e.Try = 2
	second, _ := submitAll(t, nil, e)
	require.Equal(t, first, second)
	e.AttemptID[15]++
	another, _ := submitAll(t, nil, e)
	require.NotEqual(t, first, another)
}

// A later part fails after an earlier part was taken.
func TestSend_PartlyTakenIsInDoubtOnlyWithoutAnswer(t *testing.T) {
	for name, tt := range map[string]struct {
		fail func(p *smscPeer, q pdu.PDU)
		want func(t *testing.T, err error)
	}{
		"not answered": {
			func(*smscPeer, pdu.PDU) {},
			func(t *testing.T, err error) { requireFault(t, err, true) },
		},
		"cut": {
			func(p *smscPeer, _ pdu.PDU) { p.hangUp() },
			func(t *testing.T, err error) { requireFault(t, err, true) },
		},
		"an invalid number": {
			func(p *smscPeer, q pdu.PDU) { p.respond(q, pdu.RINVDSTADR) },
			func(t *testing.T, err error) {
				requireRefused(t, err, status.Undeliverable, status.InvalidNumber)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, m *scriptedSMSC) {
				c := m.newChannel(nil)
				defer closeIgnoringError(t, c)
				answers := sendAsync(t.Context(), c, envelope(strings.Repeat("a", 200)))
				p := m.acceptBind()
				p.acceptSubmit(p.expect(pdu.SubmitSM), "1")
				tt.fail(p, p.expect(pdu.SubmitSM))
				tt.want(t, (<-answers).err)
			})
		})
	}
}

func TestSend_NothingTakenIsTemporary(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		answers := sendAsync(t.Context(), c, envelope(strings.Repeat("a", 200)))
		p := m.acceptBind()
		p.respond(p.expect(pdu.SubmitSM), pdu.RTHROTTLED)
		requireFault(t, (<-answers).err, false)
	})
}

func TestSend_ValidityEndsWhenMessageExpires(t *testing.T) {
	t.Parallel()
	for left, want := range map[time.Duration]string{
		time.Second:                           "000000000100000R",
		time.Minute:                           "000000000100000R",
		61*time.Second + 999*time.Millisecond: "000000000101000R",
		5 * time.Minute:                       "000000000500000R",
		3*time.Hour + 4*time.Minute:           "000000030400000R",
		47 * time.Hour:                        "000001230000000R",
		48 * time.Hour:                        "000002000000000R",
		300 * time.Hour:                       "000002000000000R",
	} {
		e := envelope("hello")
		clock := fixedClock(time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC))
		e.Expires = clock.Now().Add(left)
		got, a := submitAll(t, func(c *smpp.Config) { c.Clock = clock }, e)
		requireAccepted(t, a, "1")
		require.Equal(t, want, got[0].ValidityPeriod, left)
	}
	got, _ := submitAll(t, nil, envelope("hello"))
	require.Empty(t, got[0].ValidityPeriod, "it does not expire")
	e := envelope("hello")
	e.Expires = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	got, a := submitAll(t, func(c *smpp.Config) { c.Clock = fixedClock(e.Expires) }, e)
	requireRefused(t, a.err, status.Undeliverable, status.Expired)
	require.Empty(t, got)
}

// Some SMSCs refuse the relative form, and some take no validity period at all.
func TestSend_ValidityHasConfiguredForm(t *testing.T) {
	t.Parallel()
	clock := fixedClock(time.Date(2026, 11, 23, 23, 58, 0, 999, time.FixedZone("", 8*60*60)))
	e := envelope("hello")
	e.Expires = clock.Now().Add(5 * time.Minute)
	for form, want := range map[smpp.ValidityForm]string{
		smpp.RelativeValidity: "000000000500000R",
		smpp.AbsoluteValidity: "261123160300000+",
		smpp.NoValidity:       "",
	} {
		change := func(c *smpp.Config) { c.Clock, c.ValidityForm = clock, form }
		got, a := submitAll(t, change, e)
		requireAccepted(t, a, "1")
		require.Equal(t, want, got[0].ValidityPeriod)
		require.Equal(t, want != "", newSMSC(t).newChannel(change).Traits().Expires)

		late := e
		late.Expires = clock.Now()
		got, a = submitAll(t, change, late)
		requireRefused(t, a.err, status.Undeliverable, status.Expired)
		require.Empty(t, got)
	}
}

type fixedClock time.Time

func (f fixedClock) Now() time.Time { return time.Time(f) }

func TestSend_SourceTypeFollowsSource(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]pdu.Address{
		"":                     {},
		"SMSPLUS":              {TON: 5, Addr: "SMSPLUS"},
		"Ac me-1+":             {TON: 5, Addr: "Ac me-1+"},
		"+":                    {TON: 5, Addr: "+"},
		"886912345678":         {TON: 1, NPI: 1, Addr: "886912345678"},
		"+886912345678":        {TON: 1, NPI: 1, Addr: "886912345678"},
		"1234567":              {TON: 1, NPI: 1, Addr: "1234567"},
		"123456":               {TON: 3, Addr: "123456"},
		"88":                   {TON: 3, Addr: "88"},
		"12345678901234567890": {TON: 1, NPI: 1, Addr: "12345678901234567890"},
	} {
		got, _ := submitAll(t, func(c *smpp.Config) { c.Source = source }, envelope("hello"))
		require.Equal(t, want, got[0].Source, source)
	}
	got, _ := submitAll(t, func(c *smpp.Config) {
		c.Source, c.SourceType, c.ServiceType = "0912345678", &smpp.Numbering{TON: 2, NPI: 8}, "OTP"
	}, envelope("hello"))
	require.Equal(t, pdu.Address{TON: 2, NPI: 8, Addr: "0912345678"}, got[0].Source)
	require.Equal(t, "OTP", got[0].ServiceType)
	got, _ = submitAll(t, func(c *smpp.Config) { c.Source, c.SourceType = "+886912345678", &smpp.Numbering{TON: 1, NPI: 1} }, envelope("hello"))
	require.Equal(t, pdu.Address{TON: 1, NPI: 1, Addr: "+886912345678"}, got[0].Source, "with a type it is sent as it is written")
}

func TestSend_DestinationHasConfiguredForm(t *testing.T) {
	t.Parallel()
	taiwan := &smpp.National{CountryCode: "886", Prefix: "0"}
	for name, tt := range map[string]struct {
		change func(*smpp.Config)
		to     string
		want   pdu.Address
	}{
		"default":             {func(*smpp.Config) {}, "+886912345678", pdu.Address{TON: 1, NPI: 1, Addr: "886912345678"}},
		"plus":                {func(c *smpp.Config) { c.NumberForm = smpp.Plus }, "+886912345678", pdu.Address{TON: 1, NPI: 1, Addr: "+886912345678"}},
		"double zero":         {func(c *smpp.Config) { c.NumberForm = smpp.DoubleZero }, "+886912345678", pdu.Address{TON: 1, NPI: 1, Addr: "00886912345678"}},
		"another type":        {func(c *smpp.Config) { c.DestinationType = &smpp.Numbering{TON: 0, NPI: 8} }, "+886912345678", pdu.Address{NPI: 8, Addr: "886912345678"}},
		"national":            {func(c *smpp.Config) { c.National = taiwan }, "+886912345678", pdu.Address{TON: 2, NPI: 1, Addr: "0912345678"}},
		"national, elsewhere": {func(c *smpp.Config) { c.National, c.NumberForm = taiwan, smpp.Plus }, "+85291234567", pdu.Address{TON: 1, NPI: 1, Addr: "+85291234567"}},
		"national, its type": {
			func(c *smpp.Config) { c.National, c.DestinationType = taiwan, &smpp.Numbering{TON: 0, NPI: 1} },
			"+886912345678",
			pdu.Address{TON: 0, NPI: 1, Addr: "0912345678"},
		},
		"national without a prefix": {
			func(c *smpp.Config) { c.National = &smpp.National{CountryCode: "34"} },
			"+34612345678",
			pdu.Address{TON: 2, NPI: 1, Addr: "612345678"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := envelope("hello")
			e.To = to(t, tt.to)
			got, _ := submitAll(t, tt.change, e)
			require.Equal(t, tt.want, got[0].Destination)
		})
	}
}

func TestSend_EncodesForAlphabet(t *testing.T) {
	t.Parallel()
	ucs2 := func(s string) string { return string(sms.SplitUCS2(s, 0)[0]) }
	for _, tt := range []struct {
		alphabet smpp.Alphabet
		text     string
		coding   uint8
		want     []string
	}{
		{smpp.GSM, "@é{€", 0, []string{"\x00\x05\x1b\x28\x1b\x65"}},
		{smpp.Latin1, "@é{", 0, []string{"@\xe9{"}},
		{smpp.Latin1, "€", 8, []string{ucs2("€")}},
		{smpp.Latin1, "ç", 8, []string{ucs2("ç")}}, // no character of the network's alphabet
		{smpp.ASCII, "@{", 0, []string{"@{"}},
		{smpp.ASCII, "é", 8, []string{ucs2("é")}},
		{smpp.ASCII, "`", 8, []string{ucs2("`")}},
		{smpp.AlwaysUCS2, "hello", 8, []string{ucs2("hello")}},
		{smpp.Latin1, strings.Repeat("a", 152) + "{" + strings.Repeat("b", 10), 0, []string{
			"\x05\x00\x03\xcd\x02\x01" + strings.Repeat("a", 152), "\x05\x00\x03\xcd\x02\x02{" + strings.Repeat("b", 10),
		}},
		{smpp.AlwaysUCS2, strings.Repeat("a", 71), 8, []string{
			"\x05\x00\x03\xcd\x02\x01" + ucs2(strings.Repeat("a", 67)), "\x05\x00\x03\xcd\x02\x02" + ucs2("aaaa"),
		}},
	} {
		e := envelope(tt.text)
		e.AttemptID[15] = 0xcd
		got, _ := submitAll(t, func(c *smpp.Config) { c.Alphabet = tt.alphabet }, e)
		require.Len(t, got, len(tt.want), tt.text)
		for i, m := range got {
			require.Equal(t, tt.coding, m.DataCoding, tt.text)
			require.Equal(t, tt.want[i], string(m.ShortMessage), tt.text)
		}
	}
}

// foreignContent is content of another kind.
type foreignContent struct{}

func (foreignContent) Vars() []string                                      { return nil }
func (r foreignContent) Render(map[string]string) (channel.Content, error) { return r, nil }

func TestCheckContent_RefusesUnsendable(t *testing.T) {
	t.Parallel()
	c := newSMSC(t).newChannel(func(c *smpp.Config) { c.MaxSegments = 2 })
	wide := newSMSC(t).newChannel(func(c *smpp.Config) { c.MaxSegments, c.Long = 2, smpp.UDH16 })
	for _, content := range []channel.Content{
		channel.Text("hello"), channel.Text("{{code}}"), channel.Text(strings.Repeat("a", 306)),
		channel.Text(strings.Repeat("a", 300) + "{{a_variable_with_a_long_name}}"), channel.Text(strings.Repeat("漢", 134)),
	} {
		require.NoError(t, c.CheckContent(content))
	}
	for want, content := range map[string]channel.Content{
		"channel.Text":               foreignContent{},
		"empty":                      channel.Text(""),
		"UTF-8":                      channel.Text("\xff"),
		"has 3 segments":             channel.Text(strings.Repeat("a", 307)),
		"3 segments, want at most 2": channel.Text(strings.Repeat("漢", 135) + "{{code}}"),
		"begins no variable":         channel.Text("{{"),
	} {
		require.ErrorContains(t, c.CheckContent(content), want)
	}
	require.Error(t, wide.CheckContent(channel.Text(strings.Repeat("a", 306))), "a longer header leaves less room")
	require.NoError(t, wide.CheckContent(channel.Text(strings.Repeat("a", 304))))

	e := envelope(strings.Repeat("a", 307))
	_, err := c.Send(context.Background(), e)
	requireRefused(t, err, status.Undeliverable, status.ContentRejected)
}

func TestSize_IsNumberOfSegments(t *testing.T) {
	t.Parallel()
	ascii, han := channel.Text(strings.Repeat("a", 305)), channel.Text(strings.Repeat("漢", 71))
	for _, tt := range []struct {
		change     func(*smpp.Config)
		ascii, han int
	}{
		{nil, 2, 2},
		{func(c *smpp.Config) { c.Long = smpp.UDH16 }, 3, 2},
		{func(c *smpp.Config) { c.Long = smpp.Payload }, 2, 2},
		{func(c *smpp.Config) { c.Alphabet = smpp.AlwaysUCS2 }, 5, 2},
	} {
		c := newSMSC(t).newChannel(tt.change)
		require.Equal(t, []int{tt.ascii, tt.han}, []int{c.Size(ascii), c.Size(han)})
	}
}
