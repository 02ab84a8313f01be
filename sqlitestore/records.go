package sqlitestore

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/internal/sqlquery"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// selection is a filter with numbers for names, and keys for what identifies a person.
type selection struct {
	microtime.Range
	criteria []criterion // those with an index first, by presumably rising numbers of messages

	// What the counters have, and what selects one of a message's attempts.
	byTemplate bool
	template   int64 // if byTemplate
	channel    int64 // or wholeMessage: any channel
	group      status.Group
	reason     status.Reason
	refs       []int64 // the keys of a provider's ID, if byRef
	byRef      bool
}

// criterion is a condition of a filter apart from its range.
type criterion struct {
	// index is the index in whose order a page can be read, without the prefix smsplus_message_.
	// It stands for the primary key of side, if there is one. It is "" if there is none.
	index string
	// column is the column that has one of values. If it is "", sql is the condition, which
	// has a placeholder for each of values.
	column, sql string
	values      []driver.Value
	// side is the table of column if that is not smsplus_message. The column is the first of
	// its primary key, and triggered_at and message are the others.
	side string
}

// newSelection returns false if f names something that no message has.
func (s *Store) newSelection(ctx context.Context, c *conn, f smsplus.Filter) (sel selection, ok bool, err error) {
	sel = selection{Range: microtime.RangeOf(f.From, f.To), group: f.Group, reason: f.Reason}
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
	phones, err := s.codec.PhoneKeys(f.Phone)
	if err != nil {
		return sel, false, err
	}
	ids, err := s.codec.IDKeys(f.RecipientID)
	if err != nil {
		return sel, false, err
	}
	references, err := s.codec.ReferenceKeys(f.Reference)
	if err != nil {
		return sel, false, err
	}
	if f.ProviderID != "" {
		sel.byRef = true
		if sel.refs, err = s.keysOfProviderID(ctx, c, f); len(sel.refs) == 0 {
			return sel, false, err
		}
	}
	add := func(isSet bool, c criterion) {
		if isSet {
			sel.criteria = append(sel.criteria, c)
		}
	}
	add(f.Key != "", criterion{index: "key", column: "m.key", values: []driver.Value{f.Key}})
	add(sel.byRef, criterion{
		index: rowIndex, values: []driver.Value{jsonNumbers(sel.refs)},
		sql: "m.number IN (SELECT message FROM smsplus_ref WHERE ref IN (SELECT value FROM json_each(?)))",
	})
	add(len(phones) > 0, criterion{index: "phone", column: "m.phone", values: valuesOf(phones)})
	add(len(references) > 0, criterion{index: "reference", column: "m.reference", values: hashValues(references)})
	add(len(ids) > 0, criterion{index: "recipient", side: "smsplus_recipient", column: "x.hash", values: hashValues(ids)})
	add(f.Reason != "", criterion{
		index: "reason", values: []driver.Value{rowcodec.ReasonPart(f.Channel, f.Reason)},
		sql: "m.reasons IS NOT NULL AND instr(m.reasons, ?) > 0",
	})
	add(sel.byTemplate, criterion{index: "template", column: "m.template", values: []driver.Value{sel.template}})
	add(f.Channel != "", criterion{index: "tried", side: "smsplus_tried", column: "x.channel", values: []driver.Value{sel.channel}})
	add(f.CountryCode != "", criterion{index: "country", column: "m.country", values: []driver.Value{f.CountryCode}})
	// The group is no parameter, because SQLite would plan the statement again whenever the
	// parameter turns into 1 or from it. It is called tab in the schema.
	add(f.Group != status.All, criterion{index: "tab", sql: fmt.Sprintf("m.tab = %d", f.Group)})
	from, to := rowcodec.RouteRange(f.Scenario)
	add(f.Scenario != "", criterion{
		sql:    "m.route IN (SELECT number FROM smsplus_route WHERE route >= ? AND route < ?)",
		values: []driver.Value{from, to},
	})
	return sel, true, nil
}

// rowIndex stands for the numbers of the messages, which a query finds by themselves.
const rowIndex = "number"

func valuesOf(texts []string) []driver.Value {
	values := make([]driver.Value, len(texts))
	for i, text := range texts {
		values[i] = text
	}
	return values
}

func hashValues(keys []rowcodec.LookupKey) []driver.Value {
	values := make([]driver.Value, len(keys))
	for i, key := range keys {
		values[i] = key[:]
	}
	return values
}

// selectTriedChannels selects the channels that any message was tried on.
const selectTriedChannels = `WITH RECURSIVE c (channel) AS (
	SELECT min(channel) FROM smsplus_tried
	UNION ALL
	SELECT (SELECT min(t.channel) FROM smsplus_tried t WHERE t.channel > c.channel) FROM c WHERE c.channel IS NOT NULL
)
SELECT channel FROM c WHERE channel IS NOT NULL`

