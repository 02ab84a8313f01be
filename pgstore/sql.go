package pgstore

import (
	"embed"
	"slices"
	"strings"
	"sync"
	"text/template"
	"time"
)

// The statements are templates in sql/, one in each file, with the reasons for their form.
// Go contains only the lists of columns, the conditions of filters, and commands that cannot be
// prepared, such as LOCK TABLE.

//go:embed sql/*.sql
var sqlFiles embed.FS

var templates = template.Must(template.ParseFS(sqlFiles, "sql/*.sql"))

// params are the data of the templates. sql/_shared.sql says what each is.
type params struct {
	Schema      string
	Partitioned bool

	Limit     int
	From, To  string
	Partition string
	Table     string
	Where     string
	Periods   string
	Fence     string
	StateOnly bool
	Reasons   bool
	Columns   columnList

	Alias     string
	Condition string
}

// As returns the parameters of a fragment that joins to the alias.
func (p params) As(alias string) params {
	p.Alias = alias
	return p
}

// OnlyIf returns the parameters of a fragment that does nothing if the relation is empty.
func (p params) OnlyIf(relation string) params {
	p.Condition = relation
	return p
}

// render returns the statement in a file of sql/ for the layout. It panics if the template
// fails, which is a mistake in this package.
func (l layout) render(file string, p params) string {
	p.Schema, p.Partitioned = schemaMark, l.partitioned
	var b strings.Builder
	if err := templates.ExecuteTemplate(&b, file+".sql", p); err != nil {
		panic(err)
	}
	// The qualifier comes last, because a schema's name may hold anything.
	return strings.ReplaceAll(removeBlankLines(b.String()), schemaMark, l.qualifier)
}

// removeBlankLines removes the lines that the actions of a template leave empty.
func removeBlankLines(sql string) string {
	var b strings.Builder
	for line := range strings.Lines(sql) {
		if line = strings.TrimRight(line, " \t\n"); line == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(line)
	}
	return b.String()
}

// statements are the statements of a store, rendered once. Rarely used statements are
// rendered where they are used.
type statements struct {
	insert, insertKeyed, insertWithAttempts string
	message, byProviderID, routes           string
	triedChannels                           string
	park, parked, listParked, unpark        string
	setAside, peek                          string
	setPause, clearPause, pauses            string
	beat, heartbeats, backlog               string
	erasable, erase, openToPerson           string
	lease, addTotals, deleteZeroTotals      string
	arrayTypes                              string
	timelines, syncCommit, markTimeline     string
	changedHours, insertSheets, talliesByID string
	claim, purge, takeDeltas, changes       *limitStatement
	messagesBetween                         *limitStatement
	sheets                                  *columnsStatement
	update                                  *rangeStatement
}

func newStatements(l layout) statements {
	text := func(file string) string { return l.render(file, params{}) }
	return statements{
		insert: text("insert"), insertKeyed: text("insert_keyed"), insertWithAttempts: text("insert_with_attempts"),
		message: text("message"), byProviderID: text("by_provider_id"), routes: text("routes"),
		triedChannels: text("tried_channels"),
		park:          text("park"), parked: text("parked"), listParked: text("list_parked"), unpark: text("unpark"),
		setAside: text("set_aside"), peek: text("peek"),
		setPause: text("set_pause"), clearPause: text("clear_pause"), pauses: text("pauses"),
		beat: text("beat"), heartbeats: text("heartbeats"), backlog: text("backlog"),
		erasable: text("erasable"), erase: text("erase"), openToPerson: text("open_to_person"),
		lease: text("lease"), addTotals: text("add_totals"), deleteZeroTotals: text("delete_zero_totals"),
		arrayTypes: text("array_types"),
		timelines:  text("history"), syncCommit: text("sync_commit"), markTimeline: text("mark_history"),
		changedHours: text("changed_hours"), insertSheets: text("store_sheets"), talliesByID: text("tallies_by_id"),
		messagesBetween: &limitStatement{textCache{layout: l, file: "messages_between"}},
		claim:           &limitStatement{textCache{layout: l, file: "claim"}},
		purge:           &limitStatement{textCache{layout: l, file: "purge"}},
		takeDeltas:      &limitStatement{textCache{layout: l, file: "take_deltas"}},
		changes:         &limitStatement{textCache{layout: l, file: "changes"}},
		sheets:          &columnsStatement{textCache{layout: l, file: "sheets"}},
		update:          &rangeStatement{textCache{layout: l, file: "update"}},
	}
}

// textCache keeps the texts of a statement that contains values. A connection keeps each text
// prepared, so there must be few.
type textCache struct {
	layout layout
	file   string
	texts  sync.Map // from the values (any) to the text (string)
}

// textOf returns the text for the values. The function returns the parameters that have them.
func (c *textCache) textOf(values any, paramsOf func() params) string {
	if text, ok := c.texts.Load(values); ok {
		return text.(string)
	}
	text := c.layout.render(c.file, paramsOf())
	c.texts.Store(values, text)
	return text
}

// limitStatement is a statement whose text contains its limit. If the limit were a
// parameter, the planner would estimate it as a tenth of the table.
type limitStatement struct{ textCache }

// textWithLimit returns the statement with a limit.
func (s *limitStatement) textWithLimit(limit int) string {
	return s.textOf(limit, func() params { return params{Limit: limit} })
}

// columnsStatement is a statement whose text contains the columns that it reads.
type columnsStatement struct{ textCache }

// textWithColumns returns the statement with a list of columns.
func (s *columnsStatement) textWithColumns(columns columnList) string {
	return s.textOf(columns.String(), func() params { return params{Columns: columns} })
}

// rangeStatement is a statement whose text contains the edges of the months of its messages,
// if the tables are partitioned. The plan then contains no other partition.
type rangeStatement struct{ textCache }

// monthRange contains m if from ≤ m < to.
type monthRange struct{ from, to month }

// textForTimes returns the statement for messages with the trigger times, which may be none
// without partitions.
func (s *rangeStatement) textForTimes(triggeredAt []time.Time) string {
	var edges monthRange
	if len(triggeredAt) > 0 {
		first, last := slices.MinFunc(triggeredAt, time.Time.Compare), slices.MaxFunc(triggeredAt, time.Time.Compare)
		edges = monthRange{monthOf(first), monthOf(last).add(1)}
	}
	return s.textOf(edges, func() params { return params{From: edges.from.literal(), To: edges.to.literal()} })
}
