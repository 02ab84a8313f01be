package rowcodec

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// Numbers are varints, and a text follows its length. A time is its distance from the
// previous one, which is mostly short. The first one's is from the trigger time. A
// word, such as the name of a channel, is its index in a table plus one. A word that is
// not in the table is a 0 and the text.

// These are the words of all versions. Their indexes are stored, so words may only be
// added at the end, in a new version.
var (
	channelWords = []string{
		"", string(channel.LINEPush), string(channel.LINENotify), string(channel.WhatsApp), string(channel.SMS),
	}
	reasonWords = []string{
		"", string(status.NoContact), string(status.Blocked), string(status.QuotaExceeded), string(status.Unverified),
		string(status.NoMatch), string(status.InvalidNumber), string(status.ContentRejected), string(status.CarrierError),
		string(status.TemplateMismatch), string(status.Permission), string(status.Authorization),
		string(status.TemplateConfig), string(status.SystemError),
		string(status.Expired), string(status.Canceled), string(status.NoReceipt), string(status.InDoubt),
	}
)

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendWord(b []byte, words []string, s string) []byte {
	if i := slices.Index(words, s); i >= 0 {
		return binary.AppendUvarint(b, uint64(i)+1)
	}
	return appendText(append(b, 0), s)
}

// appendID appends an ID, or one byte if it is zero.
func appendID(b []byte, id uuid.UUID) []byte {
	if id == (uuid.UUID{}) {
		return append(b, 0)
	}
	return append(append(b, 1), id[:]...)
}

func appendMap(b []byte, m map[string]string) []byte {
	b = binary.AppendUvarint(b, uint64(len(m)))
	for k, v := range m {
		b = appendText(appendText(b, k), v)
	}
	return b
}

// appendIDs appends the IDs of a recipient by their channels.
func appendIDs(b []byte, ids map[channel.Name]string) []byte {
	b = binary.AppendUvarint(b, uint64(len(ids)))
	for name, id := range ids {
		b = appendText(appendWord(b, channelWords, string(name)), id)
	}
	return b
}

// appendTimes appends the times that are not zero, and returns a bit for each of them.
func appendTimes(b []byte, lastTime *int64, ts ...time.Time) (_ []byte, bits byte) {
	for i, t := range ts {
		if us := microtime.Of(t); us != microtime.Never {
			bits |= 1 << i
			b = binary.AppendVarint(b, us-*lastTime)
			*lastTime = us
		}
	}
	return b, bits
}

// untilShift is where a step's Until stands in the byte of its InDoubt. Earlier versions had zero
// there, and an earlier release that reads the byte resends in doubt, as by default.
const untilShift = 4

func appendRoute(b []byte, m *smsplus.Message) []byte {
	b = appendText(b, m.Scenario)
	b = binary.AppendUvarint(b, uint64(len(m.Plan)))
	for i := range m.Plan {
		s := &m.Plan[i]
		b = appendWord(b, channelWords, string(s.Channel))
		b = binary.AppendVarint(b, int64(s.Wait))
		b = append(b, byte(s.OnFailed), byte(s.InDoubt)|byte(s.Until)<<untilShift)
	}
	return b
}

// These are the bits of an attempt above those of its five times.
const (
	hasOwnID       = 1 << 5 // the ID is not AttemptID's
	providerIDIsID = 1 << 6 // the provider ID is the ID as text
	hasReason      = 1 << 7
)

// fixedVersion returns the earliest version that can hold what the trigger of m fixed.
func fixedVersion(m *smsplus.Message) byte {
	if m.Class != smsplus.Normal {
		return version4
	}
	for name := range m.To.IDs {
		if name != channel.LINEPush {
			return version3
		}
	}
	if m.Reference != "" || m.ResendOf != (uuid.UUID{}) {
		return version2
	}
	return version1
}

