package pgstore

import (
	"slices"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/smsplus"
)

// The columns of a message have one order each in the fragments of sql/_shared.sql, in
// the composite types of the migrations, and in the lists here. All values are written and
// read by these lists, and TestColumns holds the three against each other.

var (
	// stateColumns are the columns of smsplus_state: the fragment state_columns.
	stateColumns = slices.Concat([]string{"id", "triggered_at", "template", "due_at", "version"}, holdColumns, outcomeColumns)

	// holdColumns say who holds a message and what for: the fragment hold_columns.
	holdColumns = []string{"claims", "sending", "holder"}

	// outcomeColumns are what an update replaces and a claim leaves as it is: the fragment
	// outcome_columns.
	outcomeColumns = []string{"status", "tab", "channel", "lane", "tally", "reasons", "body"}
)

var (
	// newMessageType is a message to insert: its state, and between the columns of the
	// state what its trigger fixed.
	newMessageType = newCompositeType("smsplus_new_message_6",
		stateColumns[:3], []string{"route", "country", "phone", "recipient_ids", "reference", "key", "fixed"}, stateColumns[3:])

	// newStateType is the state that an update writes, with the message's attempts.
	newStateType = newCompositeType("smsplus_new_state_6",
		[]string{"id", "triggered_at", "version", "due_at"}, holdColumns, outcomeColumns, []string{"last", "name", "names"})
)

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
	columns []string
	writers []func(*compositeArray, *newRow) // one for each column
}

func newCompositeType(name string, columns ...[]string) compositeType {
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

// messageColumns are what messages are read from, each with where its value goes: the
// fragment message_columns.
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
