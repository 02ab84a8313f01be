package daysheet

import (
	"encoding/binary"
	"errors"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// The encoding of a unit is a byte with its status and flags, and the class of its time. The
// texts of its channel and its reason follow, each after its length.
const (
	unitStatus = 1<<4 - 1
	unitRead   = 1 << 4
	unitTwice  = 1 << 5
	unitTimed  = 1 << 6
)

// ErrCorrupt is the error for bytes that no units or no sheet encode to.
var ErrCorrupt = errors.New("daysheet: counts cannot be decoded")

// AppendUnits appends the encoding of units. Equal units have equal encodings.
func AppendUnits(b []byte, units []smsplus.Unit) []byte {
	for i := range units {
		u := &units[i]
		bits := byte(u.Status)
		if u.Read {
			bits |= unitRead
		}
		if u.DeliveredTwice {
			bits |= unitTwice
		}
		if u.IsTimed {
			bits |= unitTimed
		}
		b = append(b, bits, byte(u.Time))
		b = binary.AppendUvarint(b, uint64(len(u.Channel)))
		b = append(b, u.Channel...)
		b = binary.AppendUvarint(b, uint64(len(u.Reason)))
		b = append(b, u.Reason...)
	}
	return b
}

// DecodeUnits is the inverse of [AppendUnits].
func DecodeUnits(b []byte) (units []smsplus.Unit, err error) {
	for d := (decoder{b: b}); len(d.b) > 0; {
		bits, class := d.byte(), d.byte()
		u := smsplus.Unit{
			Count:   smsplus.Count{Status: status.Status(bits & unitStatus), Read: bits&unitRead != 0, DeliveredTwice: bits&unitTwice != 0},
			IsTimed: bits&unitTimed != 0, Time: smsplus.DurationClass(class),
			Channel: channel.Name(d.text()), Reason: status.Reason(d.text()),
		}
		if d.failed || !u.Status.Valid() {
			return nil, ErrCorrupt
		}
		units = append(units, u)
	}
	if len(units) == 0 {
		return nil, ErrCorrupt
	}
	return units, nil
}

// decoder reads the parts of an encoding. After a failure it reads zeros.
type decoder struct {
	b      []byte
	failed bool
}

func (d *decoder) skip(n int) {
	if n <= 0 {
		d.b, d.failed = nil, true
		return
	}
	d.b = d.b[n:]
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	d.skip(n)
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	d.skip(n)
	return v
}

func (d *decoder) text() string {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.b, d.failed = nil, true
		return ""
	}
	text := string(d.b[:n])
	d.b = d.b[n:]
	return text
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.failed = true
		return 0
	}
	b := d.b[0]
	d.b = d.b[1:]
	return b
}
