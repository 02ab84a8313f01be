package storetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// idsOn returns the IDs of a recipient. Each pair is a channel and the ID on it.
func idsOn(pairs ...string) map[channel.Name]string {
	ids := map[channel.Name]string{}
	for i := 0; i < len(pairs); i += 2 {
		ids[channel.Name(pairs[i])] = pairs[i+1]
	}
	return ids
}

// messageToIDs returns the nth sample to a person who has IDs and no number.
func messageToIDs(n int, pairs ...string) smsplus.Message {
	m := newMessage(n)
	m.To = channel.Recipient{IDs: idsOn(pairs...)}
	return m
}

func testRecipientIDs(t *testing.T, s smsplus.Store) {
	ms := []smsplus.Message{
		messageToIDs(1, "line_push", "U4af4980629"),
		messageToIDs(2, "chat", "ann@example.com"),
		messageToIDs(3, "line_push", "U1", "line_shop", "U2", "whatsapp", "TW.13491208655302741918", "chat", "U1"),
		messageToIDs(4, "push", strings.Repeat("長", 341)+"x"), // 1,024 bytes
		newMessage(5),
	}
	ms[4].To.IDs = idsOn("chat", "bob@example.com")
	mustInsert(t, s, ms...)
	for _, m := range ms {
		requireMessage(t, s, m, "Insert keeps every ID")
	}
	mustUpdate(t, s, ms...)
	for _, m := range ms {
		m.Version++
		requireMessage(t, s, m, "Update keeps every ID")
		for _, id := range m.To.IDs {
			requireMessages(t, []smsplus.Message{m}, mustListAll(t, s, smsplus.Filter{RecipientID: id, Template: "otp", From: m.TriggeredAt, To: m.TriggeredAt.Add(1)}),
				"each of the IDs finds the message, once")
		}
	}
}

func testRecordsRecipientID(t *testing.T, s smsplus.Store) {
	var ms []smsplus.Message
	for n, id := range append(trickyTexts, "U4af4980629", "u4af4980629", "U4af498062", "U4af4980629 ") {
		ms = append(ms, messageToIDs(n, "chat", id))
	}
	mustInsert(t, s, ms...)
	for i, m := range ms {
		f := smsplus.Filter{RecipientID: m.To.IDs["chat"]}
		require.Equal(t, ids(ms[i:i+1]), ids(mustPage(t, s, f).Messages), "an ID finds only its own messages")
		require.Equal(t, 1, totalTriggered(mustStats(t, s, f)), "an ID is counted separately")
	}

	shared := []smsplus.Message{
		messageToIDs(101, "line_push", "shared"),
		messageToIDs(102, "chat", "shared"),
		messageToIDs(103, "line_push", "other", "chat", "shared"),
		messageToIDs(104, "line_push", "shared", "chat", "shared"),
		messageToIDs(105, "chat", "other"),
		newMessage(106),
	}
	shared[1].To.Phone, shared[2].Template, shared[3].TriggeredAt = phones[1], "order", atMinute(200)
	shared[0].Status = status.Delivered
	mustInsert(t, s, shared...)
	for _, f := range []smsplus.Filter{
		{},
		{Phone: phones[1]},
		{CountryCode: "886"},
		{Template: "order"},
		{Group: status.Sent},
		{From: atMinute(150)},
		{To: atMinute(150)},
		{Channel: channel.SMS},
	} {
		f.RecipientID = "shared"
		want := matchingMessages(shared, f)
		for _, f.Limit = range []int{1, 2, 7} {
			requireMessages(t, want, mustListAll(t, s, f), "an ID on any channel finds a message, once: %+v", f)
		}
		requireStats(t, s, shared, f)
	}
	for _, id := range []string{"unknown", phones[1].E164(), messageID(101).String()} {
		require.Empty(t, mustListAll(t, s, smsplus.Filter{RecipientID: id}), "an ID that no recipient has finds nothing")
	}
}

// eraserOf returns the store as an Eraser, or skips the test.
func eraserOf(t *testing.T, s smsplus.Store) smsplus.Eraser {
	t.Helper()
	e, ok := s.(smsplus.Eraser)
	if !ok {
		t.Skip("the store is no Eraser")
	}
	return e
}