// stateVersion returns the earliest version that can hold the state of m.
func stateVersion(m *smsplus.Message) byte {
	if m.Published != (smsplus.Published{}) || !m.CanceledAt.IsZero() && !m.ConfirmedAt.IsZero() {
		return version4
	}
	if m.ResentAs != (uuid.UUID{}) {
		return version3
	}
	version := byte(version1)
	for i := range m.Attempts {
		if m.Attempts[i].Content != 0 {
			return version3
		}
		if packDoubts(&m.Attempts[i]) != 0 {
			version = version2
		}
	}
	return version
}

// isConfirmation says, in the bits of a state's times before version 4, that the time of the
// cancellation is that of the confirmation. An earlier release ignores the bit. To it the message
// is canceled, so it starts no further step either.
const isConfirmation = 1 << 4

func appendState(b []byte, m *smsplus.Message) []byte {
	version := stateVersion(m)
	b = append(b, version)
	lastTime := microtime.Of(m.TriggeredAt)
	at := len(b)
	b, bits := append(b, 0), byte(0)
	switch {
	case version >= version4:
		b, bits = appendTimes(b, &lastTime, m.DeliveredAt, m.ReadAt, m.ExpiresAt, m.CanceledAt, m.ConfirmedAt)
	case m.ConfirmedAt.IsZero():
		b, bits = appendTimes(b, &lastTime, m.DeliveredAt, m.ReadAt, m.ExpiresAt, m.CanceledAt)
	default:
		b, bits = appendTimes(b, &lastTime, m.DeliveredAt, m.ReadAt, m.ExpiresAt, m.ConfirmedAt)
		bits |= isConfirmation
	}
	b[at] = bits
	if version >= version3 {
		b = appendID(b, m.ResentAs)
	}
	if version >= version4 {
		b = appendPublished(b, m.Published)
	}
	b = binary.AppendUvarint(b, uint64(len(m.Attempts)))
	for i := range m.Attempts {
		b = appendAttempt(b, version, &lastTime, m.ID, &m.Attempts[i])
	}
	return b
}

// These are the bits of a Published above those of its End.
const (
	endBits       = 1<<3 - 1
	readBit       = 1 << 3
	confirmedBit  = 1 << 4
	publishedBits = endBits | readBit | confirmedBit
)

func appendPublished(b []byte, p smsplus.Published) []byte {
	bits := byte(p.End)
	if p.Read {
		bits |= readBit
	}
	if p.Confirmed {
		bits |= confirmedBit
	}
	return binary.AppendUvarint(append(b, bits), uint64(p.Failures))
}

// An attempt's Recall and RecallTries stand above the 32 bits of its Doubts, in one number.
// Earlier versions had zero there. An earlier release takes it all for Doubts: it reads the
// message, shows a number that is too large, and keeps it. It counts Doubts on attempts in doubt
// alone, and such an attempt is sent no more when it is to be taken back.
const (
	recallShift      = 32
	recallTriesShift = 34
)

func packDoubts(a *smsplus.Attempt) int64 {
	return int64(a.Doubts) | int64(a.Recall)<<recallShift | int64(a.RecallTries)<<recallTriesShift
}

func unpackDoubts(a *smsplus.Attempt, packed int64) {
	a.Doubts = int(int32(packed))
	a.Recall = channel.Recall(packed >> recallShift & (1<<(recallTriesShift-recallShift) - 1))
	a.RecallTries = int(packed >> recallTriesShift)
}

