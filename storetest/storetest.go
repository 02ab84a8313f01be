// Package storetest tests that a store keeps the contract of [smsplus.Store]. The suite
// knows nothing of how a store works, so it serves stores in memory, in a file and on a
// server. A store that passes needs no other test of the contract.
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
// Each subtest is one rule, and its name is the rule. Use the race detector too: several
// rules call the store from many goroutines.
//
// The suite accepts everything that the contract leaves open:
//   - nil and empty maps, slices and results are equal.
//   - Stored times are compared to the microsecond.
//   - No text is invalid UTF-8 or holds a zero byte.
//   - Nothing is equal where the order matters and the contract does not define it.
//
// [Model] is the reference: a whole store in one short file. [Faulty] is a store that
// fails when a test tells it to, for tests of code that uses a store.
package storetest

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/smsplus"
)

// Run tests every rule in a parallel subtest with a store of its own.
//
// The function open returns an empty store that nothing else uses, or fails the test.
// Run calls it once for each rule, from several goroutines. Run never calls Close, so
// that stores may share a pool: open arranges it with t.Cleanup.
//
// The last rule makes random calls with rapid, Erase included if the store is a
// [smsplus.Eraser]. The flag -rapid.checks sets how many sequences it tries.
//
// If the store is a [smsplus.Eraser], Run also tests Erase. If it is a [Damager], Run also tests
// what it does with a message that cannot be read.
func Run(t *testing.T, open func(t *testing.T) smsplus.Store) {
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			r.test(t, open(t))
		})
	}
}

// Damager is a store that can damage a message, for the rules about messages that cannot
// be read. A test usually wraps its store to make one:
//
//	type damageable struct {
//		*mystore.Store
//		path string
//	}
//
//	func (d damageable) Damage(ctx context.Context, id uuid.UUID) error { … }
//
// A store in which no message can be unreadable is none, and Run skips these rules for it.
type Damager interface {
	// Damage makes a stored message unreadable, such as by cutting off its last bytes, or
	// by sealing it with a key that the store has not.
	Damage(ctx context.Context, id uuid.UUID) error
}

// rule is one demand of the contract. Its test is given an empty store.
type rule struct {
	name string
	test func(t *testing.T, s smsplus.Store)
}

