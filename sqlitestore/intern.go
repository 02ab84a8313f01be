package sqlitestore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
)

// internTable is a table that stores each text once, under a number, and a cache of it.
//
// Invariant: the cache holds only committed rows. A committed row is never changed and
// never deleted, so the cache is right whatever other processes write to the file. Texts
// of an open transaction are passed along as uncommitted, until its commit caches them.
type internTable struct {
	table, column string
	isBlob        bool // the type of the column

	mu           sync.RWMutex // guards the cache
	numberOfText map[string]int64
	textOfNumber map[int64]string
}

func newInternTable(table, column string, isBlob bool) *internTable {
	return &internTable{
		table: table, column: column, isBlob: isBlob,
		numberOfText: map[string]int64{"": 0}, // the empty text has no row
		textOfNumber: map[int64]string{0: ""},
	}
}

// uncommittedText is a row that the open transaction inserted.
type uncommittedText struct {
	owner  *internTable
	text   string
	number int64
}

func (t *internTable) columnValue(text string) driver.Value {
	if t.isBlob {
		return []byte(text)
	}
	return text
}

// cache caches a committed row.
func (t *internTable) cache(text string, number int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.numberOfText[text], t.textOfNumber[number] = number, text
}

// lookup returns the number of a text, and false if no message was ever stored with it.
// uncommitted are the rows that the transaction of the connection c inserted.
func (t *internTable) lookup(ctx context.Context, c *conn, uncommitted []uncommittedText, text string) (int64, bool, error) {
	t.mu.RLock()
	number, ok := t.numberOfText[text]
	t.mu.RUnlock()
	if ok {
		return number, true, nil
	}
	for _, u := range uncommitted {
		if u.owner == t && u.text == text {
			return u.number, true, nil
		}
	}
	number, err := c.queryInt(ctx, fmt.Sprintf("SELECT number FROM %s WHERE %s = ?", t.table, t.column), t.columnValue(text))
	if err != nil || number == 0 {
		return 0, false, err
	}
	t.cache(text, number)
	return number, true, nil
}

// errNoText is wrapped by the error about a number that no text has.
var errNoText = errors.New("sqlitestore: the text of a number is gone")

// lookupText returns the text that has the number. uncommitted is as in lookup.
func (t *internTable) lookupText(ctx context.Context, c *conn, uncommitted []uncommittedText, number int64) (string, error) {
	t.mu.RLock()
	s, ok := t.textOfNumber[number]
	t.mu.RUnlock()
	if ok {
		return s, nil
	}
	for _, u := range uncommitted {
		if u.owner == t && u.number == number {
			return u.text, nil
		}
	}
	err := c.query(ctx, fmt.Sprintf("SELECT %s FROM %s WHERE number = ?", t.column, t.table), []driver.Value{number},
		func(row []driver.Value) error {
			if s, ok = text(row[0]), true; t.isBlob {
				s = string(blob(row[0]))
			}
			return nil
		})
	if err == nil && !ok {
		err = fmt.Errorf("%w: %s %d", errNoText, t.table, number)
	}
	if err == nil {
		t.cache(s, number)
	}
	return s, err
}

// insertText inserts a text that has no number.
func (t *internTable) insertText(ctx context.Context, c *conn, text string) (uncommittedText, error) {
	number, err := c.insertRow(ctx, fmt.Sprintf("INSERT INTO %s (%s) VALUES (?)", t.table, t.column), t.columnValue(text))
	return uncommittedText{t, text, number}, err
}
