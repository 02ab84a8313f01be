package sqlitestore

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// dueAtValue is what the column due_at holds.
func dueAtValue(t time.Time) driver.Value {
	if us := microtime.Of(t); us != microtime.Never {
		return us
	}
	return nil
}

// attemptSummary is what counters and indexes need to know of an attempt.
type attemptSummary struct {
	channel       int64 // a name's number
	status        status.Status
	read          bool
	hasProviderID bool
	ref           int64 // if named
}

// messageSummary are those of a message.
type messageSummary struct {
	read     bool
	attempts []attemptSummary
}

// The bits of a mark beside its status.
const (
	readBit       = 1 << 4
	providerIDBit = 1 << 5
)

func (ms messageSummary) encode() []byte {
	b := make([]byte, 1, 1+11*len(ms.attempts))
	if ms.read {
		b[0] = readBit
	}
	for _, m := range ms.attempts {
		b = binary.AppendUvarint(b, uint64(m.channel))
		bits := byte(m.status)
		if m.read {
			bits |= readBit
		}
		if !m.hasProviderID {
			b = append(b, bits)
			continue
		}
		b = binary.BigEndian.AppendUint64(append(b, bits|providerIDBit), uint64(m.ref))
	}
	return b
}

var errSummary = fmt.Errorf("sqlitestore: %w: marks", rowcodec.ErrCorrupt)

// decodeSummary uses the room again, if it is enough.
func decodeSummary(b []byte, room []attemptSummary) (ms messageSummary, err error) {
	if len(b) == 0 {
		return ms, errSummary
	}
	ms.read, b, ms.attempts = b[0]&readBit != 0, b[1:], room[:0]
	for len(b) > 0 {
		c, n := binary.Uvarint(b)
		if n <= 0 || n == len(b) {
			return ms, errSummary
		}
		bits := b[n]
		m := attemptSummary{channel: int64(c), status: status.Status(bits & 0xf), read: bits&readBit != 0, hasProviderID: bits&providerIDBit != 0}
		b = b[n+1:]
		if m.hasProviderID {
			if len(b) < 8 {
				return ms, errSummary
			}
			m.ref, b = int64(binary.BigEndian.Uint64(b)), b[8:]
		}
		if !m.status.Valid() {
			return ms, errSummary
		}
		ms.attempts = append(ms.attempts, m)
	}
	return ms, nil
}

// distinctChannels returns the channels of the attempts, each once.
func (ms messageSummary) distinctChannels() []int64 {
	var all []int64
	for _, m := range ms.attempts {
		if !slices.Contains(all, m.channel) {
			all = append(all, m.channel)
		}
	}
	return all
}

// distinctRefs returns the refs of the attempts, each once.
func (ms messageSummary) distinctRefs() []int64 {
	var all []int64
	for _, m := range ms.attempts {
		if m.hasProviderID && !slices.Contains(all, m.ref) {
			all = append(all, m.ref)
		}
	}
	return all
}

// encodedMessage is a message on its way in, encoded before its call waits for the writer: the
// caller may change what it handed over as soon as its context ends.
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
	claims      int
	version     int64
	state       []byte
	fixed       []byte

	read     bool
	channels []string         // of the attempts
	attempts []attemptSummary // without channel
}

// encodeState fills in what an update replaces.
func (s *Store) encodeState(d *encodedMessage, m *smsplus.Message) (err error) {
	d.id, d.version, d.claims = m.ID, m.Version, m.Claims
	d.dueAt, d.lane, d.channel, d.status = dueAtValue(m.DueAt), string(m.Lane), string(m.Channel), m.Status
	d.read = !m.ReadAt.IsZero()
	for i := range m.Attempts {
		a := &m.Attempts[i]
		k := attemptSummary{status: a.Status, read: !a.ReadAt.IsZero(), hasProviderID: a.ProviderID != ""}
		if k.hasProviderID {
			keys, err := s.codec.RefKeys(channel.Ref{Channel: a.Channel, ProviderID: a.ProviderID})
			if err != nil {
				return err
			}
			k.ref = keys[0]
		}
		d.channels, d.attempts = append(d.channels, string(a.Channel)), append(d.attempts, k)
	}
	d.state, err = s.codec.EncodeState(m)
	return err
}

// encodeMessage fills in all.
func (s *Store) encodeMessage(d *encodedMessage, m *smsplus.Message) error {
	if err := s.encodeState(d, m); err != nil {
		return err
	}
	d.key, d.template, d.triggeredAt = m.Key, m.Template, microtime.Of(m.TriggeredAt)
	d.route = string(rowcodec.EncodeRoute(m))
	d.country = m.To.Phone.CountryCode()
	keys, err := s.codec.PhoneKeys(m.To.Phone)
	if err != nil {
		return err
	}
	if len(keys) > 0 {
		d.phone = keys[0]
	}
	d.fixed, err = s.codec.EncodeFixed(m)
	return err
}

// messageColumns are those that decode reads, of a message m.
const messageColumns = "m.id, m.key, m.template, m.route, m.phone, m.triggered_at, m.due_at, m.lane, m.channel, m.status, " +
	"m.claims, m.version, m.state, m.fixed"

// decodeRow returns the message of a row of columns.
func (s *Store) decodeRow(ctx context.Context, c *conn, fresh []uncommittedText, row []driver.Value) (m smsplus.Message, err error) {
	id := blob(row[0])
	if len(id) != len(m.ID) {
		return m, fmt.Errorf("sqlitestore: %w: id", rowcodec.ErrCorrupt)
	}
	name := func(v driver.Value) string {
		var text string
		if err == nil {
			text, err = s.names.lookupText(ctx, c, fresh, integer(v))
		}
		return text
	}
	m = smsplus.Message{
		ID: uuid.UUID(id), Key: text(row[1]), Template: name(row[2]),
		Lane: channel.Name(name(row[7])), Channel: channel.Name(name(row[8])), Status: status.Status(integer(row[9])),
		TriggeredAt: microtime.Time(integer(row[5])), Claims: int(integer(row[10])), Version: integer(row[11]),
	}
	if err != nil {
		return m, err
	}
	if row[6] != nil {
		m.DueAt = microtime.Time(integer(row[6]))
	}
	route, err := s.routes.lookupText(ctx, c, fresh, integer(row[3]))
	if err != nil {
		return m, err
	}
	if err := rowcodec.DecodeRoute([]byte(route), &m); err != nil {
		return m, wrapDecodeError(err, m.ID)
	}
	if err := s.codec.DecodeState(blob(row[12]), &m); err != nil {
		return m, wrapDecodeError(err, m.ID)
	}
	if err := s.codec.DecodeFixed(blob(row[13]), text(row[4]), &m); err != nil {
		return m, wrapDecodeError(err, m.ID)
	}
	return m, nil
}

// wrapDecodeError says which message cannot be read.
func wrapDecodeError(err error, id uuid.UUID) error {
	return fmt.Errorf("sqlitestore: message %v: %w", id, err)
}
