{{- /*
_shared.sql holds the fragments that several statements use.

Every statement here is one round trip and one transaction. All are written for plans
that do not depend on how many rows the planner expects of a parameter: rows are reached
by arrays of keys, of which it expects few, and a LIMIT that matters is a number in the
text.

What the templates know (type params in sql.go):
  .Schema       the quoted schema and a dot, or nothing
  .Partitioned  the tables of messages, states and attempts are partitioned by month
  .Limit        a limit, as a number
  .From, .To    the edges of a range of months, as timestamps
  .Partition    the suffix of the names of one month's partitions
  .Table        a table's name
  .Where        a WHERE clause that Go put together, or nothing
  .Periods      a list of ranges of periods, as a function that returns rows
  .Fence        a WHERE clause on the messages alone, which is applied before all else, or
                nothing
  .StateOnly    a recount reads no message, because its conditions are on the state alone
  .Reasons      a recount returns the reasons of the attempts too
  .Alias        the alias that a fragment joins to, set by (.As "t")
  .Condition    a relation that must have a row, set by (.OnlyIf "free")

The columns of a message (columns.go). A list may be followed by .From "alias" or .Excluded.
  .StateColumns    those of smsplus_state
  .HoldColumns     of these, who holds a message, and which step it may be sending
  .OutcomeColumns  of these, what an update replaces and a claim leaves as it is
  .InsertColumns   those of smsplus_message
  .MessageColumns  what a message m and its state s are read from
  .NewMessageType  the composite type of a message to insert
  .NewStateType    the composite type of a state that an update writes
*/ -}}

{{- /* join_message joins a state s with its message m.
     In a partitioned table the planner expects that a lookup looks into every partition,
     and would rather read whole tables. LATERAL with LIMIT makes it look up one row, in
     the partition of s.triggered_at. */ -}}
{{define "join_message"}}{{if .Partitioned}}CROSS JOIN LATERAL (
	SELECT * FROM {{.Schema}}smsplus_message m WHERE m.triggered_at = s.triggered_at AND m.id = s.id LIMIT 1) m
{{- else}}{{template "join_message_plain" .}}{{end}}{{end}}

{{- /* join_message_plain lets the planner choose which of the two tables it begins with. */ -}}
{{define "join_message_plain"}}JOIN {{.Schema}}smsplus_message m ON m.triggered_at = s.triggered_at AND m.id = s.id{{end}}

{{- /* join_message_by_index is join_message with a plan that always uses the primary key.
     While a table is small, the planner would read all of it, and it may keep that plan
     after the table has grown. LATERAL, the two inequalities and LIMIT leave it no other
     plan than the index. */ -}}
{{define "join_message_by_index"}}CROSS JOIN LATERAL (
	SELECT * FROM {{.Schema}}smsplus_message m
	{{if .Partitioned}}
	WHERE m.triggered_at = s.triggered_at AND m.id = s.id
	{{else}}
	WHERE (m.triggered_at, m.id) >= (s.triggered_at, s.id) AND (m.triggered_at, m.id) <= (s.triggered_at, s.id)
	ORDER BY m.triggered_at, m.id
	{{end}}
	LIMIT 1) m{{end}}

{{- /* join_state joins a relation .Alias, which has triggered_at and id, with its state s. */ -}}
{{define "join_state"}}{{if .Partitioned}}{{template "join_state_in_partition" .}}
{{- else}}JOIN {{.Schema}}smsplus_state s ON s.id = {{.Alias}}.id{{end}}{{end}}

{{- /* join_state_in_partition is join_state for partitioned tables: see join_message. */ -}}
{{define "join_state_in_partition"}}CROSS JOIN LATERAL (
	SELECT * FROM {{.Schema}}smsplus_state s WHERE s.triggered_at = {{.Alias}}.triggered_at AND s.id = {{.Alias}}.id LIMIT 1) s{{end}}

{{- /* join_state_by_index is join_state with a plan that always uses the primary key: see
     join_message_by_index. */ -}}
{{define "join_state_by_index"}}{{if .Partitioned}}{{template "join_state_in_partition" .}}{{else}}CROSS JOIN LATERAL (
	SELECT * FROM {{.Schema}}smsplus_state s WHERE s.id >= {{.Alias}}.id AND s.id <= {{.Alias}}.id ORDER BY s.id LIMIT 1) s{{end}}{{end}}

