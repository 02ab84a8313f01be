package smpp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
	"github.com/smsplus/smsplus-go/internal/mask"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

// Config holds the SMSC's address, the account, and the settings that were agreed with the
// carrier or aggregator. Addr and SystemID are required.
type Config struct {
	// Name is the channel's name. Defaults to channel.SMS.
	Name channel.Name

	// Addr is the SMSC's host and port, "smpp.example.com:2775".
	Addr string
	// SystemID and Password are the account's. Many SMSCs take at most 15 and 8 characters.
	SystemID string
	Password secret.Text
	// SystemType is part of the account at some carriers. Defaults to none.
	SystemType string
	// TLS makes the connection with TLS. Its ServerName defaults to the host of Addr.
	// Defaults to plain TCP, which sends password and texts unencrypted.
	TLS *tls.Config
	// Dial makes the TCP connection. Defaults to that of a net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Binds is the number of sessions, which messages are spread over. Carriers limit it.
	// Defaults to 1.
	Binds int
	// BindPairs makes two sessions of each bind: a transmitter, which carries messages, and
	// a receiver, which carries receipts. It is for SMSCs that know no transceiver.
	BindPairs bool
	// Window is how many messages of one bind may wait for the SMSC's answer. With a round
	// trip of 20 ms, a window of 10 allows 500 messages a second. Carriers limit it, and
	// many refuse more as throttled. Defaults to 10.
	Window int

	// Source is the sender that people see: a name of up to 11 characters, a number with or
	// without its plus, or a short code. A number does not begin with 0 unless there is a
	// SourceType. Defaults to the SMSC's choice.
	Source string
	// SourceType is the source's type of number. With it, Source is sent as it is written,
	// with its plus or its zeros. Nil derives it from Source: alphanumeric for a name,
	// network specific for up to 6 digits, international for longer numbers without their
	// plus.
	SourceType *Numbering
	// DestinationType is the type of the recipients' numbers. Nil means international, or
	// national for numbers in the form of National, in the ISDN plan.
	DestinationType *Numbering
	// NumberForm is the form of recipients' international numbers. Defaults to Digits.
	NumberForm NumberForm
	// National writes the recipients' numbers of one country in their national form.
	// Defaults to none.
	National *National
	// Alphabet is the alphabet of texts, which carriers agree on for data_coding 0. Defaults
	// to GSM.
	Alphabet Alphabet
	// ServiceType is a setting that some carriers agree on. Defaults to none.
	ServiceType string
	// Long is the way to send a text that is longer than one segment. Defaults to UDH8.
	Long Long
	// MaxSegments is how many segments a text may have. Defaults to 10, at most 255.
	MaxSegments int
	// PartReceipts says which parts of a long text ask for a receipt. Defaults to LastPart.
	PartReceipts PartReceipts
	// Validity is how long the carrier keeps trying when nothing limits it. It also limits
	// the validity period of each message, because carriers refuse one that exceeds their
	// own. Defaults to 48 hours, at most 30 days.
	Validity time.Duration
	// ValidityForm is the form of validity periods. Defaults to RelativeValidity.
	ValidityForm ValidityForm

	// IDs are the formats of the SMSC's message IDs.
	IDs IDs
	// QuerySM says that the SMSC answers query_sm. Then it is asked for the state of a message
	// before the message goes on to its next step. Many carriers and aggregators do not allow
	// query_sm, so ask yours. Defaults to false.
	QuerySM bool
	// CancelSM says that the SMSC answers cancel_sm. Then it takes messages back that it has not
	// delivered, when another copy is on its way or has arrived. Many carriers and aggregators
	// do not allow cancel_sm, so ask yours. Defaults to false: no message is taken back.
	CancelSM bool
	// Codes overrides the meanings of a command_status, row by row, because carriers give
	// codes meanings of their own. A Status of Accepted takes the message as sent.
	Codes map[pdu.Status]channel.Verdict
	// States overrides the meanings of the states of receipts, row by row. For some
	// carriers, pdu.StateAccepted means that the message has arrived, for example.
	States map[pdu.State]channel.Verdict
	// Words overrides the meanings of the words for states in the texts of receipts, such as
	// "FAILED", in any case. It takes precedence over States.
	Words map[string]channel.Verdict
	// MarkedReceiptsOnly refuses a receipt whose esm_class says that a person wrote it (SMPP
	// 3.4, section 5.2.12). Some SMSCs set no esm_class, so the default takes a text with an
	// ID and a state for a receipt. Set it if people can write to the account's numbers and
	// the SMSC marks its receipts, because their texts could forge one.
	MarkedReceiptsOnly bool
	// Location is the time zone of the dates in receipts, which the receipts do not name.
	// Nil ignores the dates: an outcome then has the time when it is received.
	Location *time.Location

	// BindTimeout is a deadline for connecting and binding. Defaults to 10 s.
	BindTimeout time.Duration
	// ResponseTimeout is how long an answer may take. After it, a message without an answer
	// is in doubt, and a link without an answer is dropped. A Send whose context ends sooner,
	// as the engine's after Config.SendTimeout, is in doubt then; the attempt's next Send
	// waits for the answer until ResponseTimeout. An answer that comes still later, over the
	// same session, is handed to the sink as a receipt. Defaults to 30 s.
	ResponseTimeout time.Duration
	// EnquireInterval is how long a link may be silent before it gets an enquire_link.
	// Defaults to 30 s.
	EnquireInterval time.Duration
	// CloseTimeout is how long Close waits for answers and for the SMSC to unbind.
	// Defaults to 5 s.
	CloseTimeout time.Duration
	// RebindMin and RebindMax are the shortest and the longest pause before a lost bind is
	// tried again. The pause doubles from one to the other. Default to 1 s and 1 min.
	RebindMin, RebindMax time.Duration
	// RebindRefused is the pause after the SMSC refused a bind because of the account or
	// this Config, such as a wrong password. Several refused binds take turns. Carriers
	// lock out clients that try too often. Defaults to 1 min.
	RebindRefused time.Duration

	// Clock decides when a message expires. Defaults to the real one.
	Clock Clock
	// Logger gets the events of the binds. Defaults to none.
	Logger *slog.Logger
}

