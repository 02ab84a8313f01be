package memstore

import (
	"sync"
	"sync/atomic"

	"github.com/smsplus/smsplus-go/internal/daysheet"
	"github.com/smsplus/smsplus-go/smsplus"
)

// factTable interns the encoded units of messages, and decodes each of them once. There
// are few different ones, because times to delivery are classes.
type factTable struct {
	internTable

	decoding sync.Mutex                       // serializes the writers of decoded
	decoded  atomic.Pointer[[][]smsplus.Unit] // by number, perhaps without the latest ones
}

// internUnits returns the number of a message's units, and the count of the message itself.
// It reuses the buffer buf.
func (t *factTable) internUnits(buf *[]byte, m *smsplus.Message) (number uint32, message smsplus.Count) {
	var room [4]smsplus.Unit
	units := smsplus.AppendUnits(room[:0], m)
	*buf = daysheet.AppendUnits((*buf)[:0], units)
	return t.internBytes(*buf), units[0].Count
}

// allUnits returns the units by their numbers. The slice stays valid as that of allTexts
// does.
func (t *factTable) allUnits() [][]smsplus.Unit {
	texts := t.allTexts()
	if p := t.decoded.Load(); p != nil && len(*p) >= len(texts) {
		return *p
	}
	t.decoding.Lock()
	defer t.decoding.Unlock()
	var all [][]smsplus.Unit
	if p := t.decoded.Load(); p != nil {
		all = *p
	}
	for i := len(all); i < len(texts); i++ {
		units, err := daysheet.DecodeUnits([]byte(texts[i]))
		if err != nil {
			panic(err) // internUnits made it
		}
		all = append(all, units)
	}
	t.decoded.Store(&all)
	return all
}
