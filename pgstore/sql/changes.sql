{{- /*
changes reads a page of messages in the order of the transactions that changed them last.

Parameters: $1 transaction (text) and $2 ID (uuid) of the last message of the page before;
.Limit is the length of the page.
Returns: the bound, the transaction, and MessageColumns. A page without messages has one row
with the bound alone.

Why it is written this way:
  - Transactions end in another order than that of their IDs. Those before the bound, which
    is the oldest that may still run in this statement's snapshot, have all ended, and the
    snapshot sees them. So nothing is ever added before a position that was returned.
*/ -}}
WITH bound AS MATERIALIZED (
	SELECT pg_snapshot_xmin(pg_current_snapshot()) AS changed
), page AS MATERIALIZED (
	SELECT t.changed, t.triggered_at, t.id FROM {{.Schema}}smsplus_state t
	WHERE (t.changed, t.id) > ($1::text::xid8, $2::uuid) AND t.changed < (SELECT changed FROM bound)
	ORDER BY t.changed, t.id LIMIT {{.Limit}}
)
SELECT b.changed::text, p.changed::text, {{.MessageColumns}}
FROM bound b LEFT JOIN (page p {{template "join_state" .As "p"}} {{template "join_message" .}}) ON true
ORDER BY p.changed, p.id
