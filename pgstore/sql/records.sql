{{- /*
records reads a page of messages, the newest first.

Parameters: those of .Where, a condition on the columns of t. .Table is the table whose
index the page follows: message, state or attempt. .Limit is the length of the page.
Returns: .MessageColumns.

Why it is written this way:
  - page follows one index that has the rows in the page's order, and checks each row for
    what other tables know (in .Where). The planner would otherwise join whole tables to
    find the first hundred rows.
  - .Fence selects one person's or one provider ID's messages by an index without an order,
    and OFFSET 0 keeps it from being planned together with the page. The planner expects many
    rows of it, and would look for them in the order of the page, through the whole table.
    Two attempts of a message may have the ID.
*/ -}}
WITH page AS MATERIALIZED (
	SELECT t.triggered_at, t.id FROM {{if .Fence}}(SELECT DISTINCT triggered_at, id FROM {{.Schema}}smsplus_{{.Table}} t{{.Fence}} OFFSET 0){{else}}{{.Schema}}smsplus_{{.Table}}{{end}} t{{.Where}} ORDER BY t.triggered_at DESC, t.id DESC LIMIT {{.Limit}}
)
SELECT {{.MessageColumns}}
FROM page p {{template "join_state" .As "p"}} {{template "join_message" .}}
ORDER BY p.triggered_at DESC, p.id DESC