func appendAttempt(b []byte, version byte, lastTime *int64, message uuid.UUID, a *smsplus.Attempt) []byte {
	at := len(b)
	b, bits := appendTimes(append(b, 0), lastTime, a.StartedAt, a.AcceptedAt, a.DeliveredAt, a.ReadAt, a.EndedAt)
	b = appendWord(b, channelWords, string(a.Channel))
	b = append(b, byte(a.Status))
	b = binary.AppendVarint(b, int64(a.Step))
	b = binary.AppendVarint(b, int64(a.Tries))
	if version >= version2 {
		b = binary.AppendVarint(b, packDoubts(a))
	}
	if version >= version3 {
		b = binary.BigEndian.AppendUint64(b, uint64(a.Content))
	}
	if a.ID != smsplus.AttemptID(message, a.Step) {
		bits |= hasOwnID
		b = append(b, a.ID[:]...)
	}
	if a.ProviderID == a.ID.String() {
		bits |= providerIDIsID
	} else {
		b = appendText(b, a.ProviderID)
	}
	if a.Reason != "" || a.Detail != "" {
		bits |= hasReason
		b = appendWord(b, reasonWords, string(a.Reason))
		b = appendText(b, a.Detail)
	}
	b[at] = bits
	return b
}

func appendReceipt(b []byte, r *channel.Receipt) []byte {
	b = appendWord(b, channelWords, string(r.Channel))
	b = appendText(b, r.ProviderID)
	b = append(b, byte(r.Status), 0)
	if r.Read {
		b[len(b)-1] = 1
	}
	b = appendWord(b, reasonWords, string(r.Reason))
	b = appendText(b, r.Detail)
	return binary.AppendVarint(b, microtime.Of(r.At))
}

// reader decodes the encodings above. After invalid input, everything that it reads is
// zero, and finish returns an error. The texts are substrings of s.
type reader struct {
	s        string
	lastTime int64
	failed   bool
	skipsIDs bool // IDs of attempts that would be computed stay zero
}

// finish returns an error unless all of a value was read.
func (r *reader) finish(kind string) error {
	if r.failed || r.s != "" {
		return fmt.Errorf("%w: %s", ErrCorrupt, kind)
	}
	return nil
}

func (r *reader) fail() { r.s, r.failed = "", true }

func (r *reader) takeBytes(n uint64) string {
	if n > uint64(len(r.s)) {
		r.fail()
		return ""
	}
	s := r.s[:n]
	r.s = r.s[n:]
	return s
}

func (r *reader) byte() byte {
	if s := r.takeBytes(1); s != "" {
		return s[0]
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	var x uint64
	for shift := 0; shift < 64; shift += 7 {
		b := r.byte()
		x |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return x
		}
	}
	r.fail()
	return 0
}

func (r *reader) varint() int64 {
	x := r.uvarint()
	return int64(x>>1) ^ -int64(x&1)
}

func (r *reader) text() string { return r.takeBytes(r.uvarint()) }

func (r *reader) word(words []string) string {
	switch i := r.uvarint(); {
	case i == 0:
		return r.text()
	case i <= uint64(len(words)):
		return words[i-1]
	}
	r.fail()
	return ""
}

// count returns the number of elements that follow. Each takes at least size bytes, so
// a number that the input cannot hold is invalid.
func (r *reader) count(size int) int {
	n := r.uvarint()
	if n > uint64(len(r.s)/size) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) id() (id uuid.UUID) {
	if r.byte() != 0 {
		copy(id[:], r.takeBytes(uint64(len(id))))
	}
	return id
}

func (r *reader) uint64() uint64 {
	if s := r.takeBytes(8); s != "" {
		return binary.BigEndian.Uint64([]byte(s))
	}
	return 0
}

