package httpapi

import (
	"fmt"

	"github.com/smsplus/smsplus-go/internal/mask"
)

// Format writes the status code and the length of the body, whatever the verb.
func (a Answer) Format(f fmt.State, _ rune) { mask.Write(f, a.masked()) }

// MarshalText returns what Format writes, for logs.
func (a Answer) MarshalText() ([]byte, error) { return []byte(a.masked()), nil }

// GobEncode returns an error. Encode the answer's fields.
func (Answer) GobEncode() ([]byte, error) { return nil, mask.ErrPersonal }

func (a Answer) masked() string {
	return fmt.Sprintf("httpapi.Answer(%d, %d bytes)", a.Code, len(a.Body))
}

// Format writes the number of fields, whatever the verb.
func (f Fields) Format(s fmt.State, _ rune) { mask.Write(s, f.masked()) }

// MarshalText returns what Format writes, for logs.
func (f Fields) MarshalText() ([]byte, error) { return []byte(f.masked()), nil }

// GobEncode returns an error. Encode the fields one by one.
func (Fields) GobEncode() ([]byte, error) { return nil, mask.ErrPersonal }

func (f Fields) masked() string { return fmt.Sprintf("httpapi.Fields(%d)", len(f)) }
