package pdu

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// State is the state of a message in a receipt: a message_state (section 5.2.28).
type State uint8

// The states, with the words that a receipt's text has for them (appendix B).
// StateScheduled and StateSkipped are from version 5.0.
const (
	StateScheduled     State = 0 // SCHEDLD
	StateEnroute       State = 1 // ENROUTE
	StateDelivered     State = 2 // DELIVRD
	StateExpired       State = 3 // EXPIRED
	StateDeleted       State = 4 // DELETED
	StateUndeliverable State = 5 // UNDELIV
	StateAccepted      State = 6 // ACCEPTD
	StateUnknown       State = 7 // UNKNOWN: the message is in an invalid state
	StateRejected      State = 8 // REJECTD
	StateSkipped       State = 9 // SKIPPED
	// StateNone is the state of a receipt without a state, or with an unknown word for it.
	StateNone State = 0xFF
)

var stateWords = [...]string{
	"SCHEDLD", "ENROUTE", "DELIVRD", "EXPIRED", "DELETED", "UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD", "SKIPPED",
}

// stateSynonyms are other words that SMSCs use: the long names of section 5.2.28, and those
// seen in the field.
var stateSynonyms = map[string]State{
	"SCHEDULED": StateScheduled,
	"QUEUED":    StateScheduled,
	"PENDING":   StateScheduled,

	"EN_ROUTE": StateEnroute,
	"ACKED":    StateEnroute,
	"BUFFRED":  StateEnroute,
	"BUFFERD":  StateEnroute,
	"BUFFERED": StateEnroute,
	"SENT":     StateEnroute,
	"RETRY":    StateEnroute,

	"DELIVERED": StateDelivered,
	"DELIVERD":  StateDelivered,
	"DELIVRED":  StateDelivered,
	"DELIVER":   StateDelivered,
	"DELIVERY":  StateDelivered,
	"DELIV":     StateDelivered,
	"DLVRD":     StateDelivered,

	"EXPIRE":  StateExpired,
	"EXPIRD":  StateExpired,
	"TIMEOUT": StateExpired,

	"DELETE":    StateDeleted,
	"CANCELED":  StateDeleted,
	"CANCELLED": StateDeleted,

	"UNDELIVERABLE": StateUndeliverable,
	"UNDELIVERED":   StateUndeliverable,
	"UNDELIVERD":    StateUndeliverable,
	"UNDELIVRD":     StateUndeliverable,
	"UNDELIVER":     StateUndeliverable,
	"UNDLVRD":       StateUndeliverable,
	"NOTDELIVERED":  StateUndeliverable,
	"NOT_DELIVERED": StateUndeliverable,
	"FAILED":        StateUndeliverable,
	"FAILURE":       StateUndeliverable,
	"FAIL":          StateUndeliverable,
	"ERROR":         StateUndeliverable,
	"SYSERR":        StateUndeliverable,
	"UNIDNTFY":      StateUndeliverable, // the subscriber is not identified
	"ZEROBAL":       StateUndeliverable, // the person's balance is empty

	"ACCEPTED": StateAccepted,
	"ACCEPT":   StateAccepted,

	"UNKNOW": StateUnknown,
	"UNKNWN": StateUnknown,
	"NULL":   StateUnknown, // the carrier has sent no receipt

	"REJECTED": StateRejected,
	"REJECT":   StateRejected,
	"REJCTD":   StateRejected,
	"REJECTE":  StateRejected,
	"REJCTED":  StateRejected,
	"REFUSED":  StateRejected,
	"BLOCKED":  StateRejected,
	"BARRED":   StateRejected,
	"BARREDA":  StateRejected, // for the person's age
	"NACK":     StateRejected,
	"NOCRED":   StateRejected, // the account has no credit

	"SKIP": StateSkipped,
}