{{- /* find_person finds the messages to a person. $1 is the forms in which the phone number
     may be stored (text[]), $2 the hashes of the person's IDs (uuid[]). A person with an
     equal ID on another channel has the same hash: the caller checks. Each half has an index
     of its own, which an OR would not always use. */ -}}
{{define "find_person"}}person AS MATERIALIZED (
	SELECT triggered_at, id FROM {{.Schema}}smsplus_message WHERE phone = ANY ($1::text[])
	UNION
	SELECT triggered_at, id FROM {{.Schema}}smsplus_message WHERE recipient_ids && $2::uuid[]
){{end}}

{{- /* has_ended is the condition of smsplus.Message.HasEnded for a state s. */ -}}
{{define "has_ended"}}(s.due_at IS NULL OR s.lane = 'outcome lane:'){{end}}

{{- /* hour is the hour since 1970 of triggered_at, as hourOf (row.go). */ -}}
{{define "hour"}}floor(date_part('epoch', triggered_at) / 3600)::integer{{end}}

{{- /* insert_messages are the parts of an insert that add messages, their states and what
     they count. $1 is the messages (.NewMessageType[]), $2 the counts
     (smsplus_new_delta[]). With .Condition nothing is added if that relation is empty.

     The arrays are subqueries, because the planner makes a new plan each time for a
     short array that it sees. */ -}}
{{define "insert_messages"}}message AS (
	INSERT INTO {{.Schema}}smsplus_message ({{.InsertColumns}})
	SELECT {{.InsertColumns}}
	FROM {{with .Condition}}{{.}}, {{end}}unnest((SELECT $1::{{.Schema}}{{.NewMessageType}}[]))
), state AS (
	INSERT INTO {{.Schema}}smsplus_state
		({{.StateColumns}})
	SELECT {{.StateColumns}}
	FROM {{with .Condition}}{{.}}, {{end}}unnest((SELECT $1::{{.Schema}}{{.NewMessageType}}[]))
), delta AS (
	INSERT INTO {{.Schema}}smsplus_delta (hour, template, tally, n)
	SELECT hour, template, tally, n FROM {{with .Condition}}{{.}}, {{end}}unnest((SELECT $2::{{.Schema}}smsplus_new_delta[]))
){{end}}

{{- /* find_routes says whether all of the routes $3 (bigint[], distinct) are stored. A
     fail-over or a restore may have lost routes that this process stored before. */ -}}
{{define "find_routes"}}routes AS MATERIALIZED (
	SELECT count(*) = cardinality($3::bigint[]) AS stored FROM {{.Schema}}smsplus_route WHERE id = ANY ($3::bigint[])
){{end}}

{{- /* find_taken finds the messages that have one of the keys $4 (text[]).

     It locks their rows. The call that stored them may have been cut off while its commit
     waited for a synchronous standby: then this transaction sees rows that a fail-over may
     still lose. The lock gives it something to commit, so its own commit waits for the
     standby, and the rows are safe before it returns.

     A key is taken only if this transaction sees its message. A serializable transaction
     may still see the key of a month whose messages were dropped, so with partitions the
     key's message is looked up too.

     The two inequalities and LIMIT make the planner use the index: see update.sql. */ -}}
{{define "find_taken"}}taken AS MATERIALIZED (
	SELECT t.id, t.triggered_at
	FROM unnest((SELECT $4::text[])) AS wanted (key) CROSS JOIN LATERAL (
		SELECT id, triggered_at FROM {{.Schema}}{{if .Partitioned}}smsplus_key{{else}}smsplus_message{{end}}
		WHERE key >= wanted.key AND key <= wanted.key ORDER BY key LIMIT 1 FOR KEY SHARE
	) t {{if .Partitioned}}{{template "join_state_in_partition" .As "t"}}{{end}}
){{end}}

{{- /* insert_keys adds the keys of new messages to their own table, which exists only with
     partitions. */ -}}
{{define "insert_keys"}}{{if .Partitioned}}, key AS (
	INSERT INTO {{.Schema}}smsplus_key (id, triggered_at, key)
	SELECT id, triggered_at, key FROM free, unnest((SELECT $1::{{.Schema}}{{.NewMessageType}}[])) WHERE key IS NOT NULL
){{end}}{{end}}

{{- /* select_taken returns whether the routes are stored, and the messages that find_taken
     found: a row for each, or one without a message. */ -}}
{{define "select_taken"}}SELECT routes.stored, {{.MessageColumns}}
FROM routes LEFT JOIN (taken t {{template "join_state_by_index" .As "t"}}
{{template "join_message_by_index" .}}) ON true{{end}}

{{- /* zero_counts stand for the counts in a row of statistics that has a tally instead. */ -}}
{{define "zero_counts"}}0, 0, 0, 0, 0, 0, 0{{end}}
