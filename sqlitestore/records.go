package sqlitestore

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// selection is a filter in the tables' terms.
type selection struct {
	microtime.Range
	byTemplate bool
	template   int64
	channel    int64 // or overall: any
	phones     []string
	country    string
	group      status.Group
}

// newSelection returns false if f names something that no message has.
func (s *Store) newSelection(ctx context.Context, c *conn, f smsplus.Filter) (q selection, ok bool, err error) {
	q = selection{Range: microtime.RangeOf(f.From, f.To), country: f.CountryCode, group: f.Group}
	if f.Template != "" {
		q.byTemplate = true
		if q.template, ok, err = s.names.lookup(ctx, c, nil, f.Template); !ok {
			return q, false, err
		}
	}
	if f.Channel != "" {
		if q.channel, ok, err = s.names.lookup(ctx, c, nil, string(f.Channel)); !ok {
			return q, false, err
		}
	}
	q.phones, err = s.codec.PhoneKeys(f.Phone)
	return q, err == nil, err
}

// pagePosition is where a page goes on.
type pagePosition struct {
	at int64
	id uuid.UUID
}

// list returns a statement that selects what is asked for, in no order. It goes
// through the index of the condition that leaves least, as far as that can be told
// beforehand: a number is one person's, and a template's messages are fewer than a
// tab's. A number may be stored in several ways, and each has a part of its own.
func (q *selection) list(what string) (sql string, args []driver.Value) {
	var b strings.Builder
	for i := range max(1, len(q.phones)) {
		if i > 0 {
			b.WriteString(" UNION ALL ")
		}
		args = append(args, q.part(&b, what, i, nil)...)
	}
	return b.String(), args
}

// page returns a statement that selects the columns of at most limit messages, newest
// first, after a place. Each part is in order by its index, but for messages of one
// time, which are sorted; their columns are fetched when it is known which are wanted.
func (q *selection) page(after *pagePosition, limit int) (sql string, args []driver.Value) {
	var b strings.Builder
	b.WriteString("SELECT " + messageColumns + " FROM (")
	for i := range max(1, len(q.phones)) {
		if i > 0 {
			b.WriteString(" UNION ALL ")
		}
		args = append(args, q.part(&b, "m.number AS number, m.triggered_at AS triggered_at, m.id AS id", i, after)...)
	}
	b.WriteString(" ORDER BY 2 DESC, 3 DESC LIMIT ?) p CROSS JOIN smsplus_message m ON m.number = p.number " +
		"ORDER BY p.triggered_at DESC, p.id DESC")
	return b.String(), append(args, int64(limit))
}

// part writes the statement for one of the ways that the number may be stored in.
func (q *selection) part(b *strings.Builder, what string, phone int, after *pagePosition) (args []driver.Value) {
	where := func(condition string, values ...driver.Value) {
		b.WriteString(" AND " + condition)
		args = append(args, values...)
	}
	index := "time"
	switch {
	case len(q.phones) > 0:
		index = "phone"
	case q.byTemplate:
		index = "template"
	case q.channel != wholeMessage:
		index = "tried"
	case q.country != "":
		index = "country"
	case q.group != status.All:
		index = "tab"
	}
	time := "m.triggered_at"
	if index == "tried" {
		time = "t.triggered_at"
		what = strings.ReplaceAll(what, "m.triggered_at", time)
		fmt.Fprintf(b, "SELECT %s FROM smsplus_tried t CROSS JOIN smsplus_message m ON m.number = t.message WHERE TRUE", what)
		where("t.channel = ?", q.channel)
	} else {
		fmt.Fprintf(b, "SELECT %s FROM smsplus_message m INDEXED BY smsplus_message_%s WHERE TRUE", what, index)
	}
	to := q.To
	if after != nil {
		to = min(to, after.at+1)
	}
	where(time+" >= ? AND "+time+" < ?", q.From, to)
	if after != nil {
		where("("+time+" < ? OR m.id < ?)", after.at, after.id[:])
	}
	if len(q.phones) > 0 {
		where("m.phone = ?", q.phones[phone])
	}
	if q.byTemplate {
		where("m.template = ?", q.template)
	}
	if q.country != "" {
		where("m.country = ?", q.country)
	}
	if q.channel != wholeMessage && index != "tried" {
		where("EXISTS (SELECT 1 FROM smsplus_tried t "+
			"WHERE t.channel = ? AND t.triggered_at = m.triggered_at AND t.message = m.number)", q.channel)
	}
	if q.group != status.All {
		// No parameter: SQLite plans a statement anew whenever one turns into 1 or from it.
		where(fmt.Sprintf("m.tab = %d", q.group))
	}
	return args
}

// Records implements [smsplus.Store].
func (s *Store) Records(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
	if err := cmp.Or(ctx.Err(), f.Check()); err != nil {
		return smsplus.Page{}, err
	}
	at, id, err := f.Position()
	if err != nil {
		return smsplus.Page{}, err
	}
	var after *pagePosition
	if f.After != "" {
		after = &pagePosition{microtime.Of(at), id}
	}
	limit := f.PageSize()
	var ms []smsplus.Message
	err = s.withReader(ctx, func(c *conn) error {
		q, ok, err := s.newSelection(ctx, c, f)
		if !ok || err != nil {
			return err
		}
		sql, args := q.page(after, limit+1)
		ms, err = s.queryMessages(ctx, c, nil, sql, args...)
		return err
	})
	if err != nil {
		return smsplus.Page{}, err
	}
	page := smsplus.Page{Messages: ms}
	if len(ms) > limit {
		page.Messages = ms[:limit]
		page.Next = f.CursorAt(ms[limit-1])
	}
	return page, nil
}
