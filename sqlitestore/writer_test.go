package sqlitestore

import (
	"context"
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// storeWithoutWriter returns a store without the writer goroutine. It writes when the
// test calls runTransaction.
func storeWithoutWriter(t *testing.T) *Store {
	path := filepath.Join(t.TempDir(), "messages.db")
	require.NoError(t, Migrate(t.Context(), path))
	s, err := openStore(t.Context(), path, Options{})
	require.NoError(t, err)
	t.Cleanup(func() {
		close(s.writerDone) // as the writer goroutine would
		require.NoError(t, s.Close())
	})
	return s
}

// runTogether makes concurrent calls, which are queued in their order, and runs them in
// one transaction.
func runTogether(t *testing.T, s *Store, calls ...func(ctx context.Context) error) []error {
	errs := make([]error, len(calls))
	done := make(chan struct{})
	for i, c := range calls {
		go func() {
			errs[i] = c(t.Context())
			done <- struct{}{}
		}()
		waitQueued(s, i+1)
	}
	s.writer.runTransaction()
	for range calls {
		<-done
	}
	return errs
}

// waitQueued returns as soon as n requests are pending.
func waitQueued(s *Store, n int) {
	for have := 0; have != n; runtime.Gosched() {
		s.queue.mu.Lock()
		have = len(s.queue.pending)
		s.queue.mu.Unlock()
	}
}

func message(n int) smsplus.Message {
	at := time.Date(2026, 3, 14, 12, n, 0, 0, time.UTC)
	return smsplus.Message{
		ID: uuid.NewSHA1(uuid.Nil, fmt.Append(nil, n)), Template: "otp", Channel: channel.SMS, Lane: channel.SMS,
		TriggeredAt: at, DueAt: at,
	}
}

func insert(s *Store, ms ...smsplus.Message) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := s.Insert(ctx, ms)
		return err
	}
}

func TestWriter_FailedRequestUndoesNoOther(t *testing.T) {
	t.Parallel()
	s := storeWithoutWriter(t)
	require.NoError(t, runTogether(t, s, insert(s, message(1)))[0])

	updated := message(1)
	updated.Status, updated.Channel = status.Failed, "pigeon"
	fresh, again, later := message(2), message(1), message(3)
	fresh.Template, again.Template, later.Template = "new", "newer", "newer"
	errs := runTogether(
		t, s,
		insert(s, fresh),
		insert(s, message(4), again), // the ID exists: the whole request is rolled back, with its new name
		insert(s, later),
		func(ctx context.Context) error { _, err := s.Update(ctx, []smsplus.Message{updated}); return err },
	)
	require.NoError(t, errs[0])
	require.ErrorContains(t, errs[1], "is there already")
	require.NoError(t, errs[2])
	require.NoError(t, errs[3])

	rows, err := s.Stats(t.Context(), smsplus.Filter{})
	require.NoError(t, err)
	require.Equal(t, []smsplus.TemplateStats{
		{Template: "new", Triggered: 1, Preparing: 1},
		{Template: "newer", Triggered: 1, Preparing: 1},
		{Template: "otp", Triggered: 1, Failed: 1},
	}, rows)
	_, err = s.Message(t.Context(), message(4).ID)
	require.ErrorIs(t, err, smsplus.ErrNotFound)
	got, err := s.Message(t.Context(), later.ID)
	require.NoError(t, err)
	require.Equal(t, later, got)
}

func TestWriter_RequestSeesEarlierRequestsOfTransaction(t *testing.T) {
	t.Parallel()
	s := storeWithoutWriter(t)
	keyed := message(2)
	keyed.Key = "a"
	same := message(3)
	same.Key = "a"
	var (
		taken   map[string]smsplus.Message
		claimed smsplus.Claimed
	)
	errs := runTogether(
		t, s,
		insert(s, message(1), keyed),
		func(ctx context.Context) (err error) { taken, err = s.Insert(ctx, []smsplus.Message{same}); return err },
		func(ctx context.Context) (err error) {
			// Before the transaction nothing is due, so Claim would only read.
			claimed, err = submitWrite(ctx, s, func(w *writer) (smsplus.Claimed, error) {
				return w.claimMessages(&smsplus.Claim{
					Now: keyed.DueAt, Lease: time.Minute, Limit: 10, Holder: 1, Only: []channel.Name{channel.SMS},
				})
			})
			return err
		},
	)
	require.Equal(t, []error{nil, nil, nil}, errs)
	require.Equal(t, keyed, taken["a"])
	require.Len(t, claimed.Messages, 2)
	require.Equal(t, keyed.ID, claimed.Messages[1].ID)
}

