package pgstore

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// The statements. Each is one round trip and one transaction. They are written as the
// migrations are: for both layouts, see [layout].
//
// They are written for plans that do not depend on how many rows the planner takes a
// parameter for: rows are reached by arrays of keys, for which it expects few, and a
// LIMIT that matters is a number in the text.

// columns are what [Store.messages] reads, of a message m and its state s.
const columns = `s.id, s.triggered_at, s.due_at, s.version, s.claims, s.status, s.channel, s.lane, s.template, s.body,
	m.route, m.phone, m.key, m.fixed`

// messageOfState joins a state with its message. The planner takes a row that it looks
// up among months for a look into each, and would rather read whole tables: where a
// row's month is known, LATERAL and LIMIT have it look there.
const messageOfState = `/*plain*/` + wholeMessage + `/*end*/` +
	`/*monthly: CROSS JOIN LATERAL (
	SELECT * FROM /*schema*/smsplus_message m WHERE m.triggered_at = s.triggered_at AND m.id = s.id LIMIT 1) m*/`

// messageByIndex is messageOfState for a state that is there, and a plan that always
// goes through the index: while a table is small, and for as long after as the planner
// keeps to a plan of that time, it would read all of it instead.
const messageByIndex = `CROSS JOIN LATERAL (
	SELECT * FROM /*schema*/smsplus_message m
	/*plain*/WHERE (m.triggered_at, m.id) >= (s.triggered_at, s.id) AND (m.triggered_at, m.id) <= (s.triggered_at, s.id)
	ORDER BY m.triggered_at, m.id/*end*/
	/*monthly: WHERE m.triggered_at = s.triggered_at AND m.id = s.id*/
	LIMIT 1) m`

// wholeMessage leaves it to the planner with which of both it begins.
const wholeMessage = `JOIN /*schema*/smsplus_message m ON m.triggered_at = s.triggered_at AND m.id = s.id`

// stateOf joins what has a message's time and ID with its state.
func stateOf(alias string) string {
	return `/*plain*/JOIN /*schema*/smsplus_state s ON s.id = ` + alias + `.id/*end*/` + stateInMonth(alias)
}

// stateInMonth is stateOf for the monthly layout alone.
func stateInMonth(alias string) string {
	return `/*monthly: CROSS JOIN LATERAL (
	SELECT * FROM /*schema*/smsplus_state s WHERE s.triggered_at = ` + alias + `.triggered_at AND s.id = ` + alias + `.id LIMIT 1) s*/`
}

// insertSQL adds messages that have no keys. The arrays are subqueries for the planner's
// sake: of an array that it sees, and that is short, it makes a plan each time.
var insertSQL = `
WITH ` + inserts("") + `)
SELECT WHERE false`

// insertKeyedSQL adds messages unless one of their keys is taken, and returns those that
// have them. A key is taken only by a message that this transaction sees: one that
// serializes may still see the key of a month that is gone. Keys and messages are looked
// up as in updateSQL, whatever the planner knew.
var insertKeyedSQL = insertKeyed("")

// insertMoreSQL is insertKeyedSQL for messages that have attempts, or a route that is
// not known to be stored. That is seldom, and PostgreSQL sets up each part of a
// statement each time, whether there is something for it or not.
var insertMoreSQL = insertKeyed(`), attempt AS (
	INSERT INTO /*schema*/smsplus_attempt (id, triggered_at, channel, name)
	SELECT id, triggered_at, channel, name FROM free, unnest((SELECT $4::/*schema*/smsplus_new_attempt[]))
), route AS (
	INSERT INTO /*schema*/smsplus_route (id, body)
	SELECT id, body FROM free, unnest((SELECT $5::/*schema*/smsplus_new_route[]))
	ON CONFLICT DO NOTHING
`)

// inserts are the parts that add messages. Before, if it is not "", is a relation and a
// comma: nothing is added if the relation is empty.
func inserts(before string) string {
	return `message AS (
	INSERT INTO /*schema*/smsplus_message (id, triggered_at, route, template, country, phone, key, fixed)
	SELECT id, triggered_at, route, template, country, phone, key, fixed
	FROM ` + before + `unnest((SELECT $1::/*schema*/smsplus_new_message[]))
), state AS (
	INSERT INTO /*schema*/smsplus_state
		(id, triggered_at, template, due_at, version, claims, status, tab, channel, lane, tally, body)
	SELECT id, triggered_at, template, due_at, version, claims, status, tab, channel, lane, tally, body
	FROM ` + before + `unnest((SELECT $1::/*schema*/smsplus_new_message[]))
), delta AS (
	INSERT INTO /*schema*/smsplus_delta (hour, template, tally, n)
	SELECT hour, template, tally, n FROM ` + before + `unnest((SELECT $2::/*schema*/smsplus_new_delta[]))
`
}

