package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
)

// declareKey declares the flag that names a message by its key, in place of the operand. A
// dash reads the key from stdin, so that it is in no list of processes.
func (f *flags) declareKey(stdin io.Reader) {
	f.declareValue("key", "the message with this `key`, in place of ID; - reads it from standard input", func(text string) error {
		if text == "-" {
			line, _ := bufio.NewReader(stdin).ReadString('\n') // a last line may have no end
			text = strings.TrimRight(line, "\r\n")
		}
		if f.key = text; text == "" {
			return errors.New("it is empty")
		}
		return nil
	})
}

// withMessage calls do with the message that the operand or -key names.
func (p *program) withMessage(ctx context.Context, f *flags, operand string, do func(smsplus.Store, smsplus.Message) error) error {
	var id uuid.UUID
	if f.key == "" {
		var err error
		if id, err = uuid.Parse(operand); err != nil {
			return usagef("ID is no message's ID")
		}
	}
	return p.withStore(ctx, func(s smsplus.Store) error {
		r := query.New(s, query.Options{Months: everMonths})
		var m smsplus.Message
		var err error
		if f.key == "" {
			m, err = r.Record(ctx, id)
		} else {
			m, err = findByKey(ctx, r, f.key)
		}
		if err != nil {
			return err
		}
		return do(s, m)
	})
}

// findByKey returns the message with the key. A message that cannot be read is an error.
func findByKey(ctx context.Context, r *query.Reader, key string) (smsplus.Message, error) {
	for m, err := range r.All(ctx, smsplus.Filter{Key: key}) {
		return m, err
	}
	return smsplus.Message{}, smsplus.ErrNotFound
}
