package memstore

import (
	"encoding/binary"
	"runtime"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// The encoding never leaves the process, so it has no version and decoding trusts its
// bytes. Numbers are varints, and a text follows its length. A count is one higher than
// the number of elements, so that 0 is nil. Decoding copies nothing: the decoded texts
// are substrings of the record.

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// appendID appends an ID, or one byte if it is zero.
func appendID(b []byte, id uuid.UUID) []byte {
	if id == (uuid.UUID{}) {
		return append(b, 0)
	}
	return append(append(b, 1), id[:]...)
}

func appendMap(b []byte, m map[string]string) []byte {
	if m == nil {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(len(m))+1)
	for k, v := range m {
		b = appendText(appendText(b, k), v)
	}
	return b
}

// appendFixed appends the fields that the trigger fixes. Those of the indexes come first,
// because record.key, record.reference and record.appendIDs read them alone.
func appendFixed(b []byte, m *smsplus.Message) []byte {
	b = appendText(b, m.Key)
	b = appendText(b, m.Reference)
	b = binary.AppendUvarint(b, uint64(len(m.To.IDs)))
	for name, id := range m.To.IDs {
		b = appendText(appendText(b, string(name)), id)
	}
	b = appendMap(b, m.Vars)
	b = appendMap(b, m.Metadata)
	return appendID(b, m.ResendOf)
}

// appendRoute appends the scenario and the plan, the class, and a byte that is 1 if the plan is
// empty but not nil, which rowcodec does not distinguish.
func appendRoute(b []byte, m *smsplus.Message) []byte {
	b = append(rowcodec.AppendRoute(b, m), byte(m.Class))
	if m.Plan != nil && len(m.Plan) == 0 {
		return append(b, 1)
	}
	return append(b, 0)
}

// decodedRoute is the part of a message that appendRoute encodes. Messages get clones of
// the plan.
type decodedRoute struct {
	scenario string
	plan     []smsplus.PlannedStep
	class    smsplus.Class
}

// decodeRoute decodes a text of appendRoute.
func decodeRoute(text string) decodedRoute {
	last := len(text) - 1
	var m smsplus.Message
	if err := rowcodec.DecodeRouteString(text[:last-1], &m); err != nil {
		panic(err) // appendRoute made it
	}
	if text[last] == 1 {
		m.Plan = []smsplus.PlannedStep{}
	}
	return decodedRoute{m.Scenario, m.Plan, smsplus.Class(text[last-1])}
}

// appendTimes appends a byte with a bit for each time that is not zero, and then these
// times. A time is its distance from the previous one in the record, which is mostly
// short.
func appendTimes(b []byte, before *int64, ts ...time.Time) []byte {
	bits := len(b)
	b = append(b, 0)
	for i, t := range ts {
		if us := microtime.Of(t); us != microtime.Never {
			b[bits] |= 1 << i
			b = binary.AppendVarint(b, us-*before)
			*before = us
		}
	}
	return b
}

// These are the bits of a Published above its End.
const (
	publishedRead      = 1 << 6
	publishedConfirmed = 1 << 7
)

// appendPublished appends what was published, or nothing if nothing was.
func appendPublished(b []byte, p smsplus.Published) []byte {
	if p == (smsplus.Published{}) {
		return b
	}
	bits := byte(p.End)
	if p.Read {
		bits |= publishedRead
	}
	if p.Confirmed {
		bits |= publishedConfirmed
	}
	return binary.AppendUvarint(append(b, bits), uint64(p.Failures))
}

func (v *internTables) appendState(b []byte, m *smsplus.Message) []byte {
	var before int64
	b = appendTimes(b, &before, m.DeliveredAt, m.ReadAt, m.ExpiresAt, m.CanceledAt, m.ConfirmedAt)
	b = appendID(b, m.ResentAs)
	if m.Attempts == nil {
		return appendPublished(append(b, 0), m.Published)
	}
	b = binary.AppendUvarint(b, uint64(len(m.Attempts))+1)
	for i := range m.Attempts {
		a := &m.Attempts[i]
		b = binary.AppendUvarint(b, uint64(v.channels.intern(string(a.Channel))))
		b = append(b, byte(a.Status))
		b = appendText(b, a.ProviderID)
		b = appendTimes(b, &before, a.StartedAt, a.AcceptedAt, a.DeliveredAt, a.ReadAt, a.EndedAt)
		b = append(b, a.ID[:]...)
		b = binary.AppendVarint(b, int64(a.Step))
		b = binary.AppendVarint(b, int64(a.Tries))
		b = binary.AppendVarint(b, int64(a.Doubts))
		b = append(b, byte(a.Recall))
		b = binary.AppendVarint(b, int64(a.RecallTries))
		b = binary.BigEndian.AppendUint64(b, uint64(a.Content))
		b = appendText(b, string(a.Reason))
		b = appendText(b, a.Detail)
	}
	return appendPublished(b, m.Published)
}

// reader decodes the encodings above.
type reader struct {
	s        string
	lastTime int64
}

func (r *reader) byte() byte {
	b := r.s[0]
	r.s = r.s[1:]
	return b
}

func (r *reader) uvarint() uint64 {
	var x uint64
	for shift := 0; ; shift += 7 {
		b := r.byte()
		x |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return x
		}
	}
}

func (r *reader) varint() int64 {
	x := r.uvarint()
	return int64(x>>1) ^ -int64(x&1)
}

func (r *reader) text() string {
	n := r.uvarint()
	s := r.s[:n]
	r.s = r.s[n:]
	return s
}

func (r *reader) id() (id uuid.UUID) {
	if r.byte() != 0 {
		copy(id[:], r.s)
		r.s = r.s[len(id):]
	}
	return id
}