func insertKeyed(more string) string {
	return `
WITH taken AS MATERIALIZED (
	SELECT t.id, t.triggered_at
	FROM unnest((SELECT $3::text[])) AS wanted (key) CROSS JOIN LATERAL (
		SELECT id, triggered_at FROM /*schema*//*plain*/smsplus_message/*end*//*monthly: smsplus_key*/
		WHERE key >= wanted.key AND key <= wanted.key ORDER BY key LIMIT 1
	) t ` + stateInMonth("t") + `
), free AS MATERIALIZED (
	SELECT WHERE NOT EXISTS (SELECT FROM taken)
), ` + inserts("free, ") + more + `)/*monthly: , key AS (
	INSERT INTO /*schema*/smsplus_key (id, triggered_at, key)
	SELECT id, triggered_at, key FROM free, unnest((SELECT $1::/*schema*/smsplus_new_message[])) WHERE key IS NOT NULL
)*/
SELECT ` + columns + `
FROM taken t /*plain*/CROSS JOIN LATERAL (
	SELECT * FROM /*schema*/smsplus_state s WHERE s.id >= t.id AND s.id <= t.id ORDER BY s.id LIMIT 1) s/*end*/` +
		stateInMonth("t") + ` ` + messageByIndex
}

// claimSQL leases what is due. Lanes are looked at one by one, so that those that are
// excepted cost nothing however much waits in them. Of each as many are locked as the
// limit allows, for the earliest of all may be in any; a claim at the same time skips
// them, and finds them at its next. The limit there is no number in the text: while
// statistics are old the planner takes few rows for due, and for a number above them
// it would read and sort a whole backlog. Of a limit that it cannot know it expects
// that most rows are not read, and follows the index. What it then takes the claim to
// cost is a share of the backlog, from some million rows on enough to compile the plan
// each time, in 20 ms: so the number stands around that. Over months the time is hidden
// too: else each claim looks cheaper than the plan there is, and is planned anew.
//
// What is leased is written by ON CONFLICT, as in updateSQL. What is returned is what
// was locked, and not what the write returns: to join them the planner, which expects
// few rows of either, would compare each with each.
const claimSQL = `
WITH RECURSIVE lane AS (
	(SELECT lane FROM /*schema*/smsplus_state WHERE due_at IS NOT NULL ORDER BY lane LIMIT 1)
	UNION ALL
	SELECT (SELECT s.lane FROM /*schema*/smsplus_state s
		WHERE s.due_at IS NOT NULL AND s.lane > l.lane ORDER BY s.lane LIMIT 1)
	FROM lane l WHERE l.lane IS NOT NULL
), open AS MATERIALIZED (
	SELECT unnest(ARRAY (SELECT lane FROM lane WHERE lane <> ALL ($3::text[]))) AS lane
), due AS MATERIALIZED (
	SELECT d.*
	FROM open o CROSS JOIN LATERAL (
		SELECT * FROM (
			SELECT s.* FROM /*schema*/smsplus_state s
			WHERE s.lane = o.lane AND s.due_at <= /*plain*/$1/*end*//*monthly: (SELECT $1::timestamptz)*/
			ORDER BY s.due_at LIMIT (SELECT $LIMIT)
			FOR UPDATE SKIP LOCKED
		) s LIMIT $LIMIT
	) d
	ORDER BY d.due_at LIMIT $LIMIT
), leased AS (
	INSERT INTO /*schema*/smsplus_state
		(id, triggered_at, template, due_at, version, claims, status, tab, channel, lane, tally, body)
	SELECT id, triggered_at, template, $2::timestamptz, version + 1, claims + 1, status, tab, channel, lane, tally, body FROM due
	ON CONFLICT (id/*monthly: , triggered_at*/) DO UPDATE
	SET due_at = excluded.due_at, version = excluded.version, claims = excluded.claims
), s AS (
	SELECT due_at AS was_due, id, triggered_at, $2::timestamptz AS due_at, version + 1 AS version, claims + 1 AS claims,
		status, channel, lane, template, body
	FROM due
), next AS (
	SELECT min(n.due_at) AS due_at
	FROM open o CROSS JOIN LATERAL (
		SELECT s.due_at FROM /*schema*/smsplus_state s
		WHERE s.lane = o.lane AND s.due_at IS NOT NULL AND s.id NOT IN (SELECT id FROM due)
		ORDER BY s.due_at LIMIT 1
	) n
)
SELECT next.due_at, s.was_due, ` + columns + `
FROM next LEFT JOIN (s ` + messageByIndex + `) ON true
ORDER BY s.was_due`

