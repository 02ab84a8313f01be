package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
)

func (p *program) find(f *flags) action {
	var zone *time.Location
	var region string
	f.declareZone(&zone)
	f.declareText(&region, "region", "the `country` of numbers without a country code, as TW")
	asJSON, reveal := f.declareOutput()
	return func(ctx context.Context, operand string) error {
		text := f.valueOrLine(operand, p.stdin)
		return p.withStore(ctx, func(s smsplus.Store) error {
			r := query.New(s, query.Options{Location: zone, Region: region, Months: everMonths})
			found, err := r.Find(ctx, text)
			if err != nil {
				return err
			}
			if len(found.Matches) == 0 {
				return p.nothingFound(ctx, s, region == "" && isNational(text))
			}
			e := query.Export{Location: zone, Reveal: *reveal}
			if *asJSON {
				err = writeFoundJSON(p.stdout, found, e)
			} else {
				err = p.writeFound(ctx, r, found, e)
			}
			for _, match := range found.Matches {
				err = errors.Join(err, warnUnreadable(p.stderr, match.Page.Unreadable))
			}
			return err
		})
	}
}

// isNational reports whether a text may be a phone number without its country code.
func isNational(text string) bool {
	return strings.ContainsAny(text, "0123456789") && strings.Trim(text, "0123456789 -./()") == ""
}

// nothingFound returns why nothing was found: a store that is sealed finds little without its
// keys, and a number is not found without its country.
func (p *program) nothingFound(ctx context.Context, s smsplus.Store, lacksCountry bool) error {
	if err := requireUnsealed(ctx, s.Records, smsplus.Filter{}); err != nil {
		return err
	}
	if lacksCountry {
		return fmt.Errorf("no message has the text (a number without its country code needs -region, such as TW): %w", smsplus.ErrNotFound)
	}
	return fmt.Errorf("no message has the text: %w", smsplus.ErrNotFound)
}

// writeFound writes a table for each match, under what the text was.
func (p *program) writeFound(ctx context.Context, r *query.Reader, found query.Found, e query.Export) error {
	for i, match := range found.Matches {
		if i > 0 {
			_, _ = io.WriteString(p.stdout, "\n") // the next write has the same error
		}
		more := ""
		if match.Page.Next != "" {
			more = ", the newest"
		}
		_, err := fmt.Fprintf(p.stdout, "By %s%s:\n", strings.ReplaceAll(match.Kind.String(), "_", " "), more)
		if err == nil {
			err = writeRecords(ctx, p.stdout, r, match.Page.Messages, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// writeFoundJSON writes query's JSON object of each message, with what it was found by.
func writeFoundJSON(w io.Writer, found query.Found, e query.Export) error {
	for _, match := range found.Matches {
		for _, m := range match.Page.Messages {
			var object bytes.Buffer
			if err := query.WriteNDJSON(&object, seqOf(m), e); err != nil {
				return err
			}
			if _, err := fmt.Fprintf(w, `{"found_by":"%v",%s`, match.Kind, bytes.TrimPrefix(object.Bytes(), []byte("{"))); err != nil {
				return err
			}
		}
	}
	return nil
}
