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

// trigger is a row of triggers.csv: a trigger and its delay from the start.
type trigger struct {
	smsplus.Trigger
	after time.Duration
	line  int
}

// fixedColumns are the first columns of every triggers.csv. Each other column is a variable.
// It is empty in the rows whose template does not have the variable.
var fixedColumns = []string{"after", "key", "template", "phone"}

// loadTriggers reads the triggers from a file, or the embedded ones.
func loadTriggers(file string) ([]trigger, error) {
	if file == "" {
		return readTriggers(bytes.NewReader(builtIn))
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	triggers, err := readTriggers(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return triggers, nil
}

func readTriggers(r io.Reader) ([]trigger, error) {
	rows := csv.NewReader(r)
	header, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("the header: %w", err)
	}
	if len(header) < len(fixedColumns) || !slices.Equal(header[:len(fixedColumns)], fixedColumns) {
		return nil, fmt.Errorf("the header must begin with %s", strings.Join(fixedColumns, ","))
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
		t, err := parseTrigger(header, cells)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		t.line = line
		triggers = append(triggers, t)
	}
	slices.SortStableFunc(triggers, func(a, b trigger) int { return int(a.after - b.after) })
	return triggers, nil
}

func parseTrigger(header, cells []string) (trigger, error) {
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
	for i := len(fixedColumns); i < len(cells); i++ {
		if cells[i] != "" {
			t.Vars[header[i]] = cells[i]
		}
	}
	return t, nil
}