// updateSQL replaces states whose version is the one given, and returns their IDs.
// The rows are locked in the order in which they are given, that of their IDs: the
// second of two batches waits for the first, and then finds other versions.
//
// A message's last attempt comes in columns of its own. Only of those that have more is
// the tally taken apart, for each word of which names has one too. $FROM and $TO are
// the edges of the batch's months: in the text, so that a plan knows no other month.
//
// What is there is written by ON CONFLICT, which always goes through the index, and
// looked up as the first of what is neither before nor after it. For a join the planner
// may settle, while a table is small, on reading all of it, and keep to that until the
// table is next analyzed; for this, only while it has some pages. The array is a
// subquery for the planner's sake too: see insertSQL.
const updateSQL = `
WITH new AS MATERIALIZED (
	SELECT * FROM unnest((SELECT $1::/*schema*/smsplus_new_state[]))
), moved AS MATERIALIZED (
	SELECT n.id, n.due_at, n.status, n.tab, n.channel, n.lane, n.tally, n.body, n.last, n.name, n.names,
		o.version, o.triggered_at, o.template, o.tally AS was
	FROM new n CROSS JOIN LATERAL (
		SELECT s.version, s.triggered_at, s.template, s.tally FROM /*schema*/smsplus_state s
		/*plain*/WHERE s.id >= n.id AND s.id <= n.id ORDER BY s.id LIMIT 1/*end*/
		/*monthly: WHERE s.id = n.id AND s.triggered_at = n.triggered_at AND s.triggered_at >= '$FROM' AND s.triggered_at < '$TO'*/
		FOR UPDATE
	) o
	WHERE o.version = n.version
), state AS (
	INSERT INTO /*schema*/smsplus_state
		(id, triggered_at, template, due_at, version, claims, status, tab, channel, lane, tally, body)
	SELECT id, triggered_at, template, due_at, version + 1, 0, status, tab, channel, lane, tally, body FROM moved
	ON CONFLICT (id/*monthly: , triggered_at*/) DO UPDATE
	SET due_at = excluded.due_at, version = excluded.version, claims = 0, status = excluded.status, tab = excluded.tab,
		channel = excluded.channel, lane = excluded.lane, tally = excluded.tally, body = excluded.body
), attempt AS (
	INSERT INTO /*schema*/smsplus_attempt (id, triggered_at, channel, name)
	SELECT id, triggered_at, channel, name FROM ` + attemptsSQL + ` has
	WHERE strpos(was, ' ' || channel || ':') = 0
), renamed AS (
	INSERT INTO /*schema*/smsplus_attempt (id, triggered_at, channel, name)
	SELECT id, triggered_at, channel, name FROM ` + attemptsSQL + ` has
	WHERE strpos(was, ' ' || channel || ':') > 0 AND name IS DISTINCT FROM (
		SELECT a.name FROM /*schema*/smsplus_attempt a
		/*plain*/WHERE (a.channel, a.triggered_at, a.id) >= (has.channel, has.triggered_at, has.id)
			AND (a.channel, a.triggered_at, a.id) <= (has.channel, has.triggered_at, has.id)
		ORDER BY a.channel, a.triggered_at, a.id LIMIT 1/*end*/
		/*monthly: WHERE a.channel = has.channel AND a.triggered_at = has.triggered_at AND a.id = has.id
			AND a.triggered_at >= '$FROM' AND a.triggered_at < '$TO'*/
	)
	ON CONFLICT (channel, triggered_at, id) DO UPDATE SET name = excluded.name
), gone AS MATERIALIZED (
	SELECT m.id, m.triggered_at, split_part(w.word, ':', 1) AS channel
	FROM moved m CROSS JOIN unnest(string_to_array(m.was, ' ')) AS w (word)
	WHERE strpos(m.was, ':') > 0 AND strpos(w.word, ':') > 0 AND strpos(m.tally, ' ' || split_part(w.word, ':', 1) || ':') = 0
), dropped AS (
	DELETE FROM /*schema*/smsplus_attempt a USING gone g
	WHERE a.channel = g.channel AND a.triggered_at = g.triggered_at AND a.id = g.id
		/*monthly: AND a.triggered_at >= '$FROM' AND a.triggered_at < '$TO'*/
), counted AS (
	SELECT ` + hourSQL + ` AS hour, template, was, tally, count(*)::integer AS n FROM moved GROUP BY 1, 2, 3, 4
), delta AS (
	INSERT INTO /*schema*/smsplus_delta (hour, template, tally, n)
	SELECT c.hour, c.template, t.tally, sum(t.n)
	FROM counted c CROSS JOIN LATERAL (VALUES (c.was, -c.n), (c.tally, c.n)) AS t (tally, n)
	GROUP BY 1, 2, 3
	HAVING sum(t.n) <> 0
)
SELECT array_agg(id) FROM moved`