func rules() []rule {
	return []rule{
		{"every field of a message is kept", testEveryField},
		{"a confirmation is no cancellation", testConfirmation},
		{"text of any script is kept", testAnyScript},
		{"long text is kept", testLongText},
		{"a recipient has an ID on each of several channels", testRecipientIDs},
		{"times are kept to the microsecond and come back in UTC", testMicrosecondsUTC},
		{"every call returns the whole message", testWholeMessage},
		{"the store shares no memory with its caller", testNothingShared},
		{"large batches are accepted", testLargeBatches},
		{"extreme values are kept", testExtremeValues},
		{"a limit may be as high as an int32", testHighestLimit},
		{"a call with an empty argument does nothing", testEmptyCalls},
		{"an ended context is an error and does no harm", testEndedContext},
		{"a call that is repeated after its answer was lost sees what the first one did", testLostAnswers},

		{"Insert adds all messages or none", testInsertAllOrNone},
		{"Insert returns the message that has each taken key", testInsertTakenKeys},
		{"messages without a key never collide", testInsertWithoutKey},
		{"keys are compared exactly", testInsertExactKeys},
		{"a message may be inserted already claimed", testInsertClaimed},
		{"an Insert whose context ends meanwhile adds all messages or none", testInsertCanceled},
		{"of concurrent inserts with one key, one wins", testInsertRace},

		{"Claim takes messages that are due by now, and none that are due later", testClaimDue},
		{"Claim takes the earliest first, up to its limit", testClaimOrder},
		{"Claim takes from its lanes only", testClaimLanes},
		{"Claim skips templates", testClaimSkipsTemplates},
		{"Claim leases the messages that it returns", testClaimLeases},
		{"a message falls due again when its lease ends", testClaimLeaseEnd},
		{"Claimed.Due is when each claimed message was due", testClaimedDue},
		{"Claimed.Next is when the first unclaimed message is due", testClaimedNext},
		{"Claimed.Passed are the other lanes, each with its earliest due time", testClaimedPassed},
		{"a message without a due time is never claimed", testClaimNeverDue},
		{"an update moves a message in the queue", testUpdateRequeues},
		{"no message is returned by two claims", testClaimRace},

		{"SetAside gives back a claimed message until a later time", testSetAside},
		{"SetAside leaves stale messages alone", testSetAsideStale},

		{"Update replaces the message and raises its version", testUpdateReplaces},
		{"Update keeps a hold that it is given", testUpdateKeepsHold},
		{"Update leaves stale messages alone and returns their IDs", testUpdateStale},
		{"Update does not add a message", testUpdateUnknown},
		{"Update keeps the fields that the trigger fixed", testUpdateKeepsTrigger},
		{"of concurrent updates of one version, one wins", testUpdateRace},
		{"concurrent updates of many messages in any order do not deadlock", testUpdateLockOrder},

		{"Message returns ErrNotFound for a message that the store does not hold", testMessageNotFound},
		{"ByProviderID finds the messages of all refs, each once", testByProviderID},
		{"ByProviderID tells channels apart", testByProviderIDChannel},
		{"ByProviderID follows an update", testByProviderIDUpdate},

		{"every field of a parked receipt is kept", testParkWhole},
		{"equal receipts are parked once, and different ones are all kept", testParkOnce},
		{"Parked returns only the receipts of its refs", testParkedRefs},
		{"Unpark drops only the receipts of its refs", testUnparkRefs},
		{"pages of ListParked hold every receipt once", testListParked},
		{"receipts that come and go between two pages of ListParked neither hide nor repeat others", testListParkedChanges},
		{"concurrent parking neither loses nor duplicates a receipt", testParkRace},
		{"a receipt and the update that stores its provider ID never miss each other", testParkUpdateRace},

		{"Records come newest trigger first, equal times by ID", testRecordsOrder},
		{"Records include From and exclude To", testRecordsRange},
		{"Records compare text exactly", testRecordsExactText},
		{"Records match combined filters", testRecordsFilters},
		{"Records and Stats of a key are those of its message", testRecordsKey},
		{"Records and Stats find a recipient's ID exactly, on any channel", testRecordsRecipientID},
		{"Records and Stats of a reference are those of its messages", testRecordsReference},
		{"Records and Stats of a scenario are those of its messages", testRecordsScenario},
		{"Records and Stats select by the channel, reason and provider's ID of one attempt", testRecordsAttempt},
		{"Records follow an update", testRecordsUpdate},
		{"pages of any size hold every record once", testRecordsPages},
		{"the last page has no Next, and every other page has one", testRecordsLastPage},
		{"a page holds DefaultLimit records if the filter sets no limit", testRecordsDefaultLimit},
		{"messages added between two pages neither shift nor repeat records", testRecordsAdded},
		{"messages updated between two pages neither shift nor repeat records", testRecordsUpdated},
		{"a cursor stays valid after its message is purged", testRecordsPurgedCursor},
		{"an invalid filter is refused", testInvalidFilter},

		{"Stats count messages by their status", testStatsMessages},
		{"Stats of a channel count its attempts", testStatsAttempts},
		{"Stats come in the order of the templates' bytes", testStatsOrder},
		{"Stats match combined filters", testStatsFilters},
		{"Stats of any range equal a recount", testStatsRanges},
		{"Stats follow updates", testStatsUpdates},
		{"Stats ignore Limit and After", testStatsIgnorePaging},

		{"StatsBy count messages by template, scenario and reason", testStatsByMessages},
		{"StatsBy of a channel count its attempts", testStatsByAttempts},
		{"StatsBy hours and days are those of the time zone", testStatsByZone},
		{"StatsBy hours and days are right where clocks change", testStatsByClockChange},
		{"StatsBy time the deliveries of messages and attempts", testStatsByTimes},
		{"StatsBy come in order of start, template, scenario, channel and reason", testStatsByOrder},
		{"StatsBy match combined filters and dimensions", testStatsByFilters},
		{"StatsBy follow updates and purges", testStatsByUpdates},
		{"StatsBy ignore Limit and After", testStatsByIgnorePaging},
		{"an invalid grouping is refused", testInvalidGrouping},

		{"Purge drops ended messages and receipts from before the time, and nothing else", testPurgeBefore},
		{"Purge drops the oldest first, up to its limit", testPurgeOldest},
		{"Purge leaves nothing of a message behind", testPurgeWhole},

		{"Erase removes what identifies a person, and keeps the counts", testErase},
		{"Erase finds a person by number or by ID", testErasePerson},
		{"Erase erases an ended message of which outcomes are to be published", testErasePublishes},
		{"Erase leaves an equal ID on another channel alone", testEraseOtherChannel},
		{"Erase leaves messages that have not ended, and says so", testEraseOpen},

		{"Claim names a message that it cannot read, and returns the others", testUnreadableClaim},
		{"Records name the messages that they cannot read, and return the others", testUnreadableRecords},
		{"Records and statistics of a channel, a reason or a provider's ID skip messages that they cannot read", testUnreadableAttempts},
		{"Message and Insert return ErrUnreadable for a message that they cannot read", testUnreadableMessage},
		{"ByProviderID leaves out a message that it cannot read", testUnreadableByProviderID},
		{"Stats count the others when a message cannot be read", testUnreadableStats},
		{"StatsBy count the others when a message cannot be read", testUnreadableStatsBy},
		{"Purge drops a message that cannot be read", testUnreadablePurge},

		{"a pause is kept until it is cleared", testPauseKept},
		{"SetPause keeps a pause that is there already", testSetPauseTwice},
		{"ClearPause drops the pause of its channel or template, and no other", testClearPause},
		{"Pauses come in the order of the bytes of channels and templates", testPausesOrder},
		{"an invalid pause is refused", testInvalidPause},
		{"every field of a heartbeat is kept", testHeartbeatWhole},
		{"Beat replaces the heartbeat with its ID", testBeatReplaces},
		{"Beat drops heartbeats that are over, its own included", testBeatDrops},
		{"Heartbeats are those that are not over, the oldest run first", testHeartbeatsOrder},
		{"Backlog counts the messages of each lane that are due", testBacklogDue},
		{"Backlog comes in the order of the lanes' bytes", testBacklogOrder},
		{"Backlog counts messages that are set aside, until they change", testBacklogSetAside},
		{"Backlog counts messages that cannot be read", testUnreadableBacklog},

		{"Changes list each message once, in the order of its last change", testChangesOnce},
		{"Changes leave out claims and what is set aside", testChangesClaims},
		{"Changes list erased messages", testChangesErased},
		{"Changes leave out what is purged, and continue after it", testChangesPurged},
		{"Changes refuse a position that the store did not give", testChangesPosition},
		{"Changes miss nothing while many write", testChangesConcurrent},
		{"Changes name the messages that they cannot read, and return the others", testUnreadableChanges},

		{"concurrent calls of all methods leave the store consistent", testConcurrentCalls},
		{"random calls return what a Model returns", testRandomCalls},
	}
}