func TestWriter_SkipsAbandonedRequest(t *testing.T) {
	t.Parallel()
	s := storeWithoutWriter(t)
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	go func() { left <- insert(s, message(1))(ctx) }()
	waitQueued(s, 1)
	cancel()
	require.ErrorIs(t, <-left, context.Canceled)
	s.writer.runTransaction()
	_, err := s.Message(t.Context(), message(1).ID)
	require.ErrorIs(t, err, smsplus.ErrNotFound)
}

func TestWriter_FullDiskFailsWholeTransactionOnly(t *testing.T) {
	t.Parallel()
	s := storeWithoutWriter(t)
	require.NoError(t, runTogether(t, s, insert(s, message(1)))[0])
	pages, err := s.writer.queryInt(t.Context(), "PRAGMA page_count")
	require.NoError(t, err)
	_, err = s.writer.queryInt(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages))
	require.NoError(t, err)

	big := message(2)
	big.Vars = map[string]string{"essay": strings.Repeat("long ", 100_000)}
	one, two, other := message(3), message(4), message(5)
	one.Template, two.Template, other.Template = "new", "new", "newer"
	for i, err := range runTogether(t, s, insert(s, one), insert(s, two), insert(s, big), insert(s, other)) {
		require.ErrorContains(t, err, "database or disk is full", "call %d", i)
	}
	_, err = s.writer.queryInt(t.Context(), "PRAGMA max_page_count = 1000000")
	require.NoError(t, err)
	// Another name gets the number that was given in the failed transaction.
	for _, err := range runTogether(t, s, insert(s, other), insert(s, one), insert(s, two), insert(s, big)) {
		require.NoError(t, err)
	}
	rows, err := s.Stats(t.Context(), smsplus.Filter{})
	require.NoError(t, err)
	require.Equal(t, []smsplus.TemplateStats{
		{Template: "new", Triggered: 2, Preparing: 2},
		{Template: "newer", Triggered: 1, Preparing: 1},
		{Template: "otp", Triggered: 2, Preparing: 2},
	}, rows)
}

// queryPlan returns SQLite's plan of a statement.
func queryPlan(t *testing.T, s *Store, sql string, args ...driver.Value) string {
	var plan []string
	require.NoError(t, s.writer.query(t.Context(), "EXPLAIN QUERY PLAN "+sql, args, func(row []driver.Value) error {
		plan = append(plan, text(row[3]))
		return nil
	}))
	return strings.Join(plan, "\n")
}

func TestStore_SearchesIndexes(t *testing.T) {
	t.Parallel()
	s := storeWithoutWriter(t)
	one := int64(1)
	dueOfLane, dueOfLaneArgs := dueOfLaneQuery(1, nil, 1)
	dueOfLaneSkipping, dueOfLaneSkippingArgs := dueOfLaneQuery(1, "[1]", 1)
	due := "INDEX smsplus_message_due (lane=? AND due_at>?)"
	parked := "smsplus_parked USING PRIMARY KEY"
	for _, statement := range []struct {
		sql  string
		args []driver.Value
		want string
	}{
		{dueOfLane, dueOfLaneArgs, due},
		{dueOfLaneSkipping, dueOfLaneSkippingArgs, due},
		{leaseMessages, []driver.Value{one, one, "[1]"}, "SEARCH smsplus_message USING INTEGER PRIMARY KEY (rowid=?)"},
		{countDueOfLane, []driver.Value{one, one}, due[:len(due)-1] + " AND due_at<?)"},
		{countSetAside, nil, "SEARCH m USING INTEGER PRIMARY KEY (rowid=?)"},
		{noteSetAside, []driver.Value{[]byte{1}, one}, "SEARCH smsplus_message USING INDEX smsplus_message_id (id=?)"},
		{setAside, []driver.Value{one, []byte{1}, one}, "SEARCH smsplus_message USING INDEX smsplus_message_id (id=?)"},
		{selectParkedAfter, []driver.Value{one, one, one}, "SEARCH " + parked + " ((ref,key)>(?,?))"},
		{selectParked, []driver.Value{"[1]"}, "SEARCH p USING PRIMARY KEY (ref=?)"},
	} {
		plan := queryPlan(t, s, statement.sql, statement.args...)
		require.Contains(t, plan, statement.want, statement.sql)
		require.NotContains(t, plan, "SCAN smsplus_message", statement.sql)
		if statement.sql != countSetAside { // it sorts the few that are set aside
			require.NotContains(t, plan, "B-TREE", statement.sql)
		}
	}
}