// attemptsSQL are the attempts of the messages that updateSQL moves.
const attemptsSQL = `(
		SELECT id, triggered_at, was, last AS channel, name FROM moved WHERE last <> '' AND names = ''
		UNION ALL
		SELECT m.id, m.triggered_at, m.was, split_part(w.word, ':', 1), nullif(w.name, '')::bigint
		FROM moved m CROSS JOIN unnest(string_to_array(m.tally, ' '), string_to_array(m.names, ' ')) AS w (word, name)
		WHERE m.names <> '' AND strpos(w.word, ':') > 0
	)`

// hourSQL is hourOf of triggered_at.
const hourSQL = `floor(date_part('epoch', triggered_at) / 3600)::integer`

const messageSQL = `SELECT ` + columns + ` FROM /*schema*/smsplus_state s ` + messageOfState + ` WHERE s.id = $1`

var namedSQL = `
/*monthly: WITH named AS MATERIALIZED (
	SELECT DISTINCT triggered_at, id FROM /*schema*/smsplus_attempt WHERE name = ANY (ARRAY (SELECT unnest($1::bigint[])))
)*/
SELECT ` + columns + ` FROM /*plain*/ /*schema*/smsplus_state s/*end*/ /*monthly: named n*/ ` + stateInMonth("n") + ` ` + messageOfState + `
/*plain*/WHERE s.id = ANY (ARRAY (SELECT id FROM /*schema*/smsplus_attempt WHERE name = ANY ($1::bigint[])))/*end*/`

const routesSQL = `SELECT id, body FROM /*schema*/smsplus_route WHERE id = ANY ($1::bigint[])`

const parkSQL = `
INSERT INTO /*schema*/smsplus_parked (ref, key, at, body)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::bytea[]) AS n (ref, key, at, body)
ORDER BY ref, key
ON CONFLICT DO NOTHING`

const parkedSQL = `SELECT body FROM /*schema*/smsplus_parked WHERE ref = ANY ($1::bigint[])`

const unparkSQL = `
WITH gone AS MATERIALIZED (
	SELECT key FROM /*schema*/smsplus_parked WHERE ref = ANY ($1::bigint[]) ORDER BY ref, key FOR UPDATE
)
DELETE FROM /*schema*/smsplus_parked WHERE ref = ANY ($1::bigint[]) AND key = ANY (ARRAY (SELECT key FROM gone))`

// purgeSQL drops the oldest of what has ended and of what is parked. What another
// call holds is passed over.
var purgeSQL = `
WITH oldest AS MATERIALIZED (
	SELECT * FROM (
		(SELECT m.triggered_at AS at, m.id, NULL::bigint AS ref, NULL::bigint AS key
		FROM /*schema*/smsplus_message m
		` + stateOf("m") + `
		WHERE m.triggered_at < $1 AND s.due_at IS NULL
		ORDER BY m.triggered_at LIMIT $LIMIT)
		UNION ALL
		(SELECT at, NULL, ref, key FROM /*schema*/smsplus_parked WHERE at < $1 ORDER BY at LIMIT $LIMIT)
	) both_kinds
	ORDER BY at LIMIT $LIMIT
), ended AS MATERIALIZED (
	SELECT s.id FROM /*schema*/smsplus_state s
	WHERE s.id = ANY (ARRAY (SELECT id FROM oldest WHERE id IS NOT NULL)) AND s.due_at IS NULL/*monthly:
		AND s.triggered_at >= (SELECT min(at) FROM oldest WHERE id IS NOT NULL)
		AND s.triggered_at <= (SELECT max(at) FROM oldest WHERE id IS NOT NULL)*/
	ORDER BY s.id
	FOR UPDATE SKIP LOCKED
), state AS (
	DELETE FROM /*schema*/smsplus_state WHERE id = ANY (ARRAY (SELECT id FROM ended))/*monthly:
		AND triggered_at >= (SELECT min(at) FROM oldest WHERE id IS NOT NULL)
		AND triggered_at <= (SELECT max(at) FROM oldest WHERE id IS NOT NULL)*/
	RETURNING id, triggered_at, template, tally
), message AS (
	DELETE FROM /*schema*/smsplus_message m USING state s WHERE m.triggered_at = s.triggered_at AND m.id = s.id
	/*monthly: RETURNING m.key
), key AS (
	DELETE FROM /*schema*/smsplus_key WHERE key = ANY (ARRAY (SELECT key FROM message WHERE key IS NOT NULL))*/
), attempt AS (
	DELETE FROM /*schema*/smsplus_attempt a
	USING (
		SELECT s.triggered_at, s.id, split_part(w.word, ':', 1) AS channel
		FROM state s CROSS JOIN unnest(string_to_array(s.tally, ' ')) WITH ORDINALITY AS w (word, n)
		WHERE w.n > 1
	) g
	WHERE a.channel = g.channel AND a.triggered_at = g.triggered_at AND a.id = g.id
), delta AS (
	INSERT INTO /*schema*/smsplus_delta (hour, template, tally, n)
	SELECT ` + hourSQL + `, template, tally, -count(*) FROM state GROUP BY 1, 2, 3
), stale AS MATERIALIZED (
	SELECT p.ref, p.key FROM /*schema*/smsplus_parked p JOIN oldest o ON o.ref = p.ref AND o.key = p.key
	ORDER BY p.ref, p.key
	FOR UPDATE OF p SKIP LOCKED
), parked AS (
	DELETE FROM /*schema*/smsplus_parked p USING stale s WHERE p.ref = s.ref AND p.key = s.key
	RETURNING 1
)
SELECT (SELECT count(*) FROM state) + (SELECT count(*) FROM parked)`

