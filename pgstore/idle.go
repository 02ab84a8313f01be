package pgstore

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/smsplus/smsplus-go/smsplus"
)

const (
	// slowClaim is the server's time from which an idle claim counts as slow.
	slowClaim = time.Millisecond
	// peeksPerClaim is how much longer peeks may stand in for a slow claim than that took.
	peeksPerClaim = 2000
	// maxPeekTime bounds the time in which peeks stand in for a slow claim.
	maxPeekTime = time.Minute
	// maxPeeks bounds their number, if the caller's time stands still.
	maxPeeks = 1000
	// peekMargin is how far before the last look a peek begins. Another process may put a
	// message back, or commit it, so long after it fell due.
	peekMargin = time.Minute
	// maxIdleClaims bounds the sets of lanes that are remembered.
	maxIdleClaims = 64
)

// idleClaims remembers slow claims that found nothing. While an old transaction is open,
// vacuum cannot remove the index entries of messages that were due before, and each claim
// walks over all of them. After such a claim, peeks stand in for the next ones: they only
// look for messages that fell due since. If there is one, the claim itself follows.
//
// No message is passed over for good, because the time in which peeks stand in is bounded,
// and a claim follows it. What this process writes ends it at once.
type idleClaims struct {
	writes atomic.Int64 // the process's writes that began or ended

	mu      sync.Mutex
	byLanes map[string]idleClaim
	// insertedTx says that InsertTx was called since the last claim. Its transaction may
	// commit much later than its messages fell due, so there are no peeks until noPeeks.
	insertedTx bool
	noPeeks    time.Time
}

// idleClaim is a slow claim that found nothing, and the time in which peeks stand in for
// its repetition.
type idleClaim struct {
	claimed  smsplus.Claimed
	writes   int64
	until    time.Time
	lookedAt time.Time // the time of the last claim or peek
	peeks    int
}

// noteWrite notes that a write begins, and returns the func that notes its end. A claim
// between the two may or may not have seen the write.
func (i *idleClaims) noteWrite() (end func()) {
	i.writes.Add(1)
	return func() { i.writes.Add(1) }
}

// noteInsertTx notes messages that become visible when the application commits.
func (i *idleClaims) noteInsertTx() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.insertedTx = true
}

// lanesKey returns the key of a claim's lanes, which come in any order.
func lanesKey(lanes []string) string {
	return strings.Join(slices.Sorted(slices.Values(lanes)), "\x00")
}

// find returns the idle claim that a peek may stand in for.
func (i *idleClaims) find(c smsplus.Claim, key string) (idleClaim, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.insertedTx {
		i.insertedTx, i.noPeeks = false, c.Now.Add(maxPeekTime)
	}
	e, ok := i.byLanes[key]
	if !ok || c.Only == nil || len(c.SkipTemplates) > 0 || e.peeks == maxPeeks || e.writes != i.writes.Load() ||
		c.Now.Before(e.lookedAt) || !c.Now.Before(e.until) || c.Now.Before(i.noPeeks) {
		return idleClaim{}, false
	}
	if next := e.claimed.Next; !next.IsZero() && !c.Now.Before(next) {
		return idleClaim{}, false
	}
	return e, true
}

// notePeek notes that a peek found nothing.
func (i *idleClaims) notePeek(at time.Time, key string, e idleClaim) {
	e.lookedAt = at
	e.peeks++
	i.mu.Lock()
	defer i.mu.Unlock()
	if now, ok := i.byLanes[key]; ok && now.writes == e.writes {
		i.byLanes[key] = e
	}
}

// noteClaim remembers a claim if it found nothing and was slow. Writes is the number of writes
// before it.
func (i *idleClaims) noteClaim(c smsplus.Claim, key string, claimed smsplus.Claimed, took time.Duration, writes int64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(claimed.Messages)+len(claimed.Unreadable) > 0 || took < slowClaim || c.Only == nil || len(c.SkipTemplates) > 0 {
		delete(i.byLanes, key)
		return
	}
	if i.byLanes == nil || len(i.byLanes) >= maxIdleClaims {
		i.byLanes = make(map[string]idleClaim)
	}
	claimed.Passed = slices.Clone(claimed.Passed)
	i.byLanes[key] = idleClaim{
		claimed: claimed, writes: writes, lookedAt: c.Now, until: c.Now.Add(min(peeksPerClaim*took, maxPeekTime)),
	}
}

// claimOrPeek is Claim for messages of the lanes. If a peek may stand in for the claim and
// finds nothing, it returns what the last claim found.
func (s *Store) claimOrPeek(ctx context.Context, c smsplus.Claim, lanes, skipped []string) (smsplus.Claimed, error) {
	key := lanesKey(lanes)
	if e, ok := s.idle.find(c, key); ok {
		var due bool
		err := s.pool.QueryRow(ctx, s.statements.peek, lanes, e.lookedAt.Add(-peekMargin), c.Now).Scan(&due)
		if err != nil {
			return smsplus.Claimed{}, err
		}
		if !due {
			s.idle.notePeek(c.Now, key, e)
			e.claimed.Passed = slices.Clone(e.claimed.Passed)
			return e.claimed, nil
		}
	}
	writes := s.idle.writes.Load()
	claimed, took, err := s.claimOnce(ctx, c, lanes, skipped)
	if err != nil {
		return smsplus.Claimed{}, err
	}
	if len(claimed.Messages)+len(claimed.Unreadable) > 0 {
		s.idle.noteWrite()()
	}
	s.idle.noteClaim(c, key, claimed, took, writes)
	return claimed, nil
}
