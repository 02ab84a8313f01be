// Package storetest proves that a store keeps the contract of [smsplus.Store]. It
// knows nothing of how a store works, so that one suite serves all: in memory, in
// a file, on a server. A store that passes needs no other test of the contract.
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) smsplus.Store {
//			store, err := mystore.Open(t.TempDir())
//			require.NoError(t, err)
//			t.Cleanup(func() { require.NoError(t, store.Close()) })
//			return store
//		})
//	}
//
// One rule is one subtest, and its name is the rule. Run it under the race
// detector too: several rules put a store to use from many goroutines.
//
// What the contract leaves open the suite leaves open: it takes nil and empty
// maps, slices and results as equal, compares nothing finer than a microsecond in
// what is stored, never hands over text that is no valid UTF-8 or holds a zero
// byte, and never ties where the order would matter and is not defined.
//
// [Faulty] is for tests of what stands on a store.
package storetest

import (
	"testing"

	"github.com/smsplus/smsplus-go/smsplus"
)

// Run proves the rules, each in a parallel subtest with a store of its own.
//
// Open returns an empty store that nothing else uses, or ends the test. It is
// called once a rule, and so from several goroutines. Closing the store is open's
// to arrange, with t.Cleanup: Run does not call Close, so that a test may hand out
// stores that share a pool.
//
// The last rule makes random calls with rapid, among them Erase if the store is a
// [smsplus.Eraser]; -rapid.checks makes it look longer.
func Run(t *testing.T, open func(t *testing.T) smsplus.Store) {
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			r.prove(t, open(t))
		})
	}
}

// rule is one demand of the contract and its proof on an empty store.
type rule struct {
	name  string
	prove func(t *testing.T, s smsplus.Store)
}

func rules() []rule {
	return []rule{
		{"every field of a message is kept", everyField},
		{"text of any script is kept", anyScript},
		{"long text is kept", longText},
		{"times are kept to the microsecond and come back in UTC", microsecondsUTC},
		{"every call returns the whole message", wholeMessage},
		{"what the caller changes afterwards is not the store's", nothingShared},
		{"large batches are taken", largeBatches},
		{"a call about nothing does nothing", emptyCalls},
		{"an ended context is an error and does no harm", endedContext},

		{"Insert adds all messages or none", insertAllOrNone},
		{"Insert says who has each taken key", insertTaken},
		{"messages without a key never collide", insertWithoutKey},
		{"keys are compared exactly", exactKeys},
		{"a message may come already claimed", insertClaimed},
		{"an Insert that is cut off adds all messages or none", insertCutOff},
		{"of concurrent inserts with one key, one wins", insertRace},

		{"Claim takes what is due by now and nothing later", claimDue},
		{"Claim takes the earliest first, up to its limit", claimOrder},
		{"Claim leaves excepted channels alone", claimExcept},
		{"Claim leases what it takes", claimLeases},
		{"a message falls due again when its lease ends", leaseEnds},
		{"Claimed.DueAt is when the first message had been due", claimedDueAt},
		{"Claimed.Next is when the first message that stayed is due", claimedNext},
		{"a message without a due time is never claimed", neverDue},
		{"an update moves a message in the queue", updateRequeues},
		{"no message is returned by two claims", claimRace},

		{"Update replaces the message, raises its version and resets its claims", updateReplaces},
		{"Update leaves alone what has moved on, and says so", updateStale},
		{"Update does not add a message", updateUnknown},
		{"Update keeps what the trigger fixed", updateKeepsTrigger},
		{"of concurrent updates of one version, one wins", updateRace},
		{"concurrent updates of many messages in any order all end", updateOrders},

		{"Message returns ErrNotFound for what the store does not hold", messageNotFound},
		{"ByProviderID finds the messages of all refs, each once", byProviderID},
		{"ByProviderID tells channels apart", byProviderIDChannel},
		{"ByProviderID follows an update", byProviderIDUpdate},

		{"a parked receipt comes back whole", parkWhole},
		{"equal receipts are parked once, and any other is kept", parkOnce},
		{"Parked returns the receipts of its refs alone", parkedRefs},
		{"Unpark drops the receipts of its refs alone", unparkRefs},
		{"concurrent parking neither loses nor doubles a receipt", parkRace},
		{"a receipt and the update that names its message never miss each other", parkUpdateRace},

		{"Records come newest trigger first, equal times by ID", recordsOrder},
		{"Records include From and exclude To", recordsRange},
		{"Records compare text exactly", recordsExactText},
		{"Records match every combination of filters", recordsFilters},
		{"Records follow an update", recordsUpdate},
		{"pages of any size hold every record once", recordsPages},
		{"the last page says so, and only the last", recordsLastPage},
		{"a page holds DefaultLimit records unless the filter says", recordsDefaultLimit},
		{"messages added meanwhile neither shift nor repeat a page", recordsAdded},
		{"messages updated meanwhile neither shift nor repeat a page", recordsUpdated},
		{"a cursor outlives the message that it names", recordsPurgedCursor},
		{"a filter that is wrong is refused", badFilter},

		{"Stats count messages by their status", statsMessages},
		{"Stats of a channel count its attempts", statsAttempts},
		{"Stats come in the order of the templates' bytes", statsOrder},
		{"Stats match every combination of filters", statsFilters},
		{"Stats of any range equal a recount", statsRanges},
		{"Stats follow updates", statsUpdates},
		{"Stats ignore Limit and After", statsWithoutPages},

		{"Purge drops what ended before the time, and nothing else", purgeBefore},
		{"Purge drops the oldest first, up to its limit", purgeOldest},
		{"Purge leaves nothing of a message behind", purgeWhole},

		{"everything at once leaves the store whole", everythingAtOnce},
		{"any sequence of calls ends as the contract says", anySequence},
	}
}
