package sqlitestore

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// dueAtValue returns the value of the column due_at.
func dueAtValue(t time.Time) driver.Value {
	if us := microtime.Of(t); us != microtime.Never {
		return us
	}
	return nil
}

// attemptSummary has the fields of an attempt that the counts and the indexes use.
type attemptSummary struct {
	channel       int64 // a name's number
	status        status.Status
	read          bool
	hasProviderID bool
	ref           int64 // if hasProviderID: the key under which receipts find the message
}

// messageSummary has the fields of a message that the counts and the indexes use,
// except its status. The column marks holds it, so that an update, a purge and the
// statistics need not decode the message.
type messageSummary struct {
	read     bool
	attempts []attemptSummary
}

// The bits of an attempt's status byte, above the status itself.
const (
	statusMask    = 0xf
	readBit       = 1 << 4
	providerIDBit = 1 << 5
)

func (summary messageSummary) encode() []byte {
	b := make([]byte, 1, 1+11*len(summary.attempts))
	if summary.read {
		b[0] = readBit
	}
	for _, a := range summary.attempts {
		b = binary.AppendUvarint(b, uint64(a.channel))
		bits := byte(a.status)
		if a.read {
			bits |= readBit
		}
		if !a.hasProviderID {
			b = append(b, bits)
			continue
		}
		b = binary.BigEndian.AppendUint64(append(b, bits|providerIDBit), uint64(a.ref))
	}
	return b
}

var errSummary = fmt.Errorf("sqlitestore: %w: marks", rowcodec.ErrCorrupt)

// decodeSummary decodes b. The attempts are stored in buf, if it is large enough.
func decodeSummary(b []byte, buf []attemptSummary) (summary messageSummary, err error) {
	if len(b) == 0 {
		return summary, errSummary
	}
	summary.read, b, summary.attempts = b[0]&readBit != 0, b[1:], buf[:0]
	for len(b) > 0 {
		c, n := binary.Uvarint(b)
		if n <= 0 || n == len(b) {
			return summary, errSummary
		}
		bits := b[n]
		a := attemptSummary{
			channel: int64(c), status: status.Status(bits & statusMask),
			read: bits&readBit != 0, hasProviderID: bits&providerIDBit != 0,
		}
		b = b[n+1:]
		if a.hasProviderID {
			if len(b) < 8 {
				return summary, errSummary
			}
			a.ref, b = int64(binary.BigEndian.Uint64(b)), b[8:]
		}
		if !a.status.Valid() {
			return summary, errSummary
		}
		summary.attempts = append(summary.attempts, a)
	}
	return summary, nil
}

// statuses yields the statuses of the attempts.
func (summary messageSummary) statuses() iter.Seq[status.Status] {
	return func(yield func(status.Status) bool) {
		for i := range summary.attempts {
			if !yield(summary.attempts[i].status) {
				return
			}
		}
	}
}

// distinctChannels returns the channels of the attempts, each once.
func (summary messageSummary) distinctChannels() []int64 {
	var all []int64
	for _, a := range summary.attempts {
		if !slices.Contains(all, a.channel) {
			all = append(all, a.channel)
		}
	}
	return all
}

// distinctRefs returns the refs of the attempts, each once.
func (summary messageSummary) distinctRefs() []int64 {
	var all []int64
	for _, a := range summary.attempts {
		if a.hasProviderID && !slices.Contains(all, a.ref) {
			all = append(all, a.ref)
		}
	}
	return all
}

// encodedMessage is a message on its way into the file. It is encoded before the write
// request is queued: the caller may change its message as soon as its context ends.
//
// An update leaves the fields that only an insert stores zero: see encodeState.
type encodedMessage struct {
	id          uuid.UUID
	key         string
	template    string
	route       string
	phone       string
	country     string
	triggeredAt int64
	dueAt       driver.Value
	lane        string
	channel     string
	status      status.Status
	claims      int64
	sending     int64
	holder      int64
	version     int64
	state       []byte
	fixed       []byte
	ids         recipientIDs
	reference   []rowcodec.LookupKey // the one that is written first, or none
	reasons     string

	// The summary. The attempts' channels are names until the writer has numbers for them:
	// see writer.summarizeMessage. Invariant: len(channels) == len(attempts).
	read     bool
	channels []string
	attempts []attemptSummary
}