func (r *reader) textMap() map[string]string {
	n := r.count(2)
	if n == 0 {
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
	n := r.count(2)
	if n == 0 {
		return nil
	}
	ids := make(map[channel.Name]string, n)
	for range n {
		name := channel.Name(r.word(channelWords))
		ids[name] = r.text()
	}
	return ids
}

// time returns the next time. One that no store can keep is invalid: no value has been
// encoded with it, and none could be again.
func (r *reader) time() time.Time {
	r.lastTime += r.varint()
	t := microtime.Time(r.lastTime)
	if indexFar(t) >= 0 {
		r.fail()
		return time.Time{}
	}
	return t
}

func (r *reader) times(bits byte, ts ...*time.Time) {
	for i, t := range ts {
		*t = time.Time{}
		if bits&(1<<i) != 0 {
			*t = r.time()
		}
	}
}

func (r *reader) route(m *smsplus.Message) {
	m.Scenario, m.Plan = r.text(), nil
	if n := r.count(4); n > 0 {
		m.Plan = make([]smsplus.PlannedStep, n)
	}
	for i := range m.Plan {
		s := &m.Plan[i]
		s.Channel = channel.Name(r.word(channelWords))
		s.Wait = time.Duration(r.varint())
		s.OnFailed = smsplus.Policy(r.byte())
		inDoubt := r.byte()
		s.InDoubt, s.Until = smsplus.Policy(inDoubt&(1<<untilShift-1)), smsplus.Until(inDoubt>>untilShift)
	}
}

func (r *reader) state(m *smsplus.Message, version byte) {
	r.lastTime = microtime.Of(m.TriggeredAt)
	bits := r.byte()
	m.ConfirmedAt = time.Time{}
	if version >= version4 {
		r.times(bits, &m.DeliveredAt, &m.ReadAt, &m.ExpiresAt, &m.CanceledAt, &m.ConfirmedAt)
	} else {
		r.times(bits, &m.DeliveredAt, &m.ReadAt, &m.ExpiresAt, &m.CanceledAt)
		if bits&isConfirmation != 0 {
			m.CanceledAt, m.ConfirmedAt = time.Time{}, m.CanceledAt
		}
	}
	m.ResentAs = uuid.UUID{}
	if version >= version3 {
		m.ResentAs = r.id()
	}
	m.Published = smsplus.Published{}
	if version >= version4 {
		m.Published = r.published()
	}
	m.Attempts = nil
	if n := r.count(5); n > 0 {
		m.Attempts = make([]smsplus.Attempt, n)
	}
	for i := range m.Attempts {
		r.attempt(&m.Attempts[i], version, m.ID)
	}
}

func (r *reader) published() smsplus.Published {
	bits := r.byte()
	p := smsplus.Published{End: status.Status(bits & endBits), Read: bits&readBit != 0, Confirmed: bits&confirmedBit != 0}
	p.Failures = int(r.uvarint())
	if bits&^publishedBits != 0 || !p.End.Valid() || p.Failures < 0 {
		r.fail()
	}
	return p
}

func (r *reader) attempt(a *smsplus.Attempt, version byte, message uuid.UUID) {
	bits := r.byte()
	r.times(bits, &a.StartedAt, &a.AcceptedAt, &a.DeliveredAt, &a.ReadAt, &a.EndedAt)
	a.Channel = channel.Name(r.word(channelWords))
	if a.Status = status.Status(r.byte()); !a.Status.Valid() {
		r.fail()
	}
	a.Step = int(r.varint())
	a.Tries = int(r.varint())
	if version >= version2 {
		unpackDoubts(a, r.varint())
	}
	if version >= version3 {
		a.Content = smsplus.ContentHash(r.uint64())
	}
	switch {
	case bits&hasOwnID != 0:
		copy(a.ID[:], r.takeBytes(uint64(len(a.ID))))
	case !r.skipsIDs:
		a.ID = smsplus.AttemptID(message, a.Step)
	}
	switch {
	case bits&providerIDIsID == 0:
		a.ProviderID = r.text()
	case !r.skipsIDs:
		a.ProviderID = a.ID.String()
	}
	if bits&hasReason != 0 {
		a.Reason = status.Reason(r.word(reasonWords))
		a.Detail = r.text()
	}
}

func (r *reader) receipt() channel.Receipt {
	rec := channel.Receipt{Channel: channel.Name(r.word(channelWords)), ProviderID: r.text()}
	if rec.Status = status.Status(r.byte()); !rec.Status.Valid() {
		r.fail()
	}
	rec.Read = r.byte() != 0
	rec.Reason = status.Reason(r.word(reasonWords))
	rec.Detail = r.text()
	rec.At = r.time() // the only one
	return rec
}
