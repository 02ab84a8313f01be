package sqlitestore

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/internal/sqlquery"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// selection is a filter with numbers for names, and keys for the phone number and the
// recipient's ID.
type selection struct {
	microtime.Range
	byTemplate bool
	template   int64 // if byTemplate
	channel    int64 // or wholeMessage: any channel
	phones     []string
	ids        []rowcodec.IDKey
	country    string
	key        string
	group      status.Group
}

// newSelection returns false if f names a template or a channel that no message has.
func (s *Store) newSelection(ctx context.Context, c *conn, f smsplus.Filter) (sel selection, ok bool, err error) {
	sel = selection{Range: microtime.RangeOf(f.From, f.To), country: f.CountryCode, key: f.Key, group: f.Group}
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
	if sel.phones, err = s.codec.PhoneKeys(f.Phone); err != nil {
		return sel, false, err
	}
	sel.ids, err = s.codec.IDKeys(f.RecipientID)
	return sel, err == nil, err
}

// triedIndex stands for the primary key of the table smsplus_tried, which holds the
// channels that messages were tried on.
const triedIndex = "tried"

// recipientIndex stands for the primary key of the table smsplus_recipient, which holds the
// hashes of the recipients' IDs.
const recipientIndex = "recipient"

// index returns the index that a query of the selection reads: the index of the
// condition that presumably selects the fewest messages. A key is one message's, and a phone
// number or an ID is one person's. A template has fewer messages than a group of statuses,
// which is called tab in the schema.
func (sel *selection) index() string {
	switch { // without the prefix smsplus_message_
	case sel.key != "":
		return "key"
	case len(sel.phones) > 0:
		return "phone"
	case len(sel.ids) > 0:
		return recipientIndex
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

// keys returns the values under which the rows of the index may be stored that hold the
// person's phone number or ID. It is one nil for another index.
func (sel *selection) keys() []driver.Value {
	var keys []driver.Value
	switch sel.index() {
	case "phone":
		for _, phone := range sel.phones {
			keys = append(keys, phone)
		}
	case recipientIndex:
		for _, id := range sel.ids {
			keys = append(keys, id[:])
		}
	default:
		keys = []driver.Value{nil}
	}
	return keys
}

// unionOfKeys returns a statement for each of the keys, joined by UNION ALL, so that each
// reads the index in its order.
func (sel *selection) unionOfKeys(columns string, after *pagePosition) (sql string, values []driver.Value) {
	var selects []string
	args := sqlquery.NewArgs[driver.Value](sqlquery.Positional)
	for _, key := range sel.keys() {
		selects = append(selects, sel.selectByKey(args, columns, key, after))
	}
	return strings.Join(selects, " UNION ALL "), args.Values()
}

// selectByKey returns the statement for one of the keys.
func (sel *selection) selectByKey(args *sqlquery.Args[driver.Value], columns string, key driver.Value, after *pagePosition) string {
	index := sel.index()
	from, triggeredAt := "smsplus_message m INDEXED BY smsplus_message_"+index, "m.triggered_at"
	var where sqlquery.Conditions
	switch index {
	case triedIndex:
		from, triggeredAt = "smsplus_tried t CROSS JOIN smsplus_message m ON m.number = t.message", "t.triggered_at"
		where.Add("t.channel = " + args.Add(sel.channel))
	case recipientIndex:
		from, triggeredAt = "smsplus_recipient r CROSS JOIN smsplus_message m ON m.number = r.message", "r.triggered_at"
		where.Add("r.hash = " + args.Add(key))
	case "phone":
		where.Add("m.phone = " + args.Add(key))
	}
	to := sel.To
	if after != nil {
		to = min(to, after.at+1)
	}
	where.Add(triggeredAt + " >= " + args.Add(sel.From))
	where.Add(triggeredAt + " < " + args.Add(to))
	if after != nil {
		where.Add(fmt.Sprintf("(%s < %s OR m.id < %s)", triggeredAt, args.Add(after.at), args.Add(after.id[:])))
	}
	if sel.key != "" {
		where.Add("m.key = " + args.Add(sel.key))
	}
	if index != "phone" && len(sel.phones) > 0 {
		var phones []string
		for _, phone := range sel.phones {
			phones = append(phones, args.Add(phone))
		}
		where.Add("m.phone IN (" + strings.Join(phones, ", ") + ")")
	}
	if index != recipientIndex && len(sel.ids) > 0 {
		var hashes []string
		for _, id := range sel.ids {
			hashes = append(hashes, args.Add(id[:]))
		}
		where.Add("EXISTS (SELECT 1 FROM smsplus_recipient r WHERE r.hash IN (" + strings.Join(hashes, ", ") +
			") AND r.triggered_at = m.triggered_at AND r.message = m.number)")
	}
	if sel.byTemplate {
		where.Add("m.template = " + args.Add(sel.template))
	}
	if sel.country != "" {
		where.Add("m.country = " + args.Add(sel.country))
	}
	if sel.channel != wholeMessage && index != triedIndex {
		where.Add("EXISTS (SELECT 1 FROM smsplus_tried t " +
			"WHERE t.channel = " + args.Add(sel.channel) + " AND t.triggered_at = m.triggered_at AND t.message = m.number)")
	}
	if sel.group != status.All {
		// The group is no parameter, because SQLite would plan the statement again whenever
		// the parameter turns into 1 or from it.
		where.Add(fmt.Sprintf("m.tab = %d", sel.group))
	}
	return "SELECT " + strings.ReplaceAll(columns, "m.triggered_at", triggeredAt) + " FROM " + from + where.Where()
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
) (smsplus.Page, error) {
	var rs results
	sql, args := sel.pageQuery(after, onePast(f.PageSize()))
	err := c.query(ctx, sql, args, func(row []driver.Value) error {
		m, err := s.decodeRow(ctx, c, nil, row)
		return rs.add(row, m, err)
	})
	return f.Page(rs.messages, rs.unreadable...), err
}