// erasableSQL locks messages to a person that have ended.
const erasableSQL = `
SELECT ` + columns + ` FROM /*schema*/smsplus_state s ` + wholeMessage + `
WHERE m.phone = ANY ($1::text[]) AND s.due_at IS NULL
ORDER BY s.id LIMIT 1000
FOR UPDATE OF s`

// forgetSQL replaces what says something of a person. The version moves on, so that
// nobody who has read a message before writes it back.
const forgetSQL = `
WITH new AS MATERIALIZED (
	SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::bytea[], $4::bytea[]) AS n (id, triggered_at, fixed, body)
), state AS (
	UPDATE /*schema*/smsplus_state s SET body = n.body, version = s.version + 1
	FROM new n WHERE s.triggered_at = n.triggered_at AND s.id = n.id
	RETURNING s.id, s.triggered_at, s.tally
), message AS (
	UPDATE /*schema*/smsplus_message m SET phone = NULL, fixed = n.fixed
	FROM new n JOIN state s ON s.id = n.id
	WHERE m.triggered_at = s.triggered_at AND m.id = s.id
), attempt AS (
	UPDATE /*schema*/smsplus_attempt a SET name = NULL
	FROM state s CROSS JOIN unnest(string_to_array(s.tally, ' ')) WITH ORDINALITY AS w (word, n)
	WHERE w.n > 1 AND a.channel = split_part(w.word, ':', 1) AND a.triggered_at = s.triggered_at AND a.id = s.id
)
DELETE FROM /*schema*/smsplus_parked WHERE ref = ANY ($5::bigint[])`

const underWaySQL = `
SELECT count(*) FROM /*schema*/smsplus_state s ` + wholeMessage + `
WHERE m.phone = ANY ($1::text[]) AND s.due_at IS NOT NULL`

// leaseSQL takes a task, or goes on with it, unless another holds it.
const leaseSQL = `
INSERT INTO /*schema*/smsplus_lease AS l (task, holder, until) VALUES ($1, $2, $4)
ON CONFLICT (task) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE l.holder = excluded.holder OR l.until <= $3`

const takeDeltasSQL = `
DELETE FROM /*schema*/smsplus_delta WHERE id = ANY (ARRAY (
	SELECT id FROM /*schema*/smsplus_delta ORDER BY id LIMIT $LIMIT FOR UPDATE SKIP LOCKED
))
RETURNING hour, template, tally, n`

const addTotalsSQL = `
WITH added AS (
	INSERT INTO /*schema*/smsplus_total AS t (channel, span, start, tab, template,
		preparing, accepted, failed, undeliverable, delivered, "read", twice)
	SELECT * FROM unnest($1::text[], $2::smallint[], $3::integer[], $4::smallint[], $5::text[],
		$6::integer[], $7::integer[], $8::integer[], $9::integer[], $10::integer[], $11::integer[], $12::integer[]) AS n
	ON CONFLICT (channel, span, start, tab, template) DO UPDATE SET
		preparing = t.preparing + excluded.preparing, accepted = t.accepted + excluded.accepted,
		failed = t.failed + excluded.failed, undeliverable = t.undeliverable + excluded.undeliverable,
		delivered = t.delivered + excluded.delivered, "read" = t."read" + excluded."read", twice = t.twice + excluded.twice
)
SELECT`

// dropTotalsSQL drops those of addTotalsSQL's rows that count nothing any more. All
// counts are looked at: while two stores fold at a time, a row may lack what the other
// has not added yet.
const dropTotalsSQL = `
DELETE FROM /*schema*/smsplus_total t
USING unnest($1::text[], $2::smallint[], $3::integer[], $4::smallint[], $5::text[]) AS n (channel, span, start, tab, template)
WHERE t.channel = n.channel AND t.span = n.span AND t.start = n.start AND t.tab = n.tab AND t.template = n.template
	AND t.preparing = 0 AND t.accepted = 0 AND t.failed = 0 AND t.undeliverable = 0 AND t.delivered = 0
	AND t."read" = 0 AND t.twice = 0`

