package memstore

import (
	"encoding/binary"
	"runtime"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// The encoding never leaves the process, so it has no version and trusts its
// bytes. Numbers are varints, texts follow their length, and counts are raised by
// one so that zero is nil. Decoded texts are pieces of the record's strings:
// decoding copies nothing.

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
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

// appendFixed begins with the key, which keyOf relies on.
func appendFixed(b []byte, m *smsplus.Message) []byte {
	b = appendText(b, m.Key)
	b = appendText(b, m.To.LINEUserID)
	b = appendMap(b, m.Vars)
	return appendMap(b, m.Metadata)
}

func appendRoute(b []byte, m *smsplus.Message) []byte {
	b = appendText(b, m.Scenario)
	if m.Plan == nil {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(len(m.Plan))+1)
	for i := range m.Plan {
		s := &m.Plan[i]
		b = appendText(b, string(s.Channel))
		b = binary.AppendVarint(b, int64(s.Wait))
		b = append(b, byte(s.OnFailed), byte(s.InDoubt))
	}
	return b
}

// appendTimes begins with the bits of those that are not zero. A time is written
// as its distance from the one before it in the record, which is mostly short.
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

func (v *internTables) appendState(b []byte, m *smsplus.Message) []byte {
	var before int64
	b = appendTimes(b, &before, m.DeliveredAt, m.ReadAt, m.ExpiresAt, m.CanceledAt)
	if m.Attempts == nil {
		return append(b, 0)
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
		b = appendText(b, string(a.Reason))
		b = appendText(b, a.Detail)
	}
	return b
}

// reader takes apart what the functions above put together.
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

// count returns how many of something follow, and -1 for nil.
func (r *reader) count() int { return int(r.uvarint()) - 1 }

func (r *reader) textMap() map[string]string {
	n := r.count()
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

func (r *reader) times(ts ...*time.Time) {
	bits := r.byte()
	for i, t := range ts {
		if bits&(1<<i) != 0 {
			r.lastTime += r.varint()
			*t = microtime.Time(r.lastTime)
		}
	}
}

// attempt reads an attempt into a zero one.
func (r *reader) attempt(a *smsplus.Attempt, channels []string) {
	a.Channel = channel.Name(channels[r.uvarint()])
	a.Status = status.Status(r.byte())
	a.ProviderID = r.text()
	r.times(&a.StartedAt, &a.AcceptedAt, &a.DeliveredAt, &a.ReadAt, &a.EndedAt)
	a.ID = uuid.UUID([]byte(r.s[:16]))
	r.s = r.s[16:]
	a.Step = int(r.varint())
	a.Tries = int(r.varint())
	a.Reason = status.Reason(r.text())
	a.Detail = r.text()
}

// The position of Attempt.ReadAt among an attempt's times.
const readAtIndex = 3

func (r *reader) attemptSummary() attemptSummary {
	t := attemptSummary{channel: uint32(r.uvarint()), status: status.Status(r.byte()), providerID: r.text()}
	bits := r.byte()
	t.read = bits&(1<<readAtIndex) != 0
	for ; bits != 0; bits &= bits - 1 {
		r.uvarint()
	}
	r.s = r.s[16:]
	r.uvarint()
	r.uvarint()
	r.text()
	r.text()
	return t
}

// appendAttempts appends what the record's attempts left in indexes and counters.
func (rec *record) appendAttempts(ts []attemptSummary) []attemptSummary {
	r := reader{s: rec.state}
	for bits := r.byte(); bits != 0; bits &= bits - 1 {
		r.uvarint()
	}
	for range r.count() {
		ts = append(ts, r.attemptSummary())
	}
	return ts
}

// prefetch looks into the records' texts, one after the other, for nothing but to have
// the processor get them from memory all at once: decoding them as they come would
// spend half its time on waiting for each (measured on pages of a million records).
func prefetch(rs []record) {
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

// decode fills a zero message.
func (rec *record) decode(m *smsplus.Message, w internSnapshot) {
	m.ID = rec.id
	m.Template = w.templates[rec.template]
	m.To.Phone = rec.phone
	m.Status = rec.status()
	m.Channel = channel.Name(w.channels[rec.channel])
	m.Lane = channel.Name(w.channels[rec.lane])
	m.TriggeredAt = microtime.Time(rec.triggeredAt)
	m.DueAt = microtime.Time(rec.dueAt)
	m.Claims = int(rec.claims)
	m.Version = rec.version

	r := reader{s: rec.fixed}
	m.Key = r.text()
	m.To.LINEUserID = r.text()
	m.Vars = r.textMap()
	m.Metadata = r.textMap()

	r = reader{s: w.routes[rec.route]}
	m.Scenario = r.text()
	if n := r.count(); n >= 0 {
		m.Plan = make([]smsplus.PlannedStep, n)
	}
	for i := range m.Plan {
		s := &m.Plan[i]
		s.Channel = channel.Name(r.text())
		s.Wait = time.Duration(r.varint())
		s.OnFailed, s.InDoubt = smsplus.Policy(r.byte()), smsplus.Policy(r.byte())
	}

	r = reader{s: rec.state}
	r.times(&m.DeliveredAt, &m.ReadAt, &m.ExpiresAt, &m.CanceledAt)
	if n := r.count(); n >= 0 {
		m.Attempts = make([]smsplus.Attempt, n)
	}
	for i := range m.Attempts {
		r.attempt(&m.Attempts[i], w.channels)
	}
}
