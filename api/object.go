package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// object is a JSON object of a request, of which every field is read once. What is not read is
// unknown, and a mistake. Names are compared exactly.
type object struct {
	fields  map[string]any
	pointer string // "#", or "#/triggers/3"
	// mistakes are those of the whole body.
	mistakes *[]mistake
}

// maxDepth is the depth of the deepest body that is taken.
const maxDepth = 8

// parseObject returns the object that a body is. Readers of JSON differ about a field that
// occurs twice, or a text that is not Unicode, so these are refused.
func parseObject(body []byte) (*object, error) {
	if !json.Valid(body) {
		return nil, newProblem(codeInvalidJSON, "")
	}
	if !utf8.Valid(body) || hasLoneSurrogate(body) {
		return nil, newProblem(codeInvalidJSON, "a text is not Unicode")
	}
	p := parser{Decoder: json.NewDecoder(bytes.NewReader(body)), values: freeValues + len(body)/minValue}
	p.UseNumber()
	value, err := p.parseValue(0)
	if err != nil {
		return nil, err
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return nil, newProblem(codeInvalidJSON, "the body must be an object")
	}
	return &object{fields, "#", new([]mistake)}, nil
}

// parser parses a body that is valid JSON.
type parser struct {
	*json.Decoder

	values int // that the rest of the body may have
}

const (
	// minValue is the least average length of the values of a body, in bytes: a field with one
	// letter and a text of another. Shorter values would take many times the memory of their
	// text.
	minValue = 8
	// freeValues is how many values a body may have in any case.
	freeValues = 1000
)

// parseValue returns the next value.
func (p *parser) parseValue(depth int) (any, error) {
	if p.values--; p.values < 0 {
		return nil, newProblem(codeInvalidJSON, "it has too many values for its length")
	}
	token, err := p.Token()
	if err != nil {
		return nil, newProblem(codeInvalidJSON, "")
	}
	opening, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if depth++; depth > maxDepth {
		return nil, newProblem(codeInvalidJSON, fmt.Sprintf("it is deeper than %d levels", maxDepth))
	}
	if opening == '[' {
		list := []any{}
		for p.More() {
			value, err := p.parseValue(depth)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err := p.Token()
		return list, err
	}
	fields := map[string]any{}
	for p.More() {
		token, err := p.Token()
		if err != nil {
			return nil, newProblem(codeInvalidJSON, "")
		}
		name, _ := token.(string) // the body is valid
		if _, isTwice := fields[name]; isTwice {
			return nil, newProblem(codeInvalidJSON, fmt.Sprintf("a field occurs twice: %q", cleanName(name)))
		}
		if fields[name], err = p.parseValue(depth); err != nil {
			return nil, err
		}
	}
	_, err = p.Token()
	return fields, err
}

// hasLoneSurrogate reports whether valid JSON has an escape of half a character, which decoders
// replace.
func hasLoneSurrogate(body []byte) bool {
	unit := func(at int) rune { // of the escape at the index, or -1
		if at+6 > len(body) || body[at] != '\\' || body[at+1] != 'u' {
			return -1
		}
		n, _ := strconv.ParseUint(string(body[at+2:at+6]), 16, 16)
		return rune(n)
	}
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' {
			continue
		}
		switch u := unit(i); {
		case u >= 0xD800 && u < 0xDC00:
			if next := unit(i + 6); next < 0xDC00 || next > 0xDFFF {
				return true
			}
			i += 11
		case u >= 0xDC00 && u <= 0xDFFF:
			return true
		case u >= 0:
			i += 5
		default:
			i++ // the escaped character
		}
	}
	return false
}

// add adds a mistake in a field, or in a field of the field. No more mistakes are added
// than an answer has, because each costs more than a caller pays for it.
func (o *object) add(detail string, names ...string) {
	if o.isFull() {
		return
	}
	m := mistake{Pointer: o.pointer, Detail: detail}
	for _, name := range names {
		m.Pointer += "/" + escapePointer(name)
	}
	*o.mistakes = append(*o.mistakes, m)
}

func (o *object) isFull() bool { return len(*o.mistakes) >= maxMistakes }