// The statements that stood where they are used.
const (
	oldOpen       = "SELECT count(*) FROM (SELECT FROM /*schema*/smsplus_state%s WHERE due_at IS NOT NULL LIMIT 1) open"
	oldFoldLease  = "INSERT INTO /*schema*/smsplus_lease (task, holder, until) VALUES ('fold', $1, '-infinity') ON CONFLICT DO NOTHING"
	oldForgetKeys = "DELETE FROM /*schema*/smsplus_key k USING /*schema*/smsplus_message%s m WHERE k.key = m.key AND k.id = m.id"
	oldZeroTotals = "DELETE FROM /*schema*/smsplus_total WHERE span = $1 AND start >= $2 AND start < $3 " +
		"AND preparing = 0 AND accepted = 0 AND failed = 0 AND undeliverable = 0 AND delivered = 0 AND \"read\" = 0 AND twice = 0"
	oldCountDeltas = "SELECT count(*) FROM /*schema*/smsplus_delta WHERE hour >= $1 AND hour < $2"
	oldDropDeltas  = "WITH gone AS (DELETE FROM /*schema*/smsplus_delta WHERE hour >= $1 AND hour < $2 RETURNING n) " +
		"SELECT coalesce(sum(n), 0) FROM gone"
	oldMonths = `
SELECT substr(c.relname, length('smsplus_state') + 1)
FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = to_regclass($1) AND c.relname ~ '^smsplus_state_\d{4}_\d\d$'
ORDER BY 1`
	oldDefaulted = `
SELECT EXISTS (SELECT FROM /*schema*/smsplus_message_default WHERE triggered_at >= $1 AND triggered_at < $2)`
	tupleTypesSQL = `
SELECT n.name, t.oid, t.typelem
FROM unnest($1::text[]) AS n (name) JOIN pg_catalog.pg_type t ON t.oid = to_regtype(n.name)`
	noCounts        = "0, 0, 0, 0, 0, 0, 0"
	forgetTotalsSQL = `
WITH gone AS (
	DELETE FROM /*schema*/smsplus_total
	WHERE span = 1 AND start >= $1 AND start < $2 OR span = 24 AND start >= $1 / 24 AND start < $2 / 24
	RETURNING *
), long AS (
	SELECT channel, floor(start / 8.0)::integer AS start, tab, template, sum(preparing) AS preparing, sum(accepted) AS accepted,
		sum(failed) AS failed, sum(undeliverable) AS undeliverable, sum(delivered) AS delivered, sum("read") AS "read", sum(twice) AS twice
	FROM gone WHERE span = 24
	GROUP BY 1, 2, 3, 4
), less AS (
	UPDATE /*schema*/smsplus_total t SET preparing = t.preparing - l.preparing, accepted = t.accepted - l.accepted,
		failed = t.failed - l.failed, undeliverable = t.undeliverable - l.undeliverable, delivered = t.delivered - l.delivered,
		"read" = t."read" - l."read", twice = t.twice - l.twice
	FROM long l
	WHERE t.channel = l.channel AND t.span = 192 AND t.start = l.start AND t.tab = l.tab AND t.template = l.template
)
SELECT coalesce(sum(preparing + accepted + failed + undeliverable + delivered), 0)
FROM gone WHERE span = 24 AND channel = ''`
)

// The dynamic ones, as they were put together.

type query struct {
	args       []any
	conditions []string
}

func (q *query) arg(v any) string {
	q.args = append(q.args, v)
	return fmt.Sprint("$", len(q.args))
}

func (q *query) and(condition string) { q.conditions = append(q.conditions, condition) }

