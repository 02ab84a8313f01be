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
			r.test(t, open(t))
		})
	}
}

// rule is one demand of the contract and its proof on an empty store.
type rule struct {
	name string
	test func(t *testing.T, s smsplus.Store)
}

func rules() []rule {
	return []rule{
		{"every field of a message is kept", testEveryField},
		{"text of any script is kept", testAnyScript},
		{"long text is kept", testLongText},
		{"times are kept to the microsecond and come back in UTC", testMicrosecondsUTC},
		{"every call returns the whole message", testWholeMessage},
		{"what the caller changes afterwards is not the store's", testNothingShared},
		{"large batches are taken", testLargeBatches},
		{"a call about nothing does nothing", testEmptyCalls},
		{"an ended context is an error and does no harm", testEndedContext},

		{"Insert adds all messages or none", testInsertAllOrNone},
		{"Insert says who has each taken key", testInsertTakenKeys},
		{"messages without a key never collide", testInsertWithoutKey},
		{"keys are compared exactly", testInsertExactKeys},
		{"a message may come already claimed", testInsertClaimed},
		{"an Insert that is cut off adds all messages or none", testInsertCanceled},
		{"of concurrent inserts with one key, one wins", testInsertRace},

		{"Claim takes what is due by now and nothing later", testClaimDue},
		{"Claim takes the earliest first, up to its limit", testClaimOrder},
		{"Claim leaves excepted channels alone", testClaimExcludedLanes},
		{"Claim leases what it takes", testClaimLeases},
		{"a message falls due again when its lease ends", testClaimLeaseEnd},
		{"Claimed.DueAt is when the first message had been due", testClaimedDueAt},
		{"Claimed.Next is when the first message that stayed is due", testClaimedNext},
		{"a message without a due time is never claimed", testClaimNeverDue},
		{"an update moves a message in the queue", testUpdateRequeues},
		{"no message is returned by two claims", testClaimRace},

		{"Update replaces the message, raises its version and resets its claims", testUpdateReplaces},
		{"Update leaves alone what has moved on, and says so", testUpdateStale},
		{"Update does not add a message", testUpdateUnknown},
		{"Update keeps what the trigger fixed", testUpdateKeepsTrigger},
		{"of concurrent updates of one version, one wins", testUpdateRace},
		{"concurrent updates of many messages in any order all end", testUpdateLockOrder},

		{"Message returns ErrNotFound for what the store does not hold", testMessageNotFound},
		{"ByProviderID finds the messages of all refs, each once", testByProviderID},
		{"ByProviderID tells channels apart", testByProviderIDChannel},
		{"ByProviderID follows an update", testByProviderIDUpdate},

		{"a parked receipt comes back whole", testParkWhole},
		{"equal receipts are parked once, and any other is kept", testParkOnce},
		{"Parked returns the receipts of its refs alone", testParkedRefs},
		{"Unpark drops the receipts of its refs alone", testUnparkRefs},
		{"concurrent parking neither loses nor doubles a receipt", testParkRace},
		{"a receipt and the update that names its message never miss each other", testParkUpdateRace},

		{"Records come newest trigger first, equal times by ID", testRecordsOrder},
		{"Records include From and exclude To", testRecordsRange},
		{"Records compare text exactly", testRecordsExactText},
		{"Records match every combination of filters", testRecordsFilters},
		{"Records follow an update", testRecordsUpdate},
		{"pages of any size hold every record once", testRecordsPages},
		{"the last page says so, and only the last", testRecordsLastPage},
		{"a page holds DefaultLimit records unless the filter says", testRecordsDefaultLimit},
		{"messages added meanwhile neither shift nor repeat a page", testRecordsAdded},
		{"messages updated meanwhile neither shift nor repeat a page", testRecordsUpdated},
		{"a cursor outlives the message that it names", testRecordsPurgedCursor},
		{"a filter that is wrong is refused", testInvalidFilter},

		{"Stats count messages by their status", testStatsMessages},
		{"Stats of a channel count its attempts", testStatsAttempts},
		{"Stats come in the order of the templates' bytes", testStatsOrder},
		{"Stats match every combination of filters", testStatsFilters},
		{"Stats of any range equal a recount", testStatsRanges},
		{"Stats follow updates", testStatsUpdates},
		{"Stats ignore Limit and After", testStatsIgnorePaging},

		{"Purge drops what ended before the time, and nothing else", testPurgeBefore},
		{"Purge drops the oldest first, up to its limit", testPurgeOldest},
		{"Purge leaves nothing of a message behind", testPurgeWhole},

		{"everything at once leaves the store whole", testConcurrentCalls},
		{"any sequence of calls ends as the contract says", testRandomCalls},
	}
}