// encodeState sets the fields of e that an update stores.
func (s *Store) encodeState(e *encodedMessage, m *smsplus.Message) (err error) {
	e.id, e.version = m.ID, m.Version
	e.claims, e.sending, e.holder = int64(m.Claims), int64(m.Sending), m.Holder
	e.dueAt, e.lane, e.channel, e.status = dueAtValue(m.DueAt), string(m.Lane), string(m.Channel), m.Status
	e.read = !m.ReadAt.IsZero()
	for i := range m.Attempts {
		a := &m.Attempts[i]
		summary := attemptSummary{status: a.Status, read: !a.ReadAt.IsZero()}
		if summary.ref, summary.hasProviderID, err = s.codec.AttemptKey(a); err != nil {
			return err
		}
		e.channels, e.attempts = append(e.channels, string(a.Channel)), append(e.attempts, summary)
	}
	e.reasons = rowcodec.EncodeReasons(m)
	e.state, err = s.codec.EncodeState(m)
	return err
}

// encodeMessage sets all fields of e.
func (s *Store) encodeMessage(e *encodedMessage, m *smsplus.Message) error {
	if err := s.encodeState(e, m); err != nil {
		return err
	}
	e.key, e.template, e.triggeredAt = m.Key, m.Template, microtime.Of(m.TriggeredAt)
	e.route = string(rowcodec.EncodeRoute(m))
	e.country = m.To.Phone.CountryCode()
	keys, err := s.codec.PhoneKeys(m.To.Phone)
	if err != nil {
		return err
	}
	if len(keys) > 0 {
		e.phone = keys[0]
	}
	if e.ids, err = s.codec.RecipientKeys(m.To); err != nil {
		return err
	}
	if e.reference, err = s.codec.ReferenceKeys(m.Reference); err != nil {
		return err
	}
	e.fixed, err = s.codec.EncodeFixed(m)
	return err
}

// The columns of smsplus_message that are written. The lists below name the ones that are
// read: all but the ones that only filters, statistics, Erase and Purge use.
var (
	// fixedColumns are what only an insert writes, and the version, which an update raises.
	fixedColumns = []string{"id", "key", "template", "route", "phone", "country", "recipient_ids", "reference", "triggered_at", "fixed", "version"}

	// stateColumns are what an insert and an update write, in the order of appendStateValues.
	stateColumns = []string{"claims", "sending", "holder", "due_at", "lane", "status", "tab", "channel", "reasons", "marks", "state"}
)

// referenceValue returns the value of the column reference.
func (e *encodedMessage) referenceValue() driver.Value {
	if len(e.reference) == 0 {
		return nil
	}
	return e.reference[0][:]
}

// recipientIDs are the hashes by which the recipient's IDs find a message.
type recipientIDs []rowcodec.LookupKey

// value returns the value of the column recipient_ids.
func (ids recipientIDs) value() driver.Value {
	if len(ids) == 0 {
		return nil
	}
	var b []byte
	for _, id := range ids {
		b = append(b, id[:]...)
	}
	return b
}

// recipientIDsOf is the inverse of value. A part of a hash at the end is ignored: no row of
// smsplus_recipient has it.
func recipientIDsOf(v driver.Value) (ids recipientIDs) {
	if v == nil {
		return nil
	}
	const size = len(rowcodec.LookupKey{})
	for b := blob(v); len(b) >= size; b = b[size:] {
		ids = append(ids, rowcodec.LookupKey(b))
	}
	return ids
}

// The indexes of messageColumns in a row.
const (
	colID = iota
	colKey
	colTemplate
	colRoute
	colPhone
	colTriggeredAt
	colDueAt
	colLane
	colChannel
	colStatus
	colHold // claims and sending: see unpackHold
	colHolder
	colVersion
	colState
	colFixed

	messageColumnCount
)