// erased returns what is left of a message.
func erased(m smsplus.Message) smsplus.Message {
	m = clone(m)
	m.To, m.Vars, m.Metadata = channel.Recipient{}, nil, nil
	for i := range m.Attempts {
		m.Attempts[i].Detail, m.Attempts[i].ProviderID = "", ""
	}
	m.Version++
	return m
}

func testErase(t *testing.T, s smsplus.Store) {
	e := eraserOf(t, s)
	gone, kept := fullMessage(1), fullMessage(2)
	gone.DueAt, kept.DueAt = time.Time{}, time.Time{}
	kept.To = channel.Recipient{Phone: phones[2], IDs: idsOn("line_push", "U2")}
	mustInsert(t, s, gone, kept)
	refs := []channel.Ref{attemptRef(gone.Attempts[0]), attemptRef(kept.Attempts[0])}
	mustPark(t, s, newReceipt(1, refs[0]), newReceipt(2, refs[1]))

	n, err := e.Erase(t.Context(), gone.To)
	require.NoError(t, err)
	require.Equal(t, 1, n, "Erase returns how many messages it erased")
	requireMessage(t, s, erased(gone), "Erase removes what identifies a person, and nothing else")
	requireMessage(t, s, kept, "Erase leaves other people's messages alone")
	left := []smsplus.Message{erased(gone), kept}
	requireSelected(t, s, left, smsplus.Filter{Reference: gone.Reference}, "the reference finds an erased message")
	requireSelected(t, s, left, smsplus.Filter{Channel: channel.LINEPush, Reason: status.Blocked}, "the reason finds an erased message")
	requireSelected(t, s, left, smsplus.Filter{ProviderID: gone.Attempts[0].ProviderID}, "the provider's ID finds no erased message")
	requireReceipts(t, s, []channel.Receipt{newReceipt(2, refs[1])}, refs, "Erase drops the receipts that are parked for the person's messages")
	require.Empty(t, mustFindByProviderID(t, s, refs[0]), "no receipt finds an erased message")
	for _, f := range []smsplus.Filter{{Phone: gone.To.Phone}, {RecipientID: gone.To.IDs[channel.LINEPush]}, {RecipientID: gone.To.IDs["chat"]}} {
		require.Empty(t, mustListAll(t, s, f), "neither number nor ID finds an erased message")
		require.Empty(t, mustStats(t, s, f), "neither number nor ID counts an erased message")
	}
	require.Equal(t, 2, totalTriggered(mustStats(t, s, smsplus.Filter{})), "an erased message is still counted")
	require.Equal(t, 3, mustPurge(t, s, atMinute(100), noLimit), "an erased message is purged like any other: with the other one and its receipt")
}

func testErasePerson(t *testing.T, s smsplus.Store) {
	e := eraserOf(t, s)
	ms := []smsplus.Message{
		newMessage(1), // to phones[1]
		messageToIDs(2, "line_push", "U1"),
		messageToIDs(3, "line_push", "U1", "chat", "ann"),
		messageToIDs(4, "chat", "ann"),
		newMessage(5),
		messageToIDs(6, "chat", "bob"),
	}
	ms[4].To = channel.Recipient{Phone: phones[1], IDs: idsOn("chat", "ann")}
	for i := range ms {
		ms[i].DueAt = time.Time{}
	}
	mustInsert(t, s, ms...)
	for _, c := range []struct {
		person channel.Recipient
		erases []int // indexes of ms
	}{
		{channel.Recipient{}, nil},
		{channel.Recipient{IDs: idsOn("chat", "")}, nil},
		{channel.Recipient{Phone: phones[2], IDs: idsOn("chat", "nobody")}, nil},
		{channel.Recipient{IDs: idsOn("line_push", "U1")}, []int{1, 2}},
		{channel.Recipient{Phone: phones[1], IDs: idsOn("chat", "ann")}, []int{0, 3, 4}},
		{channel.Recipient{IDs: idsOn("chat", "bob", "line_push", "U1")}, []int{5}},
	} {
		n, err := e.Erase(t.Context(), c.person)
		require.NoError(t, err)
		require.Equal(t, len(c.erases), n, "Erase returns how many messages it erased")
		for _, i := range c.erases {
			ms[i] = erased(ms[i])
		}
		for _, m := range ms {
			requireMessage(t, s, m, "Erase erases the messages to the number and to each ID")
		}
	}
}

