package pdu

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
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

// stateSynonyms are other words that SMSCs use.
var stateSynonyms = map[string]State{
	"SCHEDULED": StateScheduled,
	"ACKED":     StateEnroute,
	"BUFFRED":   StateEnroute,
	"BUFFERD":   StateEnroute,
	"BUFFERED":  StateEnroute,
	"DELIVERED": StateDelivered,
	"ACCEPTED":  StateAccepted,
	"REJECTED":  StateRejected,
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

func stateOf(word string) State {
	word = strings.ToUpper(word)
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
	// Err is the err field of the text: most often three digits, sometimes a word.
	Err string
	// NetworkError is the network_error_code: the network's type and its code, "3/27", or
	// the three digits that some SMSCs send.
	NetworkError string
	// Done is when the message reached its state: the text's digits. See DoneAt.
	Done string
}

// ParseReceipt parses a receipt from a *Message or a *Data, and reports whether it is one.
// A receipt names a message, and has the type (esm_class) of an acknowledgement or a
// receipted_message_id. A text that a person wrote to the ESME is never a receipt, whatever
// it looks like.
//
// The parameters receipted_message_id, message_state and network_error_code take precedence
// over the text, which supplies missing ones. The text's format is "SMSC vendor specific"
// (appendix B), so its fields may stand in any order, and any may be missing. They end at
// "text:", because the message's own text follows.
func ParseReceipt(b Body) (Receipt, bool) {
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
	if class&ESMTypes == 0 && !named {
		return Receipt{}, false
	}
	r := parseText(string(text))
	if word := firstWord(string(id)); word != "" { // a C-octet string
		r.ID = word
	}
	if state, _ := ts.Get(MessageState); len(state) == 1 {
		r.State = State(state[0])
	}
	code, _ := ts.Get(NetworkErrorCode)
	r.NetworkError = networkError(code)
	return r, r.ID != ""
}

// networkError formats a network_error_code (section 5.3.2.31): the type of network, and
// its code in two octets.
func networkError(code []byte) string {
	switch {
	case len(code) != 3:
		return ""
	case isDigits(string(code)):
		return string(code)
	default:
		return fmt.Sprintf("%d/%d", code[0], int(code[1])<<8|int(code[2]))
	}
}

func parseText(text string) Receipt {
	r := Receipt{State: StateNone}
	var values [labelCount]string
	current, start := labelCount, 0
	end := func(at int) {
		if current < labelCount && values[current] == "" {
			values[current] = firstWord(text[start:at])
		}
	}
	for i := 0; i < len(text) && current != labelText; i++ {
		if next, size := labelAt(text, i); size > 0 {
			end(i)
			current, start = next, i+size
		}
	}
	end(len(text))
	r.ID, r.Err, r.Done = values[labelID], values[labelErr], values[labelDone]
	r.TextID = r.ID
	if stat := values[labelStat]; stat != "" {
		r.State = stateOf(stat)
	}
	return r
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

// labelNames are the names of the fields. Some SMSCs leave out the space.
var labelNames = [labelCount]string{"id", "sub", "dlvrd", "submit date", "done date", "stat", "err", "text"}

// labelAt returns the label that begins at s[i:], and its size with its colon, or 0 for no
// label. A label is a whole word: "valid:" does not hold "id:".
func labelAt(s string, i int) (label, size int) {
	if i > 0 && isWordByte(s[i-1]) {
		return 0, 0
	}
	for label, name := range labelNames {
		if size := labelSize(s[i:], name); size > 0 {
			return label, size
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
			n = len(s) - len(strings.TrimLeft(s[n:], " "))
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
// time that is nearest to now. It is zero if no way fits.
func (r Receipt) DoneAt(where *time.Location, now time.Time) time.Time {
	if !isDigits(r.Done) {
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
		if t, err := time.ParseInLocation(layout, r.Done, where); err == nil {
			consider(t)
		}
	}
	if len(r.Done) == 10 {
		if seconds, err := strconv.ParseInt(r.Done, 10, 64); err == nil {
			consider(time.Unix(seconds, 0))
		}
	}
	return nearest
}
