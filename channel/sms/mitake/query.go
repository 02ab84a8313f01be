package mitake

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// Query asks about messages by their msgid, all in one call (the specification, SmQuery). An
// attempt without a msgid, because its Send had no answer, cannot be asked about; a repeat of
// its send is harmless. A receipt comes for every message whose statuscode is a result.
func (c *Channel) Query(ctx context.Context, refs []channel.Ref) ([]channel.Receipt, error) {
	asked := make(map[string]channel.Ref, len(refs))
	var ids []string
	for _, ref := range refs {
		if id := messageNumber(ref.ProviderID); id != "" && id == ref.ProviderID {
			asked[id] = ref
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	s := c.setup()
	answer, err := c.call(ctx, s.smQuery, url.Values{
		"username": {s.Username}, "password": {s.Password.Reveal()}, "msgid": {strings.Join(ids, ",")},
	})
	if err != nil {
		return nil, fmt.Errorf("mitake: query: %w", err)
	}
	states, refusal, err := parseStates(answer.Body)
	switch {
	case len(states) > 0 || refusal == noSuchMessage:
	case refusal != "":
		return nil, fmt.Errorf("mitake: query: statuscode=%s", refusal)
	case answer.Code != http.StatusOK:
		return nil, channel.Temporary(fmt.Errorf("mitake: query: HTTP %d", answer.Code), answer.RetryAfter())
	case err != nil:
		return nil, fmt.Errorf("mitake: query: %w", err)
	}
	var receipts []channel.Receipt
	for _, state := range states {
		ref, isAsked := asked[state.number]
		v := c.setup().Codes[state.code]
		if !isAsked || !v.Status.Final() {
			continue
		}
		r := channel.Receipt{Channel: ref.Channel, ProviderID: ref.ProviderID, Status: v.Status, At: state.at}
		if v.Status != status.Delivered {
			r.Reason, r.Detail = v.Reason, "statuscode="+state.code+" msgid="+state.number
		}
		receipts = append(receipts, r)
	}
	return receipts, nil
}

// noSuchMessage is the statuscode of an answer to a query without a result.
const noSuchMessage = "z"

// messageState is a line of an answer of SmQuery (the specification, SmQuery):
//
//	0311216947	4	20060623103810
//
// The fields are separated by tabs: msgid, statuscode, the time of that status, and the points
// if they were asked for.
type messageState struct {
	number, code string
	at           time.Time // zero if it makes no sense
}

var errNoStates = errors.New("the answer has no status")

// parseStates parses an answer of SmQuery. The answer to a call that Mitake refuses has a
// statuscode alone, or as in an answer of SmSend. Lines that make no sense do not count, as
// long as another one does. An empty answer is one without a result. The statuscode of a
// message is a digit, because letters are about the call.
func parseStates(body []byte) (states []messageState, refusal string, err error) {
	text := decodeText(body)
	for line := range strings.Lines(text) {
		fields := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
		if len(fields) == 1 {
			code := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "statuscode="))
			if refusal == "" && isCode(code) {
				refusal = code
			}
			continue
		}
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		state := messageState{number: messageNumber(fields[0]), code: fields[1]}
		if state.number == "" || len(state.code) != 1 || state.code < "0" || state.code > "9" {
			continue
		}
		if len(fields) > 2 {
			state.at = parseTime(fields[2])
		}
		states = append(states, state)
	}
	if len(states) == 0 && refusal == "" && strings.TrimSpace(text) != "" {
		return nil, "", errNoStates
	}
	return states, refusal, nil
}

// messageNumber returns a msgid as the provider ID has it, or "" if it is no number. A msgid
// is digits, sometimes after a letter. SmSend writes "#" before some; whether SmQuery expects
// it is not documented, and clients of the API leave it out.
func messageNumber(msgID string) string {
	number := strings.TrimPrefix(msgID, "#")
	digits := number
	if digits != "" && (digits[0]|0x20) >= 'a' && (digits[0]|0x20) <= 'z' {
		digits = digits[1:]
	}
	if digits == "" || len(number) > maxNumberLen || strings.Trim(digits, "0123456789") != "" {
		return ""
	}
	return number
}

// maxNumberLen exceeds the msgids that Mitake has: about ten digits.
const maxNumberLen = 30