// messageColumns are the columns that decodeRow reads, of a message m.
var messageColumns = strings.Join((&[messageColumnCount]string{
	colID: "m.id", colKey: "m.key", colTemplate: "m.template", colRoute: "m.route", colPhone: "m.phone",
	colTriggeredAt: "m.triggered_at", colDueAt: "m.due_at", colLane: "m.lane", colChannel: "m.channel",
	colStatus: "m.status", colHold: "m.claims << 16 | m.sending + 1", colHolder: "m.holder",
	colVersion: "m.version", colState: "m.state", colFixed: "m.fixed",
})[:], ", ")

// The indexes of the columns that writableColumns has after messageColumns.
const (
	colMarks  = messageColumnCount
	colNumber = messageColumnCount + 1
)

// writableColumns are the columns that decodeWritableRow reads, of a message m.
var writableColumns = messageColumns + ", m.marks, m.number"

// unpackHold returns claims and sending of colHold. They share a value, because the driver
// takes longer to return a column than SQLite to compute one (BenchmarkRead/Page).
func unpackHold(hold int64) (claims, sending int) { return int(hold >> 16), int(hold&0xffff) - 1 }

// selectMessages is the beginning of statements for queryMessages.
var selectMessages = "SELECT " + messageColumns + " FROM smsplus_message m "

// queryMessages returns the messages that a statement selects. The statement begins with
// selectMessages, or selects messageColumns first.
func (s *Store) queryMessages(
	ctx context.Context, c *conn, uncommitted []uncommittedText, sql string, args ...driver.Value,
) (results, error) {
	var rs results
	err := c.query(ctx, sql, args, func(row []driver.Value) error {
		m, err := s.decodeRow(ctx, c, uncommitted, row)
		return rs.add(row, m, err)
	})
	return rs, err
}

// results are the messages of a query's rows. A row that cannot be read fails no other.
type results struct {
	messages   []smsplus.Message
	unreadable []smsplus.Unreadable
}

// add adds what decodeRow returned for a row. It returns an error that is not about the row.
func (rs *results) add(row []driver.Value, m smsplus.Message, err error) error {
	switch {
	case err == nil:
		rs.messages = append(rs.messages, m)
	case errors.Is(err, smsplus.ErrUnreadable):
		rs.unreadable = append(rs.unreadable, newUnreadable(row, err))
	default:
		return err
	}
	return nil
}

// newUnreadable returns what is known of a row that cannot be read because of err.
func newUnreadable(row []driver.Value, err error) smsplus.Unreadable {
	u := smsplus.Unreadable{
		TriggeredAt: microtime.Time(integer(row[colTriggeredAt])),
		Version:     integer(row[colVersion]), Err: err,
	}
	u.Claims, _ = unpackHold(integer(row[colHold]))
	copy(u.ID[:], blob(row[colID]))
	return u
}

// decodeRow returns the message of a row that begins with messageColumns. The error wraps
// [smsplus.ErrUnreadable] if the cause lies in the row, and no other row need fail. Names
// that the connection's own transaction added are in uncommitted.
func (s *Store) decodeRow(
	ctx context.Context, c *conn, uncommitted []uncommittedText, row []driver.Value,
) (m smsplus.Message, err error) {
	id := blob(row[colID])
	if len(id) != len(m.ID) {
		return m, fmt.Errorf("sqlitestore: %w: %w: id", smsplus.ErrUnreadable, rowcodec.ErrCorrupt)
	}
	name := func(column int) string {
		var text string
		if err == nil {
			text, err = s.names.lookupText(ctx, c, uncommitted, integer(row[column]))
		}
		return text
	}
	m = smsplus.Message{
		ID: uuid.UUID(id), Key: text(row[colKey]), Template: name(colTemplate),
		Lane: channel.Name(name(colLane)), Channel: channel.Name(name(colChannel)),
		Status:      status.Status(integer(row[colStatus])),
		TriggeredAt: microtime.Time(integer(row[colTriggeredAt])),
		Holder:      integer(row[colHolder]), Version: integer(row[colVersion]),
	}
	m.Claims, m.Sending = unpackHold(integer(row[colHold]))
	if err != nil {
		return m, wrapLookupError(err, m.ID)
	}
	if !m.Status.Valid() {
		return m, wrapDecodeError(fmt.Errorf("%w: status", rowcodec.ErrCorrupt), m.ID)
	}
	if row[colDueAt] != nil {
		m.DueAt = microtime.Time(integer(row[colDueAt]))
	}
	route, err := s.routes.lookupText(ctx, c, uncommitted, integer(row[colRoute]))
	if err != nil {
		return m, wrapLookupError(err, m.ID)
	}
	if err := rowcodec.DecodeRouteString(route, &m); err != nil {
		return m, wrapDecodeError(err, m.ID)
	}
	if err := s.codec.DecodeState(blob(row[colState]), &m); err != nil {
		return m, wrapDecodeError(err, m.ID)
	}
	if err := s.codec.DecodeFixed(blob(row[colFixed]), text(row[colPhone]), &m); err != nil {
		return m, wrapDecodeError(err, m.ID)
	}
	if m.Sending == migratedSending {
		m.Sending = stepInFlight(&m)
	}
	return m, nil
}

