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

// selection is a filter with numbers for names and keys for the phone number.
type selection struct {
	microtime.Range
	byTemplate bool
	template   int64 // if byTemplate
	channel    int64 // or wholeMessage: any channel
	phones     []string
	country    string
	group      status.Group
}

// newSelection returns false if f names a template or a channel that no message has.
func (s *Store) newSelection(ctx context.Context, c *conn, f smsplus.Filter) (sel selection, ok bool, err error) {
	sel = selection{Range: microtime.RangeOf(f.From, f.To), country: f.CountryCode, group: f.Group}
	if f.Template != "" {
		sel.byTemplate = true
		if sel.template, ok, err = s.names.lookup(ctx, c, nil, f.Template); !ok {
			return sel, false, err
		}
	}
	if f.Channel != "" {
		if sel.channel, ok, err = s.names.lookup(ctx, c, nil, string(f.Channel)); !ok {
			return sel, false, err
		}
	}
	sel.phones, err = s.codec.PhoneKeys(f.Phone)
	return sel, err == nil, err
}

// triedIndex stands for the primary key of the table smsplus_tried, which holds the
// channels that messages were tried on.
const triedIndex = "tried"

// index returns the index that a query of the selection reads: the index of the
// condition that presumably selects the fewest messages. A phone number is one person's,
// and a template has fewer messages than a group of statuses, which is called tab in the
// schema.
func (sel *selection) index() string {
	switch { // without the prefix smsplus_message_
	case len(sel.phones) > 0:
		return "phone"
	case sel.byTemplate:
		return "template"
	case sel.channel != wholeMessage:
		return triedIndex
	case sel.country != "":
		return "country"
	case sel.group != status.All:
		return "tab"
	default:
		return "time"
	}
}

// pagePosition is the trigger time and the ID of the last message of the previous page.
type pagePosition struct {
	at int64
	id uuid.UUID
}

// listQuery returns a statement that selects the columns of all selected messages, in no
// order.
func (sel *selection) listQuery(columns string) (sql string, args []driver.Value) {
	return sel.unionOfKeys(columns, nil)
}

// pageQuery returns a statement that selects messageColumns of at most limit messages,
// newest first, after a position. The inner statement reads an index in its order, and
// sorts only messages of one trigger time. The outer one reads the rows of the page alone.
func (sel *selection) pageQuery(after *pagePosition, limit int64) (sql string, args []driver.Value) {
	inner, args := sel.unionOfKeys("m.number AS number, m.triggered_at AS triggered_at, m.id AS id", after)
	return "SELECT " + messageColumns + " FROM (" + inner + " ORDER BY 2 DESC, 3 DESC LIMIT ?) p " +
		"CROSS JOIN smsplus_message m ON m.number = p.number " +
		"ORDER BY p.triggered_at DESC, p.id DESC", append(args, limit)
}

// unionOfKeys returns a statement for each key under which the phone number may be
// stored, joined by UNION ALL, so that each reads the index in its order.
func (sel *selection) unionOfKeys(columns string, after *pagePosition) (sql string, args []driver.Value) {
	var parts []string
	for i := range max(1, len(sel.phones)) {
		phone := ""
		if len(sel.phones) > 0 {
			phone = sel.phones[i]
		}
		q := sel.buildQuery(columns, phone, after)
		parts, args = append(parts, q.sql()), append(args, q.args...)
	}
	return strings.Join(parts, " UNION ALL "), args
}

// buildQuery returns the query for one key of the phone number. The key is "" if the
// selection has no phone number.
func (sel *selection) buildQuery(columns, phone string, after *pagePosition) *selectQuery {
	q := &selectQuery{columns: columns, index: sel.index()}
	if q.index == triedIndex {
		q.where("t.channel = ?", sel.channel)
	}
	q.whereRange(sel.Range, after)
	if phone != "" {
		q.where("m.phone = ?", phone)
	}
	if sel.byTemplate {
		q.where("m.template = ?", sel.template)
	}
	if sel.country != "" {
		q.where("m.country = ?", sel.country)
	}
	if sel.channel != wholeMessage && q.index != triedIndex {
		q.where("EXISTS (SELECT 1 FROM smsplus_tried t "+
			"WHERE t.channel = ? AND t.triggered_at = m.triggered_at AND t.message = m.number)", sel.channel)
	}
	if sel.group != status.All {
		// The group is no parameter, because SQLite would plan the statement again whenever
		// the parameter turns into 1 or from it.
		q.where(fmt.Sprintf("m.tab = %d", sel.group))
	}
	return q
}

// selectQuery is a SELECT from smsplus_message m that is built condition by condition.
type selectQuery struct {
	columns    string
	index      string // as selection.index returns it
	conditions []string
	args       []driver.Value
}

// where adds a condition and the values of its parameters.
func (q *selectQuery) where(condition string, args ...driver.Value) {
	q.conditions = append(q.conditions, condition)
	q.args = append(q.args, args...)
}

// triggeredAtColumn is the column of the trigger time in the index.
func (q *selectQuery) triggeredAtColumn() string {
	if q.index == triedIndex {
		return "t.triggered_at"
	}
	return "m.triggered_at"
}

// whereRange adds the condition that a message was triggered in r and comes after a
// position in the list.
func (q *selectQuery) whereRange(r microtime.Range, after *pagePosition) {
	at := q.triggeredAtColumn()
	if after == nil {
		q.where(at+" >= ? AND "+at+" < ?", r.From, r.To)
		return
	}
	q.where(at+" >= ? AND "+at+" < ?", r.From, min(r.To, after.at+1))
	q.where("("+at+" < ? OR m.id < ?)", after.at, after.id[:])
}

func (q *selectQuery) sql() string {
	from := "smsplus_message m INDEXED BY smsplus_message_" + q.index
	if q.index == triedIndex {
		from = "smsplus_tried t CROSS JOIN smsplus_message m ON m.number = t.message"
	}
	columns := strings.ReplaceAll(q.columns, "m.triggered_at", q.triggeredAtColumn())
	return "SELECT " + columns + " FROM " + from + " WHERE " + strings.Join(q.conditions, " AND ")
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
	var page smsplus.Page
	err = s.withReader(ctx, func(c *conn) error {
		sel, ok, err := s.newSelection(ctx, c, f)
		if !ok || err != nil {
			return err
		}
		page, err = s.queryPage(ctx, c, sel, f, after)
		return err
	})
	if err != nil {
		return smsplus.Page{}, err
	}
	return page, nil
}

// queryPage returns the page of f after a position. Messages that cannot be read take
// their places in it, so a page may have fewer messages than others.
func (s *Store) queryPage(
	ctx context.Context, c *conn, sel selection, f smsplus.Filter, after *pagePosition,
) (page smsplus.Page, err error) {
	size, rows := f.PageSize(), 0
	var rs results
	var last smsplus.Message // has only the fields of a position
	sql, args := sel.pageQuery(after, onePast(size))
	err = c.query(ctx, sql, args, func(row []driver.Value) error {
		if rows++; rows > size {
			page.Next = f.CursorAt(last)
			return nil
		}
		copy(last.ID[:], blob(row[colID]))
		last.TriggeredAt = microtime.Time(integer(row[colTriggeredAt]))
		m, err := s.decodeRow(ctx, c, nil, row)
		return rs.add(row, m, err)
	})
	page.Messages, page.Unreadable = rs.messages, rs.unreadable
	return page, err
}
