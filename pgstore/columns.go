package pgstore

import (
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/smsplus"
)

// The statements take the columns of a message from the lists here, and all values are written
// and read by them. The composite types of the migrations have them in the same order:
// TestColumns_MigrationsHaveThem holds the two against each other.

// columnList are the names of columns, in their order.
type columnList []string

// String returns the list as statements have it.
func (c columnList) String() string { return strings.Join(c, ", ") }

// From returns the list with the alias of a table before each name.
func (c columnList) From(alias string) columnList {
	of := make(columnList, len(c))
	for i, name := range c {
		of[i] = alias + "." + name
	}
	return of
}

// Excluded returns the list as an INSERT sets it where the row exists.
func (c columnList) Excluded() columnList {
	set := make(columnList, len(c))
	for i, name := range c {
		set[i] = name + " = excluded." + name
	}
	return set
}

var (
	// stateColumns are the columns of smsplus_state.
	stateColumns = slices.Concat(columnList{"id", "triggered_at", "template", "due_at", "version"}, holdColumns, outcomeColumns)

	// holdColumns say who holds a message, and which step it may be sending.
	holdColumns = columnList{"claims", "sending", "holder"}

	// outcomeColumns are what an update replaces and a claim leaves as it is.
	outcomeColumns = columnList{"status", "tab", "channel", "lane", "tally", "reasons", "body"}

	// fixedColumns are what a message's trigger fixes, apart from what the state has too.
	fixedColumns = columnList{"route", "country", "phone", "recipient_ids", "reference", "key", "fixed"}

	// insertColumns are the columns of smsplus_message.
	insertColumns = slices.Concat(stateColumns[:3], fixedColumns)
)

// StateColumns returns the columns of smsplus_state.
func (params) StateColumns() columnList { return stateColumns }

// HoldColumns returns the columns that say who holds a message.
func (params) HoldColumns() columnList { return holdColumns }

// OutcomeColumns returns the columns that an update replaces and a claim does not.
func (params) OutcomeColumns() columnList { return outcomeColumns }

// InsertColumns returns the columns of smsplus_message.
func (params) InsertColumns() columnList { return insertColumns }

// MessageColumns returns the columns that a message m and its state s are read from.
func (params) MessageColumns() (names columnList) {
	for _, c := range messageColumns {
		names = append(names, c.name)
	}
	return names
}

var (
	// newMessageType is a message to insert: its state, and between the columns of the
	// state what its trigger fixed.
	newMessageType = newCompositeType("smsplus_new_message_6",
		stateColumns[:3], fixedColumns, stateColumns[3:])

	// newStateType is the state that an update writes, with the message's attempts.
	newStateType = newCompositeType("smsplus_new_state_6",
		columnList{"id", "triggered_at", "version", "due_at"}, holdColumns, outcomeColumns, columnList{"last", "name", "names"})
)

// NewMessageType returns the name of the composite type of a message to insert.
func (params) NewMessageType() string { return newMessageType.name }

// NewStateType returns the name of the composite type of a state that an update writes.
func (params) NewStateType() string { return newStateType.name }

// newRow is a message on its way into the database: the message, and what is encoded of
// it once for all columns.
type newRow struct {
	*smsplus.Message
	tally, reasons string
	body           []byte

	// What only an insert writes.
	routeHash    int64
	phone        string // the form that lookups use, or ""
	recipientIDs []rowcodec.LookupKey
	reference    []rowcodec.LookupKey // the one that is written first, or none
	fixed        []byte

	// What only an update writes: the last attempt, and the provider IDs of all attempts
	// if there are several. See sql/update.sql.
	lastChannel string
	lastHash    pgtype.Int8
	hashes      string
}

