package mitake

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/traditionalchinese"
)

// answer is an answer of SmSend (the specification, SmSend):
//
//	[clientid]
//	msgid=0000000013
//	statuscode=1
//	AccountPoint=126
//	Duplicate=Y
//
// Only a repeat has the last line. The answer to a call that Mitake refuses, such as one
// with a wrong password, is
//
//	statuscode=e
//	Error=帳號、密碼錯誤
//
// in Big5, in whichever encoding the call was.
type answer struct {
	code, msgID, words string
}

var errMalformed = errors.New("the answer makes no sense")

// parseAnswer parses an answer to one message. It ignores unknown lines.
func parseAnswer(body []byte) (a answer, err error) {
	for line := range strings.Lines(decodeText(body)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.TrimSpace(value)
		switch key {
		case "statuscode":
			if a.code != "" || !isCode(value) {
				return answer{}, errMalformed
			}
			a.code = value
		case "msgid":
			a.msgID = value
		case "Error":
			a.words = value
		}
	}
	if a.code == "" {
		return answer{}, errMalformed
	}
	return a, nil
}

// decodeText returns the body's text, which is in UTF-8 or in Big5.
func decodeText(body []byte) string {
	body = bytes.TrimPrefix(body, []byte("\uFEFF"))
	if utf8.Valid(body) {
		return string(body)
	}
	text, _ := traditionalchinese.Big5.NewDecoder().Bytes(body) // invalid Big5 becomes U+FFFD
	return string(text)
}

// isCode reports whether s looks like a statuscode. A statuscode is too short to reveal
// anything.
func isCode(s string) bool {
	return s != "" && len(s) <= 3 && strings.Trim(s, "0123456789*?abcdefghijklmnopqrstuvwxyz") == ""
}
