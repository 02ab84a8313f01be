package rowcodec

import (
	"fmt"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

// checkMessage returns an error for a status or a time that no store can keep. The error
// names the field and no content.
func checkMessage(m *smsplus.Message) error {
	if !m.Status.Valid() {
		return fmt.Errorf("rowcodec: Message.Status %d does not exist", m.Status)
	}
	if p := m.Published; !p.End.Valid() || p.Failures < 0 {
		return fmt.Errorf("rowcodec: Message.Published has the status %d and %d failures", p.End, p.Failures)
	}
	if i := indexFar(m.TriggeredAt, m.DueAt, m.DeliveredAt, m.ReadAt, m.ExpiresAt, m.CanceledAt, m.ConfirmedAt); i >= 0 {
		names := [...]string{"TriggeredAt", "DueAt", "DeliveredAt", "ReadAt", "ExpiresAt", "CanceledAt", "ConfirmedAt"}
		return fmt.Errorf("rowcodec: Message.%s is %s", names[i], farTime)
	}
	for i := range m.Attempts {
		a := &m.Attempts[i]
		if !a.Status.Valid() {
			return fmt.Errorf("rowcodec: Message.Attempts[%d].Status %d does not exist", i, a.Status)
		}
		if j := indexFar(a.StartedAt, a.AcceptedAt, a.DeliveredAt, a.ReadAt, a.EndedAt); j >= 0 {
			names := [...]string{"StartedAt", "AcceptedAt", "DeliveredAt", "ReadAt", "EndedAt"}
			return fmt.Errorf("rowcodec: Message.Attempts[%d].%s is %s", i, names[j], farTime)
		}
	}
	return nil
}

// checkReceipt returns an error for a status or a time that no store can keep.
func checkReceipt(r *channel.Receipt) error {
	if !r.Status.Valid() {
		return fmt.Errorf("rowcodec: Receipt.Status %d does not exist", r.Status)
	}
	if indexFar(r.At) >= 0 {
		return fmt.Errorf("rowcodec: Receipt.At is %s", farTime)
	}
	return nil
}

// CheckTime returns an error, which begins with what, for a time that no store can keep.
func CheckTime(what string, t time.Time) error {
	if indexFar(t) >= 0 {
		return fmt.Errorf("%s is %s", what, farTime)
	}
	return nil
}

const farTime = "outside of the years 1 to 9999"

// firstSecond and lastSecond are those of the years 1 and 9999 in UTC, since 1970.
const (
	firstSecond = -62135596800
	lastSecond  = 253402300799
)

// indexFar returns the index of the first time outside of the years 1 to 9999, or -1.
func indexFar(ts ...time.Time) int {
	for i, t := range ts {
		if s := t.Unix(); s < firstSecond || s > lastSecond {
			return i
		}
	}
	return -1
}
