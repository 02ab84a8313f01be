package smpp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/smpp"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
	"github.com/smsplus/smsplus-go/status"
)

// reaction is the reaction of an unreliable SMSC to the next message.
type reaction int

const (
	taken reaction = iota
	refusedForNow
	ignored
	takenAndCut // before the answer
	cutOff      // before the message's end
	takenLate
	unbinds
	reactionCount
)

// The SMSC behaves in any way. It must not have the whole of a message that is Temporary,
// and all parts of a message that is Accepted.
func TestSend_TakenMessageIsNeverTemporary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		plan := rapid.SliceOfN(rapid.IntRange(0, int(reactionCount)-1), 1, 30).Draw(r, "reactions")
		patience := rapid.SliceOfN(rapid.IntRange(0, 40), 1, 12).Draw(r, "seconds")
		parts := rapid.IntRange(1, 3).Draw(r, "parts")
		binds := rapid.IntRange(1, 2).Draw(r, "binds")
		had := make(map[string]int) // parts by message that the SMSC took
		answers := make([]sendAnswer, len(patience))
		synctest.Test(t, func(t *testing.T) {
			m := newSMSC(t)
			var mu sync.Mutex
			next := func() reaction {
				mu.Lock()
				defer mu.Unlock()
				if len(plan) == 0 {
					return taken
				}
				f := reaction(plan[0])
				plan = plan[1:]
				return f
			}
			take := func(q pdu.PDU) {
				mu.Lock()
				defer mu.Unlock()
				had[q.Body.(*pdu.Message).Destination.Addr]++
			}
			m.runPeers(func(p *smscPeer) { serveReactions(p, next, take) })
			c := m.newChannel(func(c *smpp.Config) {
				c.Binds, c.Window, c.ResponseTimeout = binds, 3, 15*time.Second
			})
			var senders sync.WaitGroup
			for i, seconds := range patience {
				senders.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(seconds)*time.Second)
					defer cancel()
					e := envelope(strings.Repeat("x", 153*(parts-1)+1+min(parts-1, 1)*10))
					e.To = to(t, fmt.Sprintf("+88691234%04d", i))
					answers[i].Result, answers[i].err = c.Send(ctx, e)
				})
			}
			senders.Wait()
			closeIgnoringError(t, c)
		})
		for i, a := range answers {
			n := had[fmt.Sprintf("88691234%04d", i)]
			e, failed := errors.AsType[*channel.Error](a.err)
			switch {
			case !failed:
				require.Equal(r, status.Accepted, a.Status)
				require.Equal(r, parts, n)
			case e.Status() == status.Preparing && !e.InDoubt():
				require.Less(r, n, parts, "%v", e)
			}
		}
	})
}

func serveReactions(p *smscPeer, next func() reaction, take func(pdu.PDU)) {
	defer p.conn.Close() //nolint:errcheck // it may be closed already
	for {
		f := taken
		header := make([]byte, pdu.HeaderLength)
		if _, err := io.ReadFull(p.conn, header); err != nil {
			return
		}
		h, err := pdu.ParseHeader(header)
		if err != nil {
			panic(err)
		}
		if h.ID == pdu.SubmitSM {
			f = next()
		}
		body := make([]byte, h.Length-pdu.HeaderLength)
		if f == cutOff {
			body = body[1:]
		}
		if _, err := io.ReadFull(p.conn, body); err != nil || f == cutOff {
			return
		}
		q, err := pdu.Parse(h, body)
		if err != nil {
			panic(err)
		}
		switch f {
		case ignored:
			take(q)
		case refusedForNow:
			_ = p.tryWrite(pdu.PDU{ID: q.ID.Response(), Status: pdu.RTHROTTLED, Sequence: q.Sequence})
		case takenAndCut:
			take(q)
			return
		case takenLate:
			take(q)
			time.Sleep(5 * time.Second) //nolint:forbidigo // the bubble's
			_ = p.tryWrite(pdu.PDU{ID: q.ID.Response(), Sequence: q.Sequence})
		case unbinds:
			_ = p.tryWrite(pdu.PDU{ID: pdu.Unbind, Sequence: 1})
			fallthrough
		default:
			if q.ID == pdu.SubmitSM {
				take(q)
			}
			if !q.ID.IsResponse() {
				_ = p.tryWrite(pdu.PDU{ID: q.ID.Response(), Sequence: q.Sequence})
			}
		}
	}
}