func TestErase_SearchesIndexes(t *testing.T) {
	t.Parallel()
	s := storeWithoutWriter(t)
	n, err := phone.Parse("+886911222333")
	require.NoError(t, err)
	keys, err := s.personKeys(channel.Recipient{Phone: n, IDs: map[channel.Name]string{"chat": "ann"}})
	require.NoError(t, err)
	for i, want := range []string{"SEARCH m USING INDEX smsplus_message_phone (phone=?)", "SEARCH r USING PRIMARY KEY (hash=?)"} {
		for _, sql := range []string{keys[i].erasable(), keys[i].open()} {
			args := []driver.Value{keys[i].value, int64(1), int64(1)}[:strings.Count(sql, "?")]
			plan := queryPlan(t, s, sql, args...)
			require.Contains(t, plan, want, sql)
			require.NotContains(t, plan, "SCAN", sql)
		}
	}
}

// No page sorts a whole list, and none scans a table.
func TestRecords_ReadsEveryPageInIndexOrder(t *testing.T) {
	t.Parallel()
	s := storeWithoutWriter(t)
	for _, sql := range []string{
		"INSERT INTO smsplus_name (number, name) VALUES (1, 'otp'), (2, 'sms')",
		"INSERT INTO smsplus_tried (channel, triggered_at, message) VALUES (2, 0, 0)",
	} {
		require.NoError(t, s.writer.exec(t.Context(), sql))
	}
	number, err := phone.Parse("+886912345678")
	require.NoError(t, err)
	all := smsplus.Filter{Template: "otp", Scenario: "OTP", Channel: channel.SMS, CountryCode: "886", Group: status.Sent}
	with := func(change func(*smsplus.Filter)) smsplus.Filter {
		f := all
		change(&f)
		return f
	}
	for name, f := range map[string]smsplus.Filter{
		"time":                {},
		"time of a scenario":  {Scenario: "OTP"},
		"template":            {Template: "otp"},
		"tried":               {Channel: channel.SMS},
		"country":             {CountryCode: "886"},
		"tab":                 {Group: status.Sending},
		"phone":               {Phone: number},
		"recipient":           {RecipientID: "ann"},
		"recipient, sealed":   {RecipientID: "ann"},
		"recipient of all":    with(func(f *smsplus.Filter) { f.RecipientID = "ann" }),
		"phone of an ID":      {Phone: number, RecipientID: "ann"},
		"phone, sealed":       {Phone: number},
		"reference":           {Reference: "batch"},
		"reference, sealed":   {Reference: "batch"},
		"reference of all":    with(func(f *smsplus.Filter) { f.Reference, f.Reason = "batch", status.Blocked }),
		"reason":              {Reason: status.Blocked},
		"reason of all":       with(func(f *smsplus.Filter) { f.Reason = status.Blocked }),
		"template of all":     all,
		"tried of the others": with(func(f *smsplus.Filter) { f.Template = "" }),
		"number":              {ProviderID: "1"},
		"number of all":       with(func(f *smsplus.Filter) { f.ProviderID, f.Phone, f.Reason = "1", number, status.Blocked }),
	} {
		q, ok, err := s.newSelection(t.Context(), s.writer.conn, f)
		require.NoError(t, err)
		require.True(t, ok, name)
		if strings.HasSuffix(name, ", sealed") { // it has a key for each of the sealer's
			q.criteria[0].values = append(q.criteria[0].values, q.criteria[0].values...)
		}
		index, _, _ := strings.Cut(name, " ")
		index = strings.TrimSuffix(index, ",")
		for _, after := range []*pagePosition{nil, {at: 1}} {
			sql, args := q.pageQuery(after, 10)
			plan := queryPlan(t, s, sql, args...)
			want := "USING INDEX smsplus_message_" + index
			if index == "tried" {
				want = "SEARCH x USING PRIMARY KEY (channel=? AND triggered_at>? AND triggered_at<?)"
			}
			if index == "number" {
				want = "SEARCH m USING INTEGER PRIMARY KEY (rowid=?)"
			}
			if index == "recipient" {
				want = "SEARCH x USING PRIMARY KEY (hash=? AND triggered_at>? AND triggered_at<?)"
			}
			require.Contains(t, plan, want, name)
			require.NotContains(t, plan, "SCAN smsplus", name)
			require.NotContains(t, plan, "SCAN m", name)
			if index != "number" { // a provider's ID has few messages
				require.NotContains(t, plan, "B-TREE FOR ORDER BY", name)
			}
		}
	}
}