// take removes a field and returns its value.
func take[T any](o *object, name, want string) (value T, ok bool) {
	raw, ok := o.fields[name]
	if !ok {
		return value, false
	}
	delete(o.fields, name)
	if value, ok = raw.(T); !ok {
		o.add("must be "+want, name)
	}
	return value, ok
}

// text returns a text that is not empty, or "" if there is none.
func (o *object) text(name string) string {
	s, ok := take[string](o, name, "a string")
	if ok && s == "" {
		o.add("must not be empty; leave it out", name)
	}
	return s
}

// requiredText returns a text that there must be.
func (o *object) requiredText(name string) string {
	if _, ok := o.fields[name]; !ok {
		o.add("is required", name)
	}
	return o.text(name)
}

// flag returns a truth value.
func (o *object) flag(name string) bool {
	b, _ := take[bool](o, name, "true or false")
	return b
}

// integer returns a whole number from 1 to limit, or 0 if there is none.
func (o *object) integer(name string, limit int64) int64 {
	number, ok := take[json.Number](o, name, "an integer")
	if !ok {
		return 0
	}
	n, err := strconv.ParseInt(number.String(), 10, 64)
	if err != nil || n < 1 || n > limit {
		o.add(fmt.Sprintf("must be an integer from 1 to %d, without exponent", limit), name)
		return 0
	}
	return n
}

// texts returns an object whose values are texts.
func (o *object) texts(name string) map[string]string {
	fields, ok := take[map[string]any](o, name, "an object of strings")
	if !ok {
		return nil
	}
	all := make(map[string]string, len(fields))
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		value, isText := fields[key].(string)
		if !isText {
			o.add("must be a string", name, key)
		}
		all[key] = value
	}
	return all
}

// words returns a list of texts.
func (o *object) words(name string) []string {
	list, ok := take[[]any](o, name, "a list of strings")
	if !ok {
		return nil
	}
	all := make([]string, 0, len(list))
	for _, value := range list {
		s, isText := value.(string)
		if !isText {
			o.add("must be a list of strings", name)
			return nil
		}
		all = append(all, s)
	}
	return all
}

// isInstant matches times of RFC 3339. Package time also takes a comma, and an hour of one digit.
var isInstant = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`)

// instant returns a time in RFC 3339.
func (o *object) instant(name string) time.Time {
	s := o.text(name)
	if s == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || !isInstant.MatchString(s) {
		o.add("must be a time in RFC 3339, such as 2026-11-29T10:00:00+08:00", name)
	}
	return t
}

// maxSeconds is the longest duration of a request, in seconds.
const maxSeconds = int64(math.MaxInt64 / time.Second)

// seconds returns a duration of whole seconds.
func (o *object) seconds(name string) time.Duration {
	return time.Duration(o.integer(name, maxSeconds)) * time.Second
}

// child returns an object in the object, or an empty one. Its name needs no escape.
func (o *object) child(name string) *object {
	fields, _ := take[map[string]any](o, name, "an object")
	return &object{fields, o.pointer + "/" + name, o.mistakes}
}

// children returns the objects of a list that has 1 to limit of them.
func (o *object) children(name string, limit int) []*object {
	if _, ok := o.fields[name]; !ok {
		o.add("is required", name)
		return nil
	}
	list, ok := take[[]any](o, name, "a list of objects")
	if ok && (len(list) == 0 || len(list) > limit) {
		o.add(fmt.Sprintf("must have 1 to %d entries, and has %d", limit, len(list)), name)
		return nil
	}
	all := make([]*object, 0, len(list))
	for i, value := range list {
		fields, isObject := value.(map[string]any)
		if !isObject {
			o.add("must be a list of objects", name)
			return nil
		}
		all = append(all, &object{fields, fmt.Sprintf("%s/%s/%d", o.pointer, name, i), o.mistakes})
	}
	return all
}

// end adds a mistake for each field that nothing has read.
func (o *object) end() {
	if o.isFull() {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(o.fields)) {
		o.add("is no field of this object", name)
	}
	clear(o.fields)
}
