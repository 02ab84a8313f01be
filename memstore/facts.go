package memstore

import (
	"github.com/smsplus/smsplus-go/internal/daysheet"
	"github.com/smsplus/smsplus-go/smsplus"
)

// factTable interns the encoded units of messages. There are few different ones, because
// times to delivery are classes.
type factTable struct{ decodedTable[[]smsplus.Unit] }

// internUnits returns the number of a message's units, and the count of the message itself.
// It reuses the buffer buf.
func (t *factTable) internUnits(buf *[]byte, m *smsplus.Message) (number uint32, message smsplus.Count) {
	var room [4]smsplus.Unit
	units := smsplus.AppendUnits(room[:0], m)
	*buf = daysheet.AppendUnits((*buf)[:0], units)
	return t.internBytes(*buf), units[0].Count
}

// allUnits returns the units by their numbers.
func (t *factTable) allUnits() [][]smsplus.Unit { return t.allDecoded(decodeUnits) }

// decodeUnits decodes what internUnits encoded.
func decodeUnits(text string) []smsplus.Unit {
	units, err := daysheet.DecodeUnits([]byte(text))
	if err != nil {
		panic(err) // internUnits made it
	}
	return units
}
