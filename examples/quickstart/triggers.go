package main

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
)

//go:embed triggers.csv
var builtIn []byte

// trigger is a row of triggers.csv: what to trigger, and how long after the start.
type trigger struct {
	smsplus.Trigger
	after time.Duration
	line  int
}

// fixed are the columns that every triggers.csv begins with. Each of the others is
// a variable; a row leaves those that its template does not have empty.
var fixed = []string{"after", "key", "template", "phone"}

// load reads the triggers from a file, or the built-in ones.
func load(file string) ([]trigger, error) {
	if file == "" {
		return read(bytes.NewReader(builtIn))
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	triggers, err := read(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return triggers, nil
}

func read(r io.Reader) ([]trigger, error) {
	rows := csv.NewReader(r)
	header, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("the header: %w", err)
	}
	if len(header) < len(fixed) || !slices.Equal(header[:len(fixed)], fixed) {
		return nil, fmt.Errorf("the header must begin with %s", strings.Join(fixed, ","))
	}
	var triggers []trigger
	for {
		cells, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		line, _ := rows.FieldPos(0)
		t, err := parse(header, cells)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		t.line = line
		triggers = append(triggers, t)
	}
	slices.SortStableFunc(triggers, func(a, b trigger) int { return int(a.after - b.after) })
	return triggers, nil
}

func parse(header, cells []string) (trigger, error) {
	after, err := time.ParseDuration(cells[0])
	if err != nil {
		return trigger{}, errors.New(`after: want a duration such as "12m30s"`)
	}
	number, err := phone.Parse(cells[3])
	if err != nil {
		return trigger{}, fmt.Errorf("phone: %w", err)
	}
	t := trigger{after: after, Trigger: smsplus.Trigger{
		Key: cells[1], Template: cells[2], To: channel.Recipient{Phone: number}, Vars: make(map[string]string),
	}}
	for i := len(fixed); i < len(cells); i++ {
		if cells[i] != "" {
			t.Vars[header[i]] = cells[i]
		}
	}
	return t, nil
}
