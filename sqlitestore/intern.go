package sqlitestore

import (
	"context"
	"database/sql/driver"
	"fmt"
	"sync"
)

// dictionary is a table of texts that many messages have, and what is known of it.
// It knows only what is committed, and committed rows stay as they are, so it is
// right whoever else writes to the file.
type dictionary struct {
	table, column string
	blobs         bool // the column's type

	mu      sync.RWMutex
	numbers map[string]int64
	texts   map[int64]string
}

func newDictionary(table, column string, blobs bool) *dictionary {
	return &dictionary{
		table: table, column: column, blobs: blobs,
		numbers: map[string]int64{"": 0},
		texts:   map[int64]string{0: ""},
	}
}

// entry is a row that is not committed yet.
type entry struct {
	in     *dictionary
	text   string
	number int64
}

func (d *dictionary) value(text string) driver.Value {
	if d.blobs {
		return []byte(text)
	}
	return text
}

// learn takes over a row that is committed.
func (d *dictionary) learn(text string, number int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.numbers[text], d.texts[number] = number, text
}

// find returns a text's number, and false if no message was ever stored with it.
// Fresh are the rows that the connection's transaction has added.
func (d *dictionary) find(ctx context.Context, c *conn, fresh []entry, text string) (int64, bool, error) {
	d.mu.RLock()
	number, ok := d.numbers[text]
	d.mu.RUnlock()
	if ok {
		return number, true, nil
	}
	for _, e := range fresh {
		if e.in == d && e.text == text {
			return e.number, true, nil
		}
	}
	number, err := c.number(ctx, fmt.Sprintf("SELECT number FROM %s WHERE %s = ?", d.table, d.column), d.value(text))
	if err != nil || number == 0 {
		return 0, false, err
	}
	d.learn(text, number)
	return number, true, nil
}

// text returns the text that has the number.
func (d *dictionary) text(ctx context.Context, c *conn, fresh []entry, number int64) (string, error) {
	d.mu.RLock()
	s, ok := d.texts[number]
	d.mu.RUnlock()
	if ok {
		return s, nil
	}
	for _, e := range fresh {
		if e.in == d && e.number == number {
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
		d.learn(s, number)
	}
	return s, err
}

// add adds a text.
func (d *dictionary) add(ctx context.Context, c *conn, text string) (entry, error) {
	number, err := c.insert(ctx, fmt.Sprintf("INSERT INTO %s (%s) VALUES (?)", d.table, d.column), d.value(text))
	return entry{d, text, number}, err
}
