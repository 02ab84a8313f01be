package httpapi

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// Fields are the fields of a JSON object in a provider's call, not yet decoded. Decoded
// field by field, one of an unexpected type does not make the others unreadable. The nil
// Fields have no field.
type Fields map[string]json.RawMessage

// ParseFields returns the fields of an object. It reports whether the text is an object.
func ParseFields(text []byte) (Fields, bool) {
	var f Fields
	err := json.Unmarshal(text, &f)
	return f, err == nil && f != nil
}

// Object returns the fields of the object in a field, or nil if it holds none.
func (f Fields) Object(key string) Fields {
	object, _ := ParseFields(f[key])
	return object
}

// List returns the elements of the list in a field. It reports whether the field is a list.
func (f Fields) List(key string) ([]json.RawMessage, bool) {
	var list []json.RawMessage
	err := json.Unmarshal(f[key], &list)
	return list, err == nil && list != nil
}

// Objects returns the objects in the list in a field, and leaves out its other elements. It
// reports whether the field is a list of objects alone.
func (f Fields) Objects(key string) (objects []Fields, clean bool) {
	list, clean := f.List(key)
	for _, text := range list {
		if object, ok := ParseFields(text); ok {
			objects = append(objects, object)
		} else {
			clean = false
		}
	}
	return objects, clean
}

// Text returns the text in a field. A number counts as its digits, because providers write
// an ID either way. It returns "" if the field holds neither.
func (f Fields) Text(key string) string {
	var text string
	if json.Unmarshal(f[key], &text) == nil {
		return text
	}
	var number json.Number
	if json.Unmarshal(f[key], &number) == nil {
		return number.String()
	}
	return ""
}

// Int returns the number in a field without its fraction. The number may stand in a text.
// It reports whether the field holds a number that an int64 can hold.
func (f Fields) Int(key string) (int64, bool) {
	text := strings.TrimSpace(f.Text(key))
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(math.Abs(n) < math.MaxInt64) {
		return 0, false
	}
	return int64(n), true
}