// Clock tells the time.
type Clock interface {
	Now() time.Time
}

// Numbering is a type of number and a numbering plan (sections 5.2.5 and 5.2.6 of the
// specification).
type Numbering struct{ TON, NPI uint8 }

// NumberForm is a form of international numbers.
type NumberForm uint8

const (
	// Digits is country code and number, 886912345678.
	Digits NumberForm = iota
	// Plus is Digits after a plus, +886912345678.
	Plus
	// DoubleZero is Digits after two zeros, 00886912345678.
	DoubleZero
)

var numberPrefixes = [...]string{Digits: "", Plus: "+", DoubleZero: "00"}

// National is the national form of numbers: those with the country code are written with
// the prefix in its place.
type National struct {
	// CountryCode is the country's, "886".
	CountryCode string
	// Prefix is the trunk prefix, "0". Some countries have none.
	Prefix string
}

// Alphabet is an alphabet of texts. A text with a character outside it is sent as UCS-2.
type Alphabet uint8

const (
	// GSM is the GSM 7-bit default alphabet, one septet in an octet.
	GSM Alphabet = iota
	// Latin1 is ISO 8859-1, as far as the GSM alphabet has its characters, because the
	// network has no other one.
	Latin1
	// ASCII is Latin1 without the characters beyond 7 bits.
	ASCII
	// AlwaysUCS2 sends every text as UCS-2.
	AlwaysUCS2
)

// Long is a way to send a text that is longer than one segment.
type Long uint8

const (
	// UDH8 sends each segment as a message of its own, which begins with a user data header
	// with an 8-bit reference. Every handset knows it.
	UDH8 Long = iota
	// UDH16 is UDH8 with a 16-bit reference. Segments are a character shorter, and two
	// messages to one person are less likely to be mixed up.
	UDH16
	// SAR sends each segment as a message of its own with the sar_ parameters, from
	// which the SMSC makes the header.
	SAR
	// Payload sends the text as one message, in the message_payload parameter. The SMSC
	// splits it.
	Payload
)

// ValidityForm is a form of validity periods (section 7.1.1).
type ValidityForm uint8

const (
	// RelativeValidity is the time that a message has left, so that the clocks need not agree.
	RelativeValidity ValidityForm = iota
	// AbsoluteValidity is the time in UTC when a message expires. It is for SMSCs that refuse
	// the relative form.
	AbsoluteValidity
	// NoValidity leaves the validity period out, for SMSCs that take none. A message may then
	// still arrive when its step is over, so the channel's Expires trait is false.
	NoValidity
)