// String returns the state's word in a receipt's text.
func (s State) String() string {
	if int(s) < len(stateWords) {
		return stateWords[s]
	}
	if s == StateNone {
		return "none"
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// stateOf returns the state of a word in upper case.
func stateOf(word string) State {
	for i, w := range stateWords {
		if w == word {
			return State(i)
		}
	}
	if s, ok := stateSynonyms[word]; ok {
		return s
	}
	return StateNone
}

// Receipt is an SMSC's report about a message that it took before.
type Receipt struct {
	// ID is the message's ID, as the SMSC spells it here.
	ID string
	// TextID is the ID in the receipt's text, if it has one. If the parameters also name
	// the message, ID is theirs, and the two may be spelled differently.
	TextID string
	State  State
	// Word is the text's own word for the state, in upper case.
	Word string
	// Err is the err field of the text: most often three digits, sometimes a word.
	Err string
	// NetworkError is the network_error_code: the network's type and its code, "3/27", or
	// the three or four digits that some SMSCs send.
	NetworkError string
	// Done is when the message reached its state: the text's digits, perhaps with the sign of
	// a zone behind them. See DoneAt.
	Done string
}

// ParseReceipt parses a receipt from a *Message or a *Data, and reports whether it is one.
// A receipt names a message. It also has the type (esm_class) of an acknowledgement, or one
// of the parameters receipted_message_id and message_state. A text that a person wrote to
// the ESME has none of them, so it is never a receipt, whatever it looks like.
//
// The parameters receipted_message_id, message_state and network_error_code take precedence
// over the text. The text supplies missing ones, and the state for a message_state of 0 or one
// that no version has. The text's format is "SMSC vendor specific"
// (appendix B), so its fields may stand in any order, and any may be missing. They end at
// "text:", because the message's own text follows. Only if no state stands before it, the
// last fields behind it count. The text may be UCS-2 and have a user data header.
func ParseReceipt(b Body) (Receipt, bool) {
	r, marked := parseReceipt(b)
	return r, marked && r.ID != ""
}

// ParseUnmarkedReceipt parses a receipt that has only its text: an ID and a state in the
// format of appendix B. It is for SMSCs that leave out esm_class. A person who can write to
// the ESME can forge such a receipt.
func ParseUnmarkedReceipt(b Body) (Receipt, bool) {
	r, _ := parseReceipt(b)
	return r, r.ID != "" && r.Word != ""
}

// LooksLikeReceipt reports whether a body is a receipt by its type, its parameters or its
// text, whether or not it can be read.
func LooksLikeReceipt(b Body) bool {
	r, marked := parseReceipt(b)
	return marked || r.ID != "" && r.Word != ""
}

// parseReceipt reads the fields of a receipt, and reports whether something other than the
// text says that it is one.
func parseReceipt(b Body) (r Receipt, marked bool) {
	var (
		class uint8
		text  []byte
		ts    TLVs
	)
	switch m := b.(type) {
	case *Message:
		class, text, ts = m.ESMClass, m.Text(), m.TLVs
	case *Data:
		class, ts = m.ESMClass, m.TLVs
		text, _ = ts.Get(MessagePayload)
	}
	id, named := ts.Get(ReceiptedMessageID)
	state, stated := ts.Get(MessageState)
	r = parseText(decodeText(class, text))
	if word := firstWord(string(id)); word != "" { // a C-octet string
		r.ID = word
	}
	if len(state) > 0 {
		// Some SMSCs send state 0, which version 3.4 does not have, or "unknown" with a text that
		// has the final state.
		s := stateOfOctet(state[len(state)-1])
		if known := s != StateScheduled && s != StateUnknown && int(s) < len(stateWords); known || r.State == StateNone {
			r.State = s
		}
	}
	code, _ := ts.Get(NetworkErrorCode)
	r.NetworkError = networkError(code)
	return r, class&ESMTypes != 0 || named || stated
}

// stateOfOctet returns the state of a message_state. Some SMSCs send it as a digit.
func stateOfOctet(b byte) State {
	if '0' <= b && b <= '9' {
		b -= '0'
	}
	return State(b)
}

// decodeText returns a receipt's text without its user data header. The text begins with
// ASCII characters, so its first octets show whether it is UTF-16. Its data_coding does
// not: some SMSCs repeat that of the message. A NUL before one-octet characters is no half
// of a character: some SMSCs send one there (fiorix/go-smpp, issue 73).
func decodeText(class uint8, text []byte) string {
	if class&ESMHeader != 0 && len(text) > 0 && int(text[0]) < len(text) {
		text = text[1+int(text[0]):]
	}
	if len(text) < 2 {
		return string(text)
	}
	next := text[2:min(4, len(text))]
	var order binary.ByteOrder
	switch first, second := text[0], text[1]; {
	case first == 0 && second != 0 && (len(next) < 2 || next[0] == 0), first == 0xFE && second == 0xFF:
		order = binary.BigEndian
	case first != 0 && second == 0 && (len(next) < 2 || next[1] == 0), first == 0xFF && second == 0xFE:
		order = binary.LittleEndian
	default:
		return string(text)
	}
	units := make([]uint16, 0, len(text)/2)
	for ; len(text) >= 2; text = text[2:] {
		units = append(units, order.Uint16(text))
	}
	return strings.TrimPrefix(string(utf16.Decode(units)), "\uFEFF")
}

// networkError formats a network_error_code (section 5.3.2.31): the type of network, and
// its code in two octets. Some SMSCs send three digits, and some four (kneodev/ksmppd,
// issue 145).
func networkError(code []byte) string {
	switch {
	case (len(code) == 3 || len(code) == 4) && isDigits(string(code)):
		return string(code)
	case len(code) != 3:
		return ""
	default:
		return fmt.Sprintf("%d/%d", code[0], int(code[1])<<8|int(code[2]))
	}
}

func parseText(text string) Receipt {
	var fields, behind [labelCount]string
	ended := false // "text:" has come
	scanFields(text, func(label int, value string) {
		switch {
		case ended:
			behind[label] = value // the last one, because the message's own text comes first
		case label == labelText:
			ended = true
		case fields[label] == "":
			fields[label] = value
		}
	})
	if fields[labelStat] == "" {
		for _, label := range []int{labelStat, labelErr, labelDone} {
			fields[label] = cmp.Or(fields[label], behind[label])
		}
	}
	r := Receipt{
		ID: fields[labelID], TextID: fields[labelID], State: StateNone, Word: strings.ToUpper(fields[labelStat]),
		Err: fields[labelErr], Done: fields[labelDone],
	}
	if r.Word != "" {
		r.State = stateOf(r.Word)
	}
	return r
}

// scanFields calls found with the label and the first word of each field in a text.
func scanFields(text string, found func(label int, value string)) {
	current, start := labelCount, 0
	for i := range len(text) {
		next, size := labelAt(text, i)
		if size == 0 {
			continue
		}
		if current < labelCount {
			found(current, firstWord(text[start:i]))
		}
		current, start = next, i+size
	}
	if current < labelCount {
		found(current, firstWord(text[start:]))
	}
}

// firstWord returns the first word of a field's value: the part before a space or a comma,
// without the NULs around it.
func firstWord(s string) string {
	s = strings.TrimLeft(s, " \t\r\n\x00")
	if i := strings.IndexAny(s, " \t\r\n\x00,;"); i >= 0 {
		s = s[:i]
	}
	return s
}

// The fields of a receipt's text.
const (
	labelID = iota
	labelSub
	labelDlvrd
	labelSubmit
	labelDone
	labelStat
	labelErr
	labelText
	labelCount
)

// labelNames are the names of the fields. Some SMSCs leave out the space, or have an
// underscore there. Some spell stat out.
var labelNames = []struct {
	label int
	name  string
}{
	{labelID, "id"},
	{labelSub, "sub"},
	{labelDlvrd, "dlvrd"},
	{labelSubmit, "submit date"},
	{labelDone, "done date"},
	{labelStat, "stat"},
	{labelStat, "state"},
	{labelStat, "status"},
	{labelErr, "err"},
	{labelText, "text"},
}

// labelAt returns the label that begins at s[i:], and its size with its colon, or 0 for no
// label. A label is a whole word: "valid:" does not hold "id:".
func labelAt(s string, i int) (label, size int) {
	if i > 0 && isWordByte(s[i-1]) {
		return 0, 0
	}
	for _, l := range labelNames {
		if size := labelSize(s[i:], l.name); size > 0 {
			return l.label, size
		}
	}
	return 0, 0
}

// labelSize returns the size of the label that s begins with if it is name's, or 0.
func labelSize(s, name string) int {
	n := 0
	for i := range len(name) {
		switch {
		case name[i] == ' ':
			n = len(s) - len(strings.TrimLeft(s[n:], " _"))
		case n == len(s) || lowerByte(s[n]) != name[i]:
			return 0
		default:
			n++
		}
	}
	if n == len(s) || s[n] != ':' {
		return 0
	}
	return n + 1
}

func isWordByte(c byte) bool {
	return c == '_' || c == '-' || '0' <= c && c <= '9' || 'a' <= lowerByte(c) && lowerByte(c) <= 'z'
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// dateLayouts are the formats of a receipt's dates.
var dateLayouts = []string{"0601021504", "060102150405", "200601021504", "20060102150405"}

// DoneAt returns the time of Done, which is local time in a zone that the receipt does not
// name. If the digits can be read in several ways, also as seconds since 1970, it takes the
// time that is nearest to now. It is zero if no way fits, or if the time is more than a month
// before now or more than a day after it. Some SMSCs send zeros, or the dates of a wrong
// clock. A time in the absolute format of section 7.1.1, "261123084459012+", names
// its zone itself.
func (r Receipt) DoneAt(where *time.Location, now time.Time) time.Time {
	digits := r.Done
	if len(digits) == absoluteTime && (digits[absoluteTime-1] == '+' || digits[absoluteTime-1] == '-') {
		quarters, err := strconv.Atoi(digits[13:15])
		if err != nil {
			return time.Time{}
		}
		offset := quarters * 15 * 60
		if digits[absoluteTime-1] == '-' {
			offset = -offset
		}
		digits, where = digits[:12], time.FixedZone("", offset)
	}
	if !isDigits(digits) {
		return time.Time{}
	}
	var nearest time.Time
	best := time.Duration(math.MaxInt64)
	consider := func(t time.Time) {
		if distance := now.Sub(t).Abs(); distance < best {
			nearest, best = t, distance
		}
	}
	for _, layout := range dateLayouts {
		if t, err := time.ParseInLocation(layout, digits, where); err == nil {
			consider(t)
		}
	}
	if len(digits) == 10 {
		if seconds, err := strconv.ParseInt(digits, 10, 64); err == nil {
			consider(time.Unix(seconds, 0))
		}
	}
	if age := now.Sub(nearest); age > maxAge || age < -maxLead {
		return time.Time{}
	}
	return nearest
}

// absoluteTime is the length of an absolute time: YYMMDDhhmmss, a tenth of a second, quarters
// of an hour in two digits, and their sign.
const absoluteTime = 16

// The limits of a receipt's date. A zone that is wrong moves it by less than a day.
const (
	maxAge  = 31 * 24 * time.Hour
	maxLead = 24 * time.Hour
)
