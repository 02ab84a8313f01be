package httpapi

import (
	"errors"
	"fmt"
	"io"
)

// errPersonal is the error of encoders that would write what a provider said of a person.
var errPersonal = errors.New("httpapi: personal data is not encoded; encode its fields")

// Format writes the status code and the length of the body, whatever the verb.
func (a Answer) Format(f fmt.State, _ rune) { writeWords(f, a.masked()) }

// MarshalText returns what Format writes, for logs.
func (a Answer) MarshalText() ([]byte, error) { return []byte(a.masked()), nil }

// GobEncode returns an error. Encode the answer's fields.
func (Answer) GobEncode() ([]byte, error) { return nil, errPersonal }

func (a Answer) masked() string {
	return fmt.Sprintf("httpapi.Answer(%d, %d bytes)", a.Code, len(a.Body))
}

// Format writes the number of fields, whatever the verb.
func (f Fields) Format(s fmt.State, _ rune) { writeWords(s, f.masked()) }

// MarshalText returns what Format writes, for logs.
func (f Fields) MarshalText() ([]byte, error) { return []byte(f.masked()), nil }

// GobEncode returns an error. Encode the fields one by one.
func (Fields) GobEncode() ([]byte, error) { return nil, errPersonal }

func (f Fields) masked() string { return fmt.Sprintf("httpapi.Fields(%d)", len(f)) }

func writeWords(f fmt.State, words string) { _, _ = io.WriteString(f, words) } // fmt has no way to report it
