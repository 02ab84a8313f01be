package httpapi

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"strconv"
	"strings"
)

// Fields are the fields of a JSON object in a provider's call. A field of an unexpected type
// does not make the others unreadable. The nil Fields have no field.
type Fields map[string]any

// ParseFields returns the fields of an object. It reports whether the text is an object. It
// reads the text once, with all that is in the object.
func ParseFields(text []byte) (Fields, bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // an ID of 19 digits keeps them all
	var f Fields
	if d.Decode(&f) != nil || f == nil {
		return nil, false
	}
	if _, err := d.Token(); err != io.EOF { // something follows the object
		return nil, false
	}
	return f, true
}

// Object returns the fields of the object in a field, or nil if it holds none.
func (f Fields) Object(key string) Fields {
	object, _ := f[key].(map[string]any)
	return object
}

// List returns the elements of the list in a field. It reports whether the field is a list.
func (f Fields) List(key string) ([]any, bool) {
	list, ok := f[key].([]any)
	return list, ok
}

// Objects returns the objects in the list in a field, and leaves out its other elements. It
// reports whether the field is a list of objects alone.
func (f Fields) Objects(key string) (objects []Fields, clean bool) {
	list, clean := f.List(key)
	for _, element := range list {
		if object, ok := element.(map[string]any); ok {
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
	switch value := f[key].(type) {
	case string:
		return value
	case json.Number:
		return value.String()
	default:
		return ""
	}
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
