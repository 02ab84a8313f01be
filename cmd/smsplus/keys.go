package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"unicode"

	"github.com/smsplus/smsplus-go/seal"
	"github.com/smsplus/smsplus-go/secret"
)

// sealer returns the ring of the given keys, or nil if there are none.
func (p *program) sealer() (seal.Sealer, error) {
	from, text := "SMSPLUS_KEYS", p.getenv("SMSPLUS_KEYS")
	if p.keys != "" {
		b, err := os.ReadFile(p.keys)
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			err = e.Err // without the name: it may be the keys themselves, given in the file's place
		}
		if err != nil {
			return nil, fmt.Errorf("-keys: the file cannot be read: %w", err)
		}
		from, text = "-keys", string(b)
	} else if text == "" {
		return nil, nil
	}
	ring, err := parseKeys(text)
	if err != nil {
		return nil, usagef("%s: %w", from, err)
	}
	return ring, nil
}

// parseKeys parses the keys of a ring. Entries are separated by commas, spaces or line
// ends. An entry is a key's ID and its secret in base64, "2:c2Vj…", or "lookup:" and a
// secret for the hashes of phone numbers. Errors name an entry by its position.
func parseKeys(text string) (*seal.Ring, error) {
	var c seal.Config
	var errs []error
	entries := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	for i, entry := range entries {
		name, text, _ := strings.Cut(entry, ":")
		var err error
		id, notNumber := strconv.ParseUint(name, 10, 32)
		switch {
		case name != "lookup" && notNumber != nil:
			err = errors.New("it is neither ID:SECRET nor lookup:SECRET")
		case text == "":
			err = errors.New("its secret is empty")
		case name == "lookup":
			c.Lookups = append(c.Lookups, secret.New(text))
		default:
			c.Keys = append(c.Keys, seal.Key{ID: uint32(id), Secret: secret.New(text)})
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("entry %d: %w", i+1, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return seal.NewRing(c)
}