// migratedSending is the sending of a message that was held when its file was migrated from
// schema 1. That schema does not say which step the holder may be sending. No step has this number.
const migratedSending = math.MaxUint16 - 1

// stepInFlight returns the step that the holder of a message may be sending: that of the
// last attempt if it is open, else the next one.
func stepInFlight(m *smsplus.Message) int {
	n := len(m.Attempts)
	if n > 0 && m.Attempts[n-1].Status == status.Preparing {
		return m.Attempts[n-1].Step
	}
	return n
}

// decodeWritableRow is decodeRow of a row that begins with writableColumns. It returns an
// error if the marks cannot be decoded either: such a message must not be sent, because no
// update could store its outcome.
func (w *writer) decodeWritableRow(row []driver.Value) (smsplus.Message, error) {
	m, err := w.store.decodeRow(writerCtx, w.conn, w.uncommitted, row)
	if err != nil {
		return m, err
	}
	if _, err := decodeSummary(blob(row[colMarks]), nil); err != nil {
		return m, wrapDecodeError(err, m.ID)
	}
	return m, nil
}

// wrapDecodeError adds the ID of the message that cannot be decoded, and
// [smsplus.ErrUnreadable].
func wrapDecodeError(err error, id uuid.UUID) error {
	return fmt.Errorf("sqlitestore: message %v: %w: %w", id, smsplus.ErrUnreadable, err)
}

// wrapLookupError is wrapDecodeError of an error about a text that is gone. It returns
// other errors of a lookup unchanged, because they are not about the message.
func wrapLookupError(err error, id uuid.UUID) error {
	if errors.Is(err, errNoText) {
		return wrapDecodeError(err, id)
	}
	return err
}

// storedRow has the columns of a stored message that are needed to update the counts
// and the indexes.
type storedRow struct {
	number, version, triggeredAt, template int64
	status                                 status.Status
	summary                                messageSummary
	ids                                    recipientIDs
}

// The indexes of storedRowColumns in a row.
const (
	storedID = iota
	storedNumber
	storedVersion
	storedTriggeredAt
	storedTemplate
	storedStatus
	storedMarks
	storedRecipientIDs

	storedColumnCount
)

// storedRowColumns are the columns that decodeStoredRow reads, of a message m.
var storedRowColumns = strings.Join((&[storedColumnCount]string{
	storedID: "m.id", storedNumber: "m.number", storedVersion: "m.version", storedTriggeredAt: "m.triggered_at",
	storedTemplate: "m.template", storedStatus: "m.status", storedMarks: "m.marks", storedRecipientIDs: "m.recipient_ids",
})[:], ", ")

func decodeStoredRow(row []driver.Value) (storedRow, error) {
	summary, err := decodeSummary(blob(row[storedMarks]), nil)
	return storedRow{
		number:      integer(row[storedNumber]),
		version:     integer(row[storedVersion]),
		triggeredAt: integer(row[storedTriggeredAt]),
		template:    integer(row[storedTemplate]),
		status:      status.Status(integer(row[storedStatus])),
		summary:     summary,
		ids:         recipientIDsOf(row[storedRecipientIDs]),
	}, err
}
