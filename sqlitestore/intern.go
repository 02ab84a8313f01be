package sqlitestore

import (
	"context"
	"database/sql/driver"
	"fmt"
	"sync"
)

// internTable is a table of texts that many messages have, and what is known of it.
// It knows only what is committed, and committed rows stay as they are, so it is
// right whoever else writes to the file.
type internTable struct {
	table, column string
	blobs         bool // the column's type

	mu           sync.RWMutex
	numberOfText map[string]int64
	textOfNumber map[int64]string
}

func newInternTable(table, column string, blobs bool) *internTable {
	return &internTable{
		table: table, column: column, blobs: blobs,
		numberOfText: map[string]int64{"": 0},
		textOfNumber: map[int64]string{0: ""},
	}
}

// uncommittedText is a row that is not committed yet.
type uncommittedText struct {
	owner  *internTable
	text   string
	number int64
}

func (d *internTable) columnValue(text string) driver.Value {
	if d.blobs {
		return []byte(text)
	}
	return text
}

// cache takes over a row that is committed.
func (d *internTable) cache(text string, number int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.numberOfText[text], d.textOfNumber[number] = number, text
}

// lookup returns a text's number, and false if no message was ever stored with it.
// Fresh are the rows that the connection's transaction has added.
func (d *internTable) lookup(ctx context.Context, c *conn, fresh []uncommittedText, text string) (int64, bool, error) {
	d.mu.RLock()
	number, ok := d.numberOfText[text]
	d.mu.RUnlock()
	if ok {
		return number, true, nil
	}
	for _, e := range fresh {
		if e.owner == d && e.text == text {
			return e.number, true, nil
		}
	}
	number, err := c.queryInt(ctx, fmt.Sprintf("SELECT number FROM %s WHERE %s = ?", d.table, d.column), d.columnValue(text))
	if err != nil || number == 0 {
		return 0, false, err
	}
	d.cache(text, number)
	return number, true, nil
}

// lookupText returns the text that has the number.
func (d *internTable) lookupText(ctx context.Context, c *conn, fresh []uncommittedText, number int64) (string, error) {
	d.mu.RLock()
	s, ok := d.textOfNumber[number]
	d.mu.RUnlock()
	if ok {
		return s, nil
	}
	for _, e := range fresh {
		if e.owner == d && e.number == number {
			return e.text, nil
		}
	}
	err := c.query(ctx, fmt.Sprintf("SELECT %s FROM %s WHERE number = ?", d.column, d.table), []driver.Value{number},
		func(row []driver.Value) error {
			if s, ok = text(row[0]), true; d.blobs {
				s = string(blob(row[0]))
			}
			return nil
		})
	if err == nil && !ok {
		err = fmt.Errorf("sqlitestore: %s has no number %d", d.table, number)
	}
	if err == nil {
		d.cache(s, number)
	}
	return s, err
}

// insertText adds a text.
func (d *internTable) insertText(ctx context.Context, c *conn, text string) (uncommittedText, error) {
	number, err := c.insertRow(ctx, fmt.Sprintf("INSERT INTO %s (%s) VALUES (?)", d.table, d.column), d.columnValue(text))
	return uncommittedText{d, text, number}, err
}