// keysOfProviderID returns the keys under which attempts with f's ProviderID may be stored:
// on its channel, or on any that a message was tried on.
func (s *Store) keysOfProviderID(ctx context.Context, c *conn, f smsplus.Filter) ([]int64, error) {
	channels := []string{string(f.Channel)}
	if f.Channel == "" {
		channels = nil
		err := c.query(ctx, selectTriedChannels, nil, func(row []driver.Value) error {
			name, err := s.names.lookupText(ctx, c, nil, integer(row[0]))
			channels = append(channels, name)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	var refs []channel.Ref
	for _, name := range channels {
		refs = append(refs, channel.Ref{Channel: channel.Name(name), ProviderID: f.ProviderID})
	}
	wanted, err := s.codec.Refs(refs)
	return wanted.Keys(), err
}

// selectsAttempts reports whether the selection is by one of a message's attempts.
func (sel *selection) selectsAttempts() bool {
	return sel.channel != wholeMessage || sel.reason != "" || sel.byRef
}

// matchesAttempt is [smsplus.Filter.MatchAttempt] of a stored attempt.
func (sel *selection) matchesAttempt(a attemptSummary, reason status.Reason) bool {
	return (sel.channel == wholeMessage || a.channel == sel.channel) &&
		(sel.reason == "" || reason == sel.reason) &&
		(!sel.byRef || a.hasProviderID && slices.Contains(sel.refs, a.ref))
}

// driving returns the criterion whose index a query of the selection reads. Without one it
// reads the index of all messages by time.
func (sel *selection) driving() (driving criterion, others []criterion) {
	if len(sel.criteria) == 0 || sel.criteria[0].index == "" {
		return criterion{index: "time"}, sel.criteria
	}
	return sel.criteria[0], sel.criteria[1:]
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

// unionOfKeys returns a statement for each value of the driving criterion's column, joined
// by UNION ALL, so that each reads the index in its order.
func (sel *selection) unionOfKeys(columns string, after *pagePosition) (sql string, values []driver.Value) {
	driving, _ := sel.driving()
	args := sqlquery.NewArgs[driver.Value](sqlquery.Positional)
	if driving.column == "" {
		return sel.selectByKey(args, columns, nil, after), args.Values()
	}
	var selects []string
	for _, key := range driving.values {
		selects = append(selects, sel.selectByKey(args, columns, key, after))
	}
	return strings.Join(selects, " UNION ALL "), args.Values()
}

// selectByKey returns the statement for one value of the driving criterion's column.
func (sel *selection) selectByKey(args *sqlquery.Args[driver.Value], columns string, key driver.Value, after *pagePosition) string {
	driving, others := sel.driving()
	from, triggeredAt := "smsplus_message m INDEXED BY smsplus_message_"+driving.index, "m.triggered_at"
	switch {
	case driving.side != "":
		from, triggeredAt = driving.side+" x CROSS JOIN smsplus_message m ON m.number = x.message", "x.triggered_at"
	case driving.index == rowIndex:
		from = "smsplus_message m NOT INDEXED"
	}
	var where sqlquery.Conditions
	if driving.column != "" {
		where.Add(driving.column + " = " + args.Add(key))
	} else if driving.sql != "" {
		where.Add(driving.condition(args))
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
	for _, c := range others {
		where.Add(c.condition(args))
	}
	return "SELECT " + strings.ReplaceAll(columns, "m.triggered_at", triggeredAt) + " FROM " + from + where.Where()
}

// condition returns the criterion as a condition on a message m.
func (c criterion) condition(args *sqlquery.Args[driver.Value]) string {
	for _, v := range c.values {
		args.Add(v)
	}
	if c.column == "" {
		return c.sql
	}
	oneOf := c.column + " IN (" + placeholders(len(c.values)) + ")"
	if c.side == "" {
		return oneOf
	}
	return "EXISTS (SELECT 1 FROM " + c.side + " x WHERE " + oneOf + " AND x.triggered_at = m.triggered_at AND x.message = m.number)"
}

// Records implements [smsplus.Store].
func (s *Store) Records(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
	if err := cmp.Or(ctx.Err(), f.Check()); err != nil {
		return smsplus.Page{}, err
	}
	if f.ProviderID != "" { // another one may have the same key, or be that of another attempt
		return sqlquery.MatchingPage(f, func(f smsplus.Filter) (smsplus.Page, error) { return s.selectPage(ctx, f) })
	}
	return s.selectPage(ctx, f)
}

// selectPage returns the page of f, as far as its selection tells.
func (s *Store) selectPage(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
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
