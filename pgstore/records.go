package pgstore

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/internal/sqlquery"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// Message implements [smsplus.Store].
func (s *Store) Message(ctx context.Context, id uuid.UUID) (m smsplus.Message, err error) {
	err = s.retryQuery(ctx, "message", func(ctx context.Context) error {
		rs, err := s.queryMessages(ctx, s.pool, s.statements.message, id)
		switch {
		case err != nil:
			return err
		case len(rs) == 0:
			return smsplus.ErrNotFound
		case rs[0].err != nil:
			return rs[0].unreadableError()
		}
		m = rs[0].Message
		return nil
	})
	return m, err
}

// Records implements [smsplus.Store].
func (s *Store) Records(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
	if err := cmp.Or(ctx.Err(), f.Check()); err != nil {
		return smsplus.Page{}, err
	}
	if f.Reason != "" || f.ProviderID != "" {
		// Another provider ID may have the same hash, or be that of another attempt. A release
		// from before may have left a reason that the attempt no longer has.
		return sqlquery.MatchingPage(f, func(f smsplus.Filter) (smsplus.Page, error) { return s.selectPage(ctx, f) })
	}
	return s.selectPage(ctx, f)
}

// selectPage returns the page of f, as far as its conditions tell.
func (s *Store) selectPage(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
	var rs []scannedMessage
	err := s.retryQuery(ctx, "records", func(ctx context.Context) error {
		hashes, err := s.hashesOfProviderID(ctx, s.pool, f)
		if err != nil {
			return err
		}
		rs, err = s.queryPage(ctx, s.pool, f, hashes)
		return err
	})
	if err != nil {
		return smsplus.Page{}, err
	}
	ms, unreadable := splitReadable(rs)
	return f.Page(ms, unreadable...), nil
}

// hashesOfProviderID returns the hashes under which attempts with f's ProviderID may be
// stored: on its channel, or on any that a message was tried on.
func (s *Store) hashesOfProviderID(ctx context.Context, db querier, f smsplus.Filter) ([]int64, error) {
	if f.ProviderID == "" {
		return nil, nil
	}
	channels := []string{escapeChannel(f.Channel)}
	if f.Channel == "" {
		rows, err := db.Query(ctx, s.statements.triedChannels)
		if err != nil {
			return nil, err
		}
		if channels, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			return nil, err
		}
	}
	var refs []channel.Ref
	for _, escaped := range channels {
		refs = append(refs, channel.Ref{Channel: unescapeChannel(escaped), ProviderID: f.ProviderID})
	}
	wanted, err := s.codec.Refs(refs)
	if err != nil {
		return nil, err
	}
	return wanted.Keys(), nil
}

// queryPage reads the messages of a page of f and one more, as far as its conditions tell. The
// hashes are those of f's ProviderID.
func (s *Store) queryPage(ctx context.Context, db querier, f smsplus.Filter, hashes []int64) ([]scannedMessage, error) {
	limit := f.PageSize() + 1
	sql, args, err := s.pageQuery(f, hashes, textLimit(limit))
	if err != nil {
		return nil, err
	}
	rs, err := s.queryMessages(ctx, db, sql, args...)
	return rs[:min(len(rs), limit)], err
}

// textLimit returns the limit that the text of a page's statement has: the next power of two,
// unless it is a common one. A connection keeps a limited number of texts prepared.
func textLimit(limit int) int {
	const common = smsplus.DefaultLimit + 2 // with the two that show a next page, see Records
	if limit == common-1 || limit == common || limit == groupPage+1 {
		return limit
	}
	if limit > 1<<30 { // its next power of two is no int of 32 bits
		return math.MaxInt32
	}
	return 1 << bits.Len(uint(limit-1))
}

// pageQuery returns sql/records.sql for the first messages after f.After that match f. The
// page follows an index of one table. Each condition on another table is a subquery, which
// the planner runs for each row: see the reasons there. The hashes are those of f's
// ProviderID.
func (s *Store) pageQuery(f smsplus.Filter, hashes []int64, limit int) (sql string, values []any, err error) {
	args := sqlquery.NewArgs[any](sqlquery.Numbered)
	conditions, err := s.filterConditions(args, f, hashes)
	if err != nil {
		return "", nil, err
	}
	var where, fence sqlquery.Conditions
	driving := drivingTable(f)
	for _, c := range conditions {
		switch {
		case slices.Contains(c.tables, driving) && (f.ProviderID != "" || f.RecipientID != ""):
			fence.Add(c.onTable("t"))
		case slices.Contains(c.tables, driving):
			where.Add(c.onTable("t"))
		default:
			where.Add(fmt.Sprintf("(SELECT true FROM %ssmsplus_%s o WHERE o.triggered_at = t.triggered_at AND o.id = t.id AND %s)",
				schemaMark, c.tables[0], c.onTable("o")))
		}
	}
	if f.After != "" {
		at, id, err := f.Position()
		if err != nil {
			return "", nil, err
		}
		where.Add(fmt.Sprintf("(t.triggered_at, t.id) < (%s, %s)", args.Add(at), args.Add(id)))
	}
	sql = s.layout.render("records", params{Table: driving, Where: where.Where(), Fence: fence.Where(), Limit: limit})
	return sql, args.Values(), nil
}