func (r *reader) uint64() uint64 {
	n := binary.BigEndian.Uint64([]byte(r.s[:8]))
	r.s = r.s[8:]
	return n
}

// elementCount returns the number of elements that follow, and -1 for nil.
func (r *reader) elementCount() int { return int(r.uvarint()) - 1 }

func (r *reader) textMap() map[string]string {
	n := r.elementCount()
	if n < 0 {
		return nil
	}
	m := make(map[string]string, n)
	for range n {
		k := r.text()
		m[k] = r.text()
	}
	return m
}

func (r *reader) ids() map[channel.Name]string {
	n := r.uvarint()
	if n == 0 {
		return nil
	}
	ids := make(map[channel.Name]string, n)
	for range n {
		name := channel.Name(r.text())
		ids[name] = r.text()
	}
	return ids
}

func (r *reader) times(ts ...*time.Time) {
	bits := r.byte()
	for i, t := range ts {
		if bits&(1<<i) != 0 {
			r.lastTime += r.varint()
			*t = microtime.Time(r.lastTime)
		}
	}
}

// attempt decodes an attempt into a, which must be zero.
func (r *reader) attempt(a *smsplus.Attempt, channels []string) {
	a.Channel = channel.Name(channels[r.uvarint()])
	a.Status = status.Status(r.byte())
	a.ProviderID = r.text()
	r.times(&a.StartedAt, &a.AcceptedAt, &a.DeliveredAt, &a.ReadAt, &a.EndedAt)
	a.ID = uuid.UUID([]byte(r.s[:16]))
	r.s = r.s[16:]
	a.Step = int(r.varint())
	a.Tries = int(r.varint())
	a.Doubts = int(r.varint())
	a.Recall = channel.Recall(r.byte())
	a.RecallTries = int(r.varint())
	a.Content = smsplus.ContentHash(r.uint64())
	a.Reason = status.Reason(r.text())
	a.Detail = r.text()
}

// readAtIndex is the index of Attempt.ReadAt among the times of an attempt.
const readAtIndex = 3

func (r *reader) attemptSummary() attemptSummary {
	t := attemptSummary{channel: uint32(r.uvarint()), status: status.Status(r.byte()), providerID: r.text()}
	bits := r.byte()
	t.wasRead = bits&(1<<readAtIndex) != 0
	for ; bits != 0; bits &= bits - 1 {
		r.uvarint()
	}
	r.s = r.s[16:]
	r.uvarint()
	r.uvarint()
	r.uvarint()
	r.byte()
	r.uvarint()
	r.s = r.s[8:]
	t.reason = r.text()
	r.text() // the detail
	return t
}

// appendAttempts appends the summaries of the record's attempts.
func (rec *record) appendAttempts(ts []attemptSummary) []attemptSummary {
	r := reader{s: rec.state}
	for bits := r.byte(); bits != 0; bits &= bits - 1 {
		r.uvarint()
	}
	r.id()
	for range r.elementCount() {
		ts = append(ts, r.attemptSummary())
	}
	return ts
}

// prefetchTexts reads a byte of every record's texts, so that the processor loads them from
// memory in parallel. Otherwise each decoding would wait for its own load. The benefit
// shows on pages of a million records (BenchmarkRead/1000000).
func prefetchTexts(rs []record) {
	var sum byte
	for i := range rs {
		sum += rs[i].fixed[0] + rs[i].state[0]
	}
	runtime.KeepAlive(sum)
}

// key returns the idempotency key.
func (rec *record) key() string {
	r := reader{s: rec.fixed}
	return r.text()
}

// reference returns the reference.
func (rec *record) reference() string {
	r := reader{s: rec.fixed}
	r.text() // the key
	return r.text()
}

// appendIDs appends the recipient's IDs, each once.
func (rec *record) appendIDs(ids []string) []string {
	r := reader{s: rec.fixed}
	r.text() // the key
	r.text() // the reference
	for range r.uvarint() {
		r.text() // the channel
		if id := r.text(); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// decode sets the fields of m, which must be zero.
func (rec *record) decode(m *smsplus.Message, texts internSnapshot) {
	m.ID = rec.id
	m.Template = texts.templates[rec.template]
	m.To.Phone = rec.phone
	m.Status = rec.status()
	m.Channel = channel.Name(texts.channels[rec.channel])
	m.Lane = channel.Name(texts.channels[rec.lane])
	m.TriggeredAt = microtime.Time(rec.triggeredAt)
	m.DueAt = microtime.Time(rec.dueAt)
	m.Claims = int(rec.claims)
	m.Sending = int(rec.sending)
	m.Holder = rec.holder
	m.Version = rec.version

	r := reader{s: rec.fixed}
	m.Key = r.text()
	m.Reference = r.text()
	m.To.IDs = r.ids()
	m.Vars = r.textMap()
	m.Metadata = r.textMap()
	m.ResendOf = r.id()

	route := &texts.routes[rec.route]
	m.Scenario, m.Plan, m.Class = route.scenario, slices.Clone(route.plan), route.class

	r = reader{s: rec.state}
	r.times(&m.DeliveredAt, &m.ReadAt, &m.ExpiresAt, &m.CanceledAt, &m.ConfirmedAt)
	m.ResentAs = r.id()
	if n := r.elementCount(); n >= 0 {
		m.Attempts = make([]smsplus.Attempt, n)
	}
	for i := range m.Attempts {
		r.attempt(&m.Attempts[i], texts.channels)
	}
	if r.s != "" {
		bits := r.byte()
		m.Published = smsplus.Published{
			End: status.Status(bits &^ (publishedRead | publishedConfirmed)), Read: bits&publishedRead != 0,
			Confirmed: bits&publishedConfirmed != 0, Failures: int(r.uvarint()),
		}
	}
}