func testErasePublishes(t *testing.T, s smsplus.Store) {
	e := eraserOf(t, s)
	waits, held := newMessage(1), newMessage(3)
	held.To = waits.To
	for _, m := range []*smsplus.Message{&waits, &held} {
		m.Lane, m.DueAt, m.Sending, m.Status = smsplus.OutcomeLane, atMinute(1), -1, status.Delivered
	}
	held.Claims, held.Holder, held.DueAt = 1, 7, atMinute(90)
	mustInsert(t, s, waits, held)
	n, err := e.Erase(t.Context(), waits.To)
	require.NoError(t, err, "a message whose outcomes are to be published has ended")
	require.Equal(t, 2, n)
	requireMessage(t, s, erased(waits), "it is erased")
	requireMessage(t, s, erased(held), "and so is one that a dispatcher publishes at the moment")
	claimed := mustClaim(t, s, smsplus.Claim{Now: atMinute(2), Lease: time.Minute, Limit: 5, Only: []channel.Name{smsplus.OutcomeLane}}).Messages
	require.Len(t, claimed, 1, "its outcomes stay due")
	require.Zero(t, mustPurge(t, s, atMinute(1000), noLimit), "and it is not purged before")
}

func testEraseOtherChannel(t *testing.T, s smsplus.Store) {
	e := eraserOf(t, s)
	person, other, open := messageToIDs(1, "chat", "17"), messageToIDs(2, "forum", "17"), messageToIDs(3, "forum", "17")
	person.DueAt, other.DueAt = time.Time{}, time.Time{}
	other.To.IDs["chat"] = "18"
	mustInsert(t, s, person, other, open)
	n, err := e.Erase(t.Context(), channel.Recipient{IDs: idsOn("chat", "17")})
	require.NoError(t, err, "an open message to another person's equal ID is not the person's")
	require.Equal(t, 1, n, "an equal ID on another channel is another person's")
	requireMessage(t, s, erased(person), "the person's message is erased")
	for _, m := range []smsplus.Message{other, open} {
		requireMessage(t, s, m, "another person's equal ID on another channel is left alone")
	}
	requireMessages(t, []smsplus.Message{open, other}, mustListAll(t, s, smsplus.Filter{RecipientID: "17"}), "the other person is still found")
}

func testEraseOpen(t *testing.T, s smsplus.Store) {
	e := eraserOf(t, s)
	open, ended := messageToIDs(1, "chat", "ann"), messageToIDs(2, "chat", "ann")
	open.To.Phone, ended.DueAt = phones[1], time.Time{}
	mustInsert(t, s, open, ended)
	person := channel.Recipient{Phone: phones[1], IDs: idsOn("chat", "ann")}
	n, err := e.Erase(t.Context(), person)
	require.ErrorIs(t, err, smsplus.ErrNotFinal, "Erase reports messages that have not ended")
	require.NotContains(t, err.Error(), "2 were left", "a message that is found by number and by ID counts once")
	require.Equal(t, 1, n, "Erase erases the others")
	requireMessage(t, s, open, "a message that has not ended is left alone")
	requireMessage(t, s, erased(ended), "a message that has ended is erased")

	open.DueAt = time.Time{}
	mustUpdate(t, s, open)
	open.Version++
	n, err = e.Erase(t.Context(), person)
	require.NoError(t, err)
	require.Equal(t, 1, n, "Erase erases a message once it has ended")
	requireMessage(t, s, erased(open), "a message that has ended is erased")
	require.False(t, slices.ContainsFunc(mustListAll(t, s, smsplus.Filter{}), func(m smsplus.Message) bool { return !m.To.IsZero() }))
}