// drivingTable returns the table whose index a page follows: the table of the condition that
// probably matches the fewest messages.
func drivingTable(f smsplus.Filter) string {
	switch {
	case f.ProviderID != "":
		return "attempt"
	case !f.Phone.IsZero() || f.RecipientID != "" || f.Key != "" || f.Reference != "":
		return "message"
	case f.Reason != "":
		return "state"
	case f.Group != status.All && f.Group != status.Sent:
		return "state"
	case f.Template != "" || f.CountryCode != "":
		return "message"
	case f.Channel != "":
		return "attempt"
	case f.Group != status.All:
		return "state"
	}
	return "message"
}

// condition is a condition on a column that one or several tables have.
type condition struct {
	format string   // with % for the table's alias
	tables []string // the tables that have the column
}

// onTable returns the condition on the table with the alias.
func (c condition) onTable(alias string) string { return strings.ReplaceAll(c.format, "%", alias) }

// filterConditions returns the conditions of f, without its position in the list. The
// hashes are those of its ProviderID.
func (s *Store) filterConditions(args *sqlquery.Args[any], f smsplus.Filter, hashes []int64) (cs []condition, err error) {
	add := func(format string, tables ...string) { cs = append(cs, condition{format, tables}) }
	if !f.Phone.IsZero() {
		keys, err := s.codec.PhoneKeys(f.Phone)
		if err != nil {
			return nil, err
		}
		if len(keys) == 1 {
			add("%.phone = "+args.Add(keys[0]), "message")
		} else {
			add("%.phone = ANY ("+args.Add(keys)+"::text[])", "message")
		}
	}
	if f.Key != "" {
		key := args.Add(f.Key)
		add("%.key = "+key, "message")
		if s.layout.partitioned {
			// No index on the key spans the months, so the table of keys says where its
			// message is.
			for _, column := range []string{"triggered_at", "id"} {
				add(fmt.Sprintf("%%.%s = (SELECT %s FROM %ssmsplus_key WHERE key = %s)", column, column, schemaMark, key), "message")
			}
		}
	}
	if f.RecipientID != "" {
		keys, err := s.codec.IDKeys(f.RecipientID)
		if err != nil {
			return nil, err
		}
		add("%.recipient_ids && "+args.Add(uuidsOf(keys))+"::uuid[]", "message")
	}
	if f.Reference != "" {
		keys, err := s.codec.ReferenceKeys(f.Reference)
		if err != nil {
			return nil, err
		}
		if len(keys) == 1 {
			add("%.reference = "+args.Add(uuidsOf(keys)[0]), "message")
		} else {
			add("%.reference IS NOT NULL AND %.reference = ANY ("+args.Add(uuidsOf(keys))+"::uuid[])", "message")
		}
	}
	if f.Scenario != "" {
		from, to := rowcodec.RouteRange(f.Scenario)
		add(fmt.Sprintf("%%.route = ANY (ARRAY (SELECT id FROM %ssmsplus_route WHERE body >= %s AND body < %s))",
			schemaMark, args.Add(from), args.Add(to)), "message")
	}
	if f.CountryCode != "" {
		add("%.country = "+args.Add(f.CountryCode), "message")
	}
	if f.Template != "" {
		add("%.template = "+args.Add(f.Template), "message", "state")
	}
	if f.Group != status.All {
		add("%.tab = "+args.Add(int16(f.Group)), "state")
	}
	switch { // a provider ID's hash and a reason's part have the channel
	case f.ProviderID != "":
		add("%.name = ANY ("+args.Add(hashes)+"::bigint[])", "attempt")
	case f.Channel != "" && f.Reason == "":
		add("%.channel = "+args.Add(escapeChannel(f.Channel)), "attempt")
	}
	if f.Reason != "" {
		add("%.reasons IS NOT NULL AND strpos(%.reasons, "+args.Add(rowcodec.ReasonPart(f.Channel, f.Reason))+") > 0", "state")
	}
	if !f.From.IsZero() {
		add("%.triggered_at >= "+args.Add(microtime.Time(microtime.Ceil(f.From))), "message", "state", "attempt")
	}
	if !f.To.IsZero() {
		add("%.triggered_at < "+args.Add(microtime.Time(microtime.Ceil(f.To))), "message", "state", "attempt")
	}
	return cs, nil
}

// uuidsOf returns hashes of IDs as the parameter of a statement.
func uuidsOf(keys []rowcodec.LookupKey) []pgtype.UUID {
	ids := make([]pgtype.UUID, len(keys))
	for i, key := range keys {
		ids[i] = pgtype.UUID{Bytes: key, Valid: true}
	}
	return ids
}