// IDs are the formats of the SMSC's message IDs in its answers, and in its receipts. A
// receipt finds its message only if both normalize to the same ID.
type IDs struct{ Submit, Receipt IDFormat }

// IDFormat is a format of message IDs. In every format, case, hyphens, leading zeros and
// spaces around the ID do not count.
type IDFormat uint8

const (
	// Raw is an ID that is compared as it is written.
	Raw IDFormat = iota
	// Hex is a number in hexadecimal digits.
	Hex
	// Decimal is a number in decimal digits. One with hexadecimal letters is in hexadecimal
	// digits after all, because some SMSCs mix the two.
	Decimal
)

// Format writes c without the account's credentials, whatever the verb.
func (c Config) Format(f fmt.State, _ rune) {
	mask.Writef(f, "smpp.Config(%s at %s)", cmp.Or(c.Name, channel.SMS), c.Addr)
}

const (
	maxName      = 11 // 3GPP TS 23.040, section 9.1.2.5: 11 characters of 7 bits
	maxSource    = 20 // section 4.4.1
	maxShortCode = 6
	maxSegments  = 255 // the header counts them in an octet
	maxValidity  = 30 * 24 * time.Hour
	minValidity  = time.Minute
)

// prepare sets the defaults, and returns all mistakes.
func (c *Config) prepare() error {
	c.Name = cmp.Or(c.Name, channel.SMS)
	c.Binds = cmp.Or(c.Binds, 1)
	c.Window = cmp.Or(c.Window, 10)
	c.MaxSegments = cmp.Or(c.MaxSegments, 10)
	c.Validity = cmp.Or(c.Validity, 48*time.Hour)
	c.BindTimeout = cmp.Or(c.BindTimeout, 10*time.Second)
	c.ResponseTimeout = cmp.Or(c.ResponseTimeout, 30*time.Second)
	c.EnquireInterval = cmp.Or(c.EnquireInterval, 30*time.Second)
	c.CloseTimeout = cmp.Or(c.CloseTimeout, 5*time.Second)
	c.RebindMin = cmp.Or(c.RebindMin, time.Second)
	c.RebindMax = cmp.Or(c.RebindMax, time.Minute)
	c.RebindRefused = cmp.Or(c.RebindRefused, time.Minute)
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	if c.Clock == nil {
		c.Clock = realClock{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Codes, c.States = maps.Clone(c.Codes), maps.Clone(c.States)
	words := make(map[string]channel.Verdict, len(c.Words))
	for word, v := range c.Words {
		words[strings.ToUpper(word)] = v
	}
	c.Words = words
	host, _, err := net.SplitHostPort(c.Addr)
	if c.TLS != nil && c.TLS.ServerName == "" {
		c.TLS = c.TLS.Clone()
		c.TLS.ServerName = host
	}

	var bad configErrors
	bad.add(c.Addr == "", "Addr is required")
	bad.add(c.Addr != "" && err != nil, "Addr is no host and port")
	bad.add(c.SystemID == "", "SystemID is required")
	for _, f := range []struct{ name, value string }{
		{"SystemID", c.SystemID},
		{"Password", c.Password.Reveal()},
		{"SystemType", c.SystemType},
		{"ServiceType", c.ServiceType},
	} {
		bad.add(strings.Contains(f.value, "\x00"), "%s holds a NUL", f.name)
	}
	bad.add(!isSource(c.Source), "Source is no name of at most %d characters and no number of at most %d digits", maxName, maxSource)
	bad.add(c.SourceType == nil && startsWithZero(c.Source), "Source begins with 0: write its country code, or set SourceType")
	bad.add(c.NumberForm > DoubleZero, "NumberForm is %d, which is no form", c.NumberForm)
	if n := c.National; n != nil {
		bad.add(!isDigits(n.CountryCode) || n.CountryCode[0] == '0', "National.CountryCode is no country code")
		bad.add(n.Prefix != "" && !isDigits(n.Prefix), "National.Prefix is not of digits alone")
	}
	bad.add(c.Alphabet > AlwaysUCS2, "Alphabet is %d, which is no alphabet", c.Alphabet)
	bad.add(c.PartReceipts > EachPart, "PartReceipts is %d, which is no choice", c.PartReceipts)
	bad.add(c.ValidityForm > NoValidity, "ValidityForm is %d, which is no form", c.ValidityForm)
	bad.add(c.Long > Payload, "Long is %d, which is no way to send", c.Long)
	bad.add(c.IDs.Submit > Decimal || c.IDs.Receipt > Decimal, "IDs has a format that is none")
	for _, f := range []struct {
		name       string
		value, max int
	}{
		{"Binds", c.Binds, 1000},
		{"Window", c.Window, 1_000_000},
		{"MaxSegments", c.MaxSegments, maxSegments},
	} {
		bad.add(f.value < 1 || f.value > f.max, "%s is %d, want 1 to %d", f.name, f.value, f.max)
	}
	for _, f := range []struct {
		name       string
		value, max time.Duration
	}{
		{"Validity", c.Validity, maxValidity},
		{"BindTimeout", c.BindTimeout, 0},
		{"ResponseTimeout", c.ResponseTimeout, 0},
		{"EnquireInterval", c.EnquireInterval, 0},
		{"CloseTimeout", c.CloseTimeout, 0},
		{"RebindMin", c.RebindMin, c.RebindMax},
		{"RebindMax", c.RebindMax, 0},
		{"RebindRefused", c.RebindRefused, 0},
	} {
		bad.add(f.value < 0, "%s is negative", f.name)
		bad.add(f.max > 0 && f.value > f.max, "%s is %v, want at most %v", f.name, f.value, f.max)
	}
	for code, v := range c.Codes {
		bad.add(code == pdu.ROK, "Codes has a row for ROK, which is no fault")
		bad.addVerdict(fmt.Sprintf("Codes[%v]", code), v)
	}
	for state, v := range c.States {
		bad.addVerdict(fmt.Sprintf("States[%v]", state), v)
	}
	for word, v := range c.Words {
		bad.addVerdict(fmt.Sprintf("Words[%q]", word), v)
	}
	return errors.Join(bad...)
}

type configErrors []error

func (m *configErrors) add(wrong bool, format string, args ...any) {
	if wrong {
		*m = append(*m, fmt.Errorf("smpp: Config."+format, args...))
	}
}

func (m *configErrors) addVerdict(row string, v channel.Verdict) {
	m.add(!v.Status.Valid(), "%s has no status", row)
	m.add((v.Status == status.Undeliverable || v.Status == status.Failed) && v.Reason == "", "%s has no reason", row)
}

// isSource reports whether s can be a sender's name or number.
func isSource(s string) bool {
	if digits := strings.TrimPrefix(s, "+"); isDigits(digits) {
		return len(digits) <= maxSource
	}
	printable := strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
	return len(s) <= maxName && printable
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// startsWithZero reports whether a source is a number that begins with 0. No international
// number does.
func startsWithZero(source string) bool {
	digits := strings.TrimPrefix(source, "+")
	return isDigits(digits) && digits[0] == '0'
}

// sourceAddress returns the sender's address.
func (c *Config) sourceAddress() pdu.Address {
	if c.SourceType != nil {
		return pdu.Address{TON: c.SourceType.TON, NPI: c.SourceType.NPI, Addr: c.Source}
	}
	a := pdu.Address{Addr: c.Source}
	digits := strings.TrimPrefix(c.Source, "+")
	switch {
	case c.Source == "":
	case !isDigits(digits):
		a.TON = pdu.TONAlphanumeric
	case len(digits) <= maxShortCode:
		a.TON, a.Addr = pdu.TONNetwork, digits
	default:
		a.TON, a.NPI, a.Addr = pdu.TONInternational, pdu.NPIISDN, digits
	}
	return a
}

// destinationAddress returns the address of a recipient.
func (c *Config) destinationAddress(to phone.Number) pdu.Address {
	digits := to.E164()[1:]
	a := pdu.Address{TON: pdu.TONInternational, NPI: pdu.NPIISDN, Addr: numberPrefixes[c.NumberForm] + digits}
	if n := c.National; n != nil {
		if rest, ok := strings.CutPrefix(digits, n.CountryCode); ok {
			a.TON, a.Addr = pdu.TONNational, n.Prefix+rest
		}
	}
	if c.DestinationType != nil {
		a.TON, a.NPI = c.DestinationType.TON, c.DestinationType.NPI
	}
	return a
}

// realClock is the real clock.
type realClock struct{}

//nolint:forbidigo // the clock itself
func (realClock) Now() time.Time { return time.Now() }