// columnWriters write a column of a row, by the column's name.
var columnWriters = map[string]func(*compositeArray, *newRow){
	"id":           func(a *compositeArray, r *newRow) { a.addUUID(r.ID) },
	"triggered_at": func(a *compositeArray, r *newRow) { a.addTime(r.TriggeredAt) },
	"template":     func(a *compositeArray, r *newRow) { a.addText(r.Template) },
	"due_at":       func(a *compositeArray, r *newRow) { a.addTimeOrNull(r.DueAt) },
	"version":      func(a *compositeArray, r *newRow) { a.addInt8(r.Version) },
	"claims":       func(a *compositeArray, r *newRow) { a.addInt4(int32(r.Claims)) },
	"sending":      func(a *compositeArray, r *newRow) { a.addInt2(int16(r.Sending)) },
	"holder":       func(a *compositeArray, r *newRow) { a.addInt8(r.Holder) },
	"status":       func(a *compositeArray, r *newRow) { a.addInt2(int16(r.Status)) },
	"tab":          func(a *compositeArray, r *newRow) { a.addInt2(int16(r.Status.Group())) },
	"channel":      func(a *compositeArray, r *newRow) { a.addText(string(r.Channel)) },
	"lane":         func(a *compositeArray, r *newRow) { a.addText(string(r.Lane)) },
	"tally":        func(a *compositeArray, r *newRow) { a.addText(r.tally) },
	"reasons":      func(a *compositeArray, r *newRow) { a.addTextOrNull(r.reasons) },
	"body":         func(a *compositeArray, r *newRow) { a.addBytea(r.body) },

	"route":         func(a *compositeArray, r *newRow) { a.addInt8(r.routeHash) },
	"country":       func(a *compositeArray, r *newRow) { a.addTextOrNull(r.To.Phone.CountryCode()) },
	"phone":         func(a *compositeArray, r *newRow) { a.addTextOrNull(r.phone) },
	"recipient_ids": func(a *compositeArray, r *newRow) { a.addUUIDsOrNull(r.recipientIDs) },
	"reference":     func(a *compositeArray, r *newRow) { a.addFirstUUIDOrNull(r.reference) },
	"key":           func(a *compositeArray, r *newRow) { a.addTextOrNull(r.Key) },
	"fixed":         func(a *compositeArray, r *newRow) { a.addBytea(r.fixed) },

	"last":  func(a *compositeArray, r *newRow) { a.addText(r.lastChannel) },
	"name":  func(a *compositeArray, r *newRow) { a.addInt8OrNull(r.lastHash) },
	"names": func(a *compositeArray, r *newRow) { a.addText(r.hashes) },
}

// compositeType is a composite type of the migrations that a message is written as.
type compositeType struct {
	name    string
	columns columnList
	writers []func(*compositeArray, *newRow) // one for each column
}

func newCompositeType(name string, columns ...columnList) compositeType {
	t := compositeType{name: name, columns: slices.Concat(columns...)}
	for _, column := range t.columns {
		write, ok := columnWriters[column]
		if !ok {
			panic("pgstore: no writer for the column " + column)
		}
		t.writers = append(t.writers, write)
	}
	return t
}

// addRow adds a row of the type to an array.
func (t *compositeType) addRow(a *compositeArray, r newRow) {
	a.row = r
	a.beginRow()
	for _, write := range t.writers {
		write(a, &a.row)
	}
	a.endRow()
	a.row = newRow{}
}

// messageRow is a message as it is read: what the columns hold that is not decoded yet.
type messageRow struct {
	scannedMessage
	dueAt       pgtype.Timestamptz
	status      int16
	phone, key  pgtype.Text
	body, fixed pgtype.DriverBytes
}

// messageColumns are what messages are read from, each with where its value goes.
var messageColumns = []struct {
	name   string
	target func(*messageRow) any
}{
	{"s.id", func(r *messageRow) any { return (*[16]byte)(&r.ID) }},
	{"s.triggered_at", func(r *messageRow) any { return &r.TriggeredAt }},
	{"s.due_at", func(r *messageRow) any { return &r.dueAt }},
	{"s.version", func(r *messageRow) any { return &r.Version }},
	{"s.claims", func(r *messageRow) any { return &r.Claims }},
	{"s.sending", func(r *messageRow) any { return &r.Sending }},
	{"s.holder", func(r *messageRow) any { return &r.Holder }},
	{"s.status", func(r *messageRow) any { return &r.status }},
	{"s.channel", func(r *messageRow) any { return (*string)(&r.Channel) }},
	{"s.lane", func(r *messageRow) any { return (*string)(&r.Lane) }},
	{"s.template", func(r *messageRow) any { return &r.Template }},
	{"s.body", func(r *messageRow) any { return &r.body }},
	{"m.route", func(r *messageRow) any { return &r.routeHash }},
	{"m.phone", func(r *messageRow) any { return &r.phone }},
	{"m.key", func(r *messageRow) any { return &r.key }},
	{"m.fixed", func(r *messageRow) any { return &r.fixed }},
}