func (q *query) where() string {
	if len(q.conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(q.conditions, " AND ")
}

func (s *Store) oldConditions(q *query, f smsplus.Filter) (cs []condition, err error) {
	add := func(format string, tables ...string) { cs = append(cs, condition{format, tables}) }
	if !f.Phone.IsZero() {
		keys, err := s.codec.PhoneKeys(f.Phone)
		if err != nil {
			return nil, err
		}
		if len(keys) == 1 {
			add("%.phone = "+q.arg(keys[0]), "message")
		} else {
			add("%.phone = ANY ("+q.arg(keys)+"::text[])", "message")
		}
	}
	if f.CountryCode != "" {
		add("%.country = "+q.arg(f.CountryCode), "message")
	}
	if f.Template != "" {
		add("%.template = "+q.arg(f.Template), "message", "state")
	}
	if f.Group != status.All {
		add("%.tab = "+strconv.Itoa(int(f.Group)), "state")
	}
	if f.Channel != "" {
		add("%.channel = "+q.arg(escape(f.Channel)), "attempt")
	}
	if !f.From.IsZero() {
		add("%.triggered_at >= "+q.arg(up(f.From)), "message", "state", "attempt")
	}
	if !f.To.IsZero() {
		add("%.triggered_at < "+q.arg(up(f.To)), "message", "state", "attempt")
	}
	return cs, nil
}

func (s *Store) oldPage(f smsplus.Filter, limit int) (sql string, args []any, err error) {
	q := &query{}
	conditions, err := s.oldConditions(q, f)
	if err != nil {
		return "", nil, err
	}
	walked := walk(f)
	for _, c := range conditions {
		if slices.Contains(c.tables, walked) {
			q.and(c.of("t"))
		} else {
			q.and(fmt.Sprintf("(SELECT true FROM /*schema*/smsplus_%s o WHERE o.triggered_at = t.triggered_at AND o.id = t.id AND %s)",
				c.tables[0], c.of("o")))
		}
	}
	if f.After != "" {
		at, id, err := f.Position()
		if err != nil {
			return "", nil, err
		}
		q.and(fmt.Sprintf("(t.triggered_at, t.id) < (%s, %s)", q.arg(at), q.arg(id)))
	}
	sql = fmt.Sprintf(`WITH page AS MATERIALIZED (
	SELECT t.triggered_at, t.id FROM /*schema*/smsplus_%s t%s ORDER BY t.triggered_at DESC, t.id DESC LIMIT %d
)
SELECT `+columns+`
FROM page p `+stateOf("p")+` `+messageOfState+`
ORDER BY p.triggered_at DESC, p.id DESC`, walked, q.where(), limit)
	return qualified(sql, s.layout), q.args, nil
}

func (s *Store) oldRecount(f smsplus.Filter) (sql string, args []any, err error) {
	f.Channel = "" // attempts are counted from the tally
	q := &query{}
	conditions, err := s.oldConditions(q, f)
	if err != nil {
		return "", nil, err
	}
	for _, c := range conditions {
		q.and(c.of(map[string]string{"message": "m", "state": "s"}[c.tables[0]]))
	}
	sql = "SELECT s.template, s.tally, count(*), " + noCounts + " FROM " +
		"/*plain*/ /*schema*/smsplus_state s " + wholeMessage + "/*end*/ /*monthly: /*schema*/smsplus_message m*/ " + stateInMonth("m") +
		q.where() + " GROUP BY 1, 2"
	return qualified(sql, s.layout), q.args, nil
}

func (s *Store) oldSums(f smsplus.Filter) (sql string, args []any) {
	hours, cuts := wholeHours(f.From, f.To)
	if hours.from >= hours.to && len(cuts) == 0 {
		return "", nil
	}
	q := &query{}
	template, tab := "", ""
	if f.Template != "" {
		template = " AND template = " + q.arg(f.Template)
	}
	if f.Group != status.All {
		tab = fmt.Sprint(" AND tab = ", uint8(f.Group))
	}
	var parts []string
	part := func(format string, args ...any) {
		parts = append(parts, fmt.Sprintf(qualified(format, s.layout), args...))
	}
	if hours.from < hours.to {
		channel := q.arg(string(f.Channel))
		for _, t := range hours.tiers() {
			part(`SELECT template, '', 0, sum(preparing), sum(accepted), sum(failed), sum(undeliverable), sum(delivered), `+
				`sum("read"), sum(twice) FROM /*schema*/smsplus_total `+
				`WHERE channel = %s AND span = %d AND start >= %d AND start < %d%s%s GROUP BY 1`,
				channel, t.span, t.from, t.to, tab, template)
		}
		part(`SELECT template, tally, sum(n), %s FROM /*schema*/smsplus_delta WHERE hour >= %d AND hour < %d%s GROUP BY 1, 2`,
			noCounts, hours.from, hours.to, template)
	}
	for _, c := range cuts {
		part(`SELECT template, tally, count(*), %s FROM /*schema*/smsplus_state `+
			`WHERE tab IN (1, 2, 3, 4)%s AND triggered_at >= %s AND triggered_at < %s%s GROUP BY 1, 2`,
			noCounts, tab, q.arg(c.from), q.arg(c.to), template)
	}
	return strings.Join(parts, "\nUNION ALL\n"), q.args
}

func oldMonth(m month) string {
	var b strings.Builder
	for _, table := range partitioned {
		fmt.Fprintf(&b, "CREATE TABLE IF NOT EXISTS /*schema*/%[1]s%[2]s PARTITION OF /*schema*/%[1]s\n\tFOR VALUES FROM ('%[3]s') TO ('%[4]s')",
			table, m.suffix(), m.text(), m.add(1).text())
		if table == "smsplus_state" {
			b.WriteString("\n\tWITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02)")
		}
		b.WriteString(";\n")
	}
	return b.String()
}

var layouts = []layout{{"", false}, {`"my schema".`, false}, {"", true}, {`"my schema".`, true}}

// words returns SQL with its white space made equal.
func words(sql string) string {
	sql = strings.Join(strings.Fields(sql), " ")
	return strings.NewReplacer(" ,", ",", "( ", "(", " )", ")", "\". ", "\".").Replace(sql)
}

func TestSQL_EveryFileRendersToTheOldText(t *testing.T) {
	t.Parallel()
	march := month{time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	old := map[string]string{
		"insert": insertSQL, "insert_keyed": insertKeyedSQL, "insert_with_attempts": insertMoreSQL, "claim": claimSQL, "update": updateSQL,
		"message": messageSQL, "by_provider_id": namedSQL, "routes": routesSQL, "park": parkSQL, "parked": parkedSQL, "unpark": unparkSQL,
		"purge": purgeSQL, "erasable": erasableSQL, "erase": forgetSQL, "count_open": underWaySQL, "lease": leaseSQL,
		"take_deltas": takeDeltasSQL, "add_totals": addTotalsSQL, "delete_zero_totals": dropTotalsSQL,
		"partition_has_open": fmt.Sprintf(oldOpen, march.suffix()), "create_fold_lease": oldFoldLease,
		"lock_fold_lease":       "SELECT FROM /*schema*/smsplus_lease WHERE task = 'fold' FOR UPDATE",
		"share_fold_lease":      "SELECT FROM /*schema*/smsplus_lease WHERE task = 'fold' FOR KEY SHARE",
		"delete_partition_keys": fmt.Sprintf(oldForgetKeys, march.suffix()),
		"delete_totals":         forgetTotalsSQL, "delete_zero_totals_in_range": oldZeroTotals,
		"count_deltas": oldCountDeltas, "delete_deltas": oldDropDeltas, "list_months": oldMonths, "default_partition_has": oldDefaulted,
		"table_exists":         "SELECT to_regclass($1) IS NOT NULL",
		"table_is_partitioned": "SELECT relkind = 'p' FROM pg_catalog.pg_class WHERE oid = to_regclass($1)",
		"schema_version":       "SELECT coalesce(max(version), 0) FROM /*schema*/smsplus_migration",
		"array_types":          tupleTypesSQL,
	}
	dynamic := []string{"records", "stats_recount", "stats_totals", "stats_deltas", "stats_states"}
	files, err := sqlFiles.ReadDir("sql")
	require.NoError(t, err)
	require.Len(t, files, len(old)+len(dynamic)+1, "each file, and the one of fragments")
	for file, sql := range old {
		for _, l := range layouts {
			sql := strings.NewReplacer("$LIMIT", "256", "$FROM", march.text(), "$TO", march.add(2).text()).Replace(qualified(sql, l))
			p := params{Limit: 256, From: march.text(), To: march.add(2).text(), Partition: march.suffix()}
			require.Equal(t, words(sql), words(l.render(file, p)), "%s, %+v", file, l)
		}
	}
	for _, l := range layouts {
		require.Equal(t, qualified(oldMonth(march), l), monthSQL(l, march))
	}
}

func TestSQL_FiltersRenderToTheOldText(t *testing.T) {
	t.Parallel()
	n, err := phone.Parse("+886912345678")
	require.NoError(t, err)
	at := time.Date(2026, 3, 14, 12, 34, 56, 7, time.UTC)
	var compared int
	for bits := range 1 << 7 {
		has := func(bit int) bool { return bits>>bit&1 == 1 }
		var f smsplus.Filter
		if has(0) {
			f.Phone = n
		}
		if has(1) {
			f.CountryCode = "886"
		}
		if has(2) {
			f.Template = "otp"
		}
		if has(3) {
			f.Group = status.FailedGroup
		}
		if has(4) {
			f.Channel = "line push"
		}
		if has(5) {
			f.From = at.AddDate(0, -1, 0)
		}
		if has(6) {
			f.To = at
		}
		for _, l := range layouts {
			s := &Store{layout: l, codec: rowcodec.NewCodec(nil)}
			for _, after := range []bool{false, true} {
				if after {
					f.After = f.CursorAt(smsplus.Message{TriggeredAt: at})
				}
				want, wantArgs, err := s.oldPage(f, 101)
				require.NoError(t, err)
				got, args, err := s.page(f, 101)
				require.NoError(t, err)
				require.Equal(t, words(want), words(got))
				require.Equal(t, wantArgs, args)
				compared++
			}
			want, wantArgs := s.oldSums(f)
			got, args := s.sums(f)
			require.Equal(t, words(want), words(got))
			require.Equal(t, wantArgs, args)
			want, wantArgs, err := s.oldRecount(f)
			require.NoError(t, err)
			got, args, err = s.recount(f)
			require.NoError(t, err)
			require.Equal(t, words(want), words(got))
			require.Equal(t, wantArgs, args)
			compared += 2
			f.After = ""
		}
	}
	t.Logf("%d statements are the same", compared)
}
