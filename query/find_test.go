package query_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/phone/national"
	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// findable returns a message that is found by its number and each of its texts.
func findable(t testing.TB, n byte, number, key, providerID, reference, recipientID string) smsplus.Message {
	t.Helper()
	m := smsplus.Message{
		ID: uuid.UUID{15: n}, Template: "otp", Key: key, Reference: reference, TriggeredAt: now.Add(-time.Duration(n) * time.Minute),
		Status: status.Accepted, Attempts: []smsplus.Attempt{{Channel: channel.SMS, Status: status.Accepted, ProviderID: providerID}},
	}
	if number != "" {
		m.To.Phone = parsePhone(t, number)
	}
	if recipientID != "" {
		m.To.IDs = map[channel.Name]string{"chat": recipientID}
	}
	return m
}

func storeOf(t testing.TB, ms ...smsplus.Message) *memstore.Store {
	t.Helper()
	s := memstore.New()
	_, err := s.Insert(t.Context(), ms)
	require.NoError(t, err)
	return s
}

// shownMatches returns the kinds of what was found, each with the last bytes of the IDs.
func shownMatches(found query.Found) string {
	var all []string
	for _, match := range found.Matches {
		words := []string{match.Kind.String()}
		for _, m := range match.Page.Messages {
			words = append(words, fmt.Sprint(m.ID[15]))
		}
		all = append(all, strings.Join(words, " "))
	}
	return strings.Join(all, ", ")
}

func TestFind_SaysWhatTheTextIs(t *testing.T) {
	t.Parallel()
	s := storeOf(t,
		findable(t, 1, "+886912345678", "order-1", "SM1", "batch-7", "ann@example.com"),
		findable(t, 2, "+886912345678", "order-2", "SM2", "batch-7", ""),
		findable(t, 3, "+447700900123", "batch-7", "order-1", "", "U1"),
		findable(t, 4, "", "", "0912345678", "", "+886912345678"),
	)
	r := query.New(s, query.Options{Clock: mockClock(now), Region: "TW"})
	for text, want := range map[string]string{
		"00000000-0000-0000-0000-000000000002":   "message_id 2",
		" 00000000-0000-0000-0000-000000000002 ": "message_id 2",
		"{00000000-0000-0000-0000-000000000002}": "message_id 2",
		"0912-345-678":                           "phone_number 1 2",
		"０９１２ ３４５ ６７８":                           "phone_number 1 2",
		"+886 912 345 678":                       "phone_number 1 2",
		"00886912345678":                         "phone_number 1 2",
		"886912345678":                           "phone_number 1 2",
		"447700900123":                           "phone_number 3",
		"+886912345678":                          "phone_number 1 2, recipient_id 4",
		"0912345678":                             "phone_number 1 2, provider_id 4",
		"order-1":                                "key 1, provider_id 3",
		"batch-7\n":                              "key 3, reference 1 2",
		"SM2":                                    "provider_id 2",
		"ann@example.com":                        "recipient_id 1",
		"Ann@example.com":                        "",
		"U1":                                     "recipient_id 3",
		"00000000-0000-0000-0000-000000000009":   "",
		"+886900000001":                          "",
		"unknown":                                "",
		"":                                       "",
		" ":                                      "",
		"order-1\x00":                            "",
		"\xff":                                   "",
		strings.Repeat("9", 5000):                "",
	} {
		found, err := r.Find(t.Context(), text)
		require.NoError(t, err, "%q", text)
		require.Equal(t, want, shownMatches(found), "%q", text)
		only, ok := found.Message()
		require.Equal(t, want != "" && strings.Count(want, " ") == 1, ok, "%q", text)
		if ok {
			require.Equal(t, found.Matches[0].Page.Messages[0].ID, only.ID)
		}
	}
}

func TestFind_NumberWithoutRegionHasItsCountryCode(t *testing.T) {
	t.Parallel()
	s := storeOf(t, findable(t, 1, "+886912345678", "", "", "", ""))
	r := query.New(s, query.Options{Clock: mockClock(now)})
	for text, want := range map[string]string{"0912345678": "", "+886912345678": "phone_number 1", "886912345678": "phone_number 1"} {
		found, err := r.Find(t.Context(), text)
		require.NoError(t, err)
		require.Equal(t, want, shownMatches(found), text)
	}
	_, err := query.New(s, query.Options{Region: "XX"}).Find(t.Context(), "0912345678")
	require.ErrorIs(t, err, national.ErrRegion)
	require.ErrorContains(t, err, "Options.Region")
	require.NotContains(t, err.Error(), "0912345678")
}

func TestFind_OneMessageByTwoKindsIsTheOnlyOne(t *testing.T) {
	t.Parallel()
	s := storeOf(t, findable(t, 1, "", "order-1", "", "order-1", "order-1"))
	found, err := query.New(s, query.Options{Clock: mockClock(now)}).Find(t.Context(), "order-1")
	require.NoError(t, err)
	require.Equal(t, "key 1, reference 1, recipient_id 1", shownMatches(found))
	m, ok := found.Message()
	require.True(t, ok)
	require.Equal(t, byte(1), m.ID[15])
}

// The filter of a match is the link to the rest.
func TestFind_FilterContinuesTheMatch(t *testing.T) {
	t.Parallel()
	var ms []smsplus.Message
	const n = query.MatchLimit + 5
	for i := range n {
		ms = append(ms, findable(t, byte(i+1), "+886912345678", fmt.Sprint("order-", i), "same", "batch-7", "ann"))
	}
	r := query.New(storeOf(t, ms...), query.Options{Clock: mockClock(now), Region: "TW"})
	for _, text := range []string{"0912345678", "same", "batch-7", "ann"} {
		found, err := r.Find(t.Context(), text)
		require.NoError(t, err)
		require.Len(t, found.Matches, 1)
		_, ok := found.Message()
		require.False(t, ok)
		match := found.Matches[0]
		require.Len(t, match.Page.Messages, query.MatchLimit)
		match.Filter.After = match.Page.Next
		rest, err := r.Records(t.Context(), match.Filter)
		require.NoError(t, err)
		require.Len(t, rest.Messages, n-query.MatchLimit)
		require.Equal(t, ms[n-1].ID, rest.Messages[len(rest.Messages)-1].ID)
	}
}

func TestFind_OldMessagesAreFoundByWhatFewHave(t *testing.T) {
	t.Parallel()
	m := findable(t, 1, "+886912345678", "order-1", "SM1", "batch-7", "ann")
	m.TriggeredAt = now.AddDate(-1, 0, 0)
	r := query.New(storeOf(t, m), query.Options{Clock: mockClock(now)})
	for text, want := range map[string]string{
		m.ID.String(): "message_id 1", "order-1": "key 1", "SM1": "provider_id 1",
		"+886912345678": "", "batch-7": "", "ann": "",
	} {
		found, err := r.Find(t.Context(), text)
		require.NoError(t, err)
		require.Equal(t, want, shownMatches(found), text)
	}
}

func TestFind_NamesWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	m := findable(t, 3, "+886912345678", "order-1", "SM1", "batch-7", "ann")
	s := damagedStore(m)
	message := s.MessageFunc
	s.MessageFunc = func(ctx context.Context, id uuid.UUID) (smsplus.Message, error) {
		if id == m.ID {
			return smsplus.Message{}, errDamaged
		}
		return message(ctx, id)
	}
	r := query.New(s, query.Options{Clock: mockClock(now)})
	for _, text := range []string{m.ID.String(), "+886912345678", "order-1", "SM1", "batch-7", "ann"} {
		found, err := r.Find(t.Context(), text)
		require.NoError(t, err)
		require.Len(t, found.Matches, 1)
		require.Empty(t, found.Matches[0].Page.Messages)
		require.Equal(t, m.ID, found.Matches[0].Page.Unreadable[0].ID)
		_, ok := found.Message()
		require.False(t, ok)
	}
}

func TestFind_ErrorRepeatsNoText(t *testing.T) {
	t.Parallel()
	s := mockStore()
	s.RecordsFunc = func(context.Context, smsplus.Filter) (smsplus.Page, error) { return smsplus.Page{}, errBroken }
	s.MessageFunc = func(context.Context, uuid.UUID) (smsplus.Message, error) { return smsplus.Message{}, errBroken }
	r := query.New(s, query.Options{Clock: mockClock(now), Region: "TW"})
	for _, text := range []string{"0912345678", "ann@example.com", "01936000-0000-7000-8000-000000000001"} {
		_, err := r.Find(t.Context(), text)
		require.ErrorIs(t, err, errBroken)
		require.NotContains(t, err.Error(), text)
		require.NotContains(t, err.Error(), "912345678")
	}
}

func TestFound_PrintsNothingOfAPerson(t *testing.T) {
	t.Parallel()
	s := storeOf(t, findable(t, 1, "+886912345678", "order-1", "SM1", "+886912345678", "+886912345678"))
	found, err := query.New(s, query.Options{Clock: mockClock(now)}).Find(t.Context(), "+886912345678")
	require.NoError(t, err)
	require.Len(t, found.Matches, 3)
	printed := fmt.Sprintf("%v %+v %#v %v %+v", found, found, found, found.Matches, found.Matches[0])
	encoded, err := json.Marshal(found)
	require.NoError(t, err)
	require.NotContains(t, printed+string(encoded), "912345678")
	require.Contains(t, printed, "phone_number")
	require.Contains(t, string(encoded), "phone_number")
	require.Equal(t, "TextKind(0) TextKind(99)", fmt.Sprint(query.TextKind(0), " ", query.TextKind(99)))
}

// Whatever names a message finds it.
func TestFind_FindsEveryMessageByEachOfItsNames(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.OneOf(rapid.SampledFrom([]string{"1", "2", "order-1", "0912345678", "+886912345678", "訂單 1"}),
			rapid.StringMatching(`[a-zA-Z0-9@+:#][a-zA-Z0-9@+:#/ -]{0,20}[a-zA-Z0-9]`))
		numbers := rapid.SampledFrom([]string{"", "+886912345678", "+886912345679", "+447700900123", "+12025550123"})
		var ms []smsplus.Message
		keys := map[string]bool{"": true}
		for i := range rapid.IntRange(1, 8).Draw(rt, "messages") {
			key := text.Draw(rt, "key")
			if keys[key] {
				key = ""
			}
			keys[key] = true
			ms = append(ms, findable(t, byte(i+1), numbers.Draw(rt, "number"), key, text.Draw(rt, "provider ID"), text.Draw(rt, "reference"), text.Draw(rt, "recipient ID")))
		}
		r := query.New(storeOf(t, ms...), query.Options{Clock: mockClock(now), Region: "TW"})
		for _, m := range ms {
			names := map[query.TextKind]string{
				query.MessageID: m.ID.String(), query.Key: m.Key, query.ProviderID: m.Attempts[0].ProviderID, query.Reference: m.Reference,
				query.RecipientID: m.To.IDs["chat"], query.PhoneNumber: m.To.Phone.E164(),
			}
			for kind, name := range names {
				if name == "" {
					continue
				}
				found, err := r.Find(t.Context(), name)
				require.NoError(t, err)
				require.Contains(t, " "+strings.ReplaceAll(shownMatches(found), ",", " ")+" ", fmt.Sprintf(" %d ", m.ID[15]), "%v %q", kind, name)
				for _, match := range found.Matches {
					for _, got := range match.Page.Messages {
						require.True(t, match.Kind == query.MessageID || match.Filter.Match(got), "%v %q", match.Kind, name)
					}
				}
			}
		}
	})
}

func FuzzFind(f *testing.F) {
	for _, text := range []string{
		"0912-345-678", "+886912345678", "886912345678", "00886912345678", "01936000-0000-7000-8000-000000000001",
		"urn:uuid:01936000-0000-7000-8000-000000000001", "order-1", "ann@example.com", "\x00", "\xff", " ", "+", "٠٩١٢٣٤٥٦٧٨", "(02) 2345-6789 #12",
	} {
		for _, region := range []string{"TW", "", "US"} {
			f.Add(text, region)
		}
	}
	f.Fuzz(func(t *testing.T, text, region string) {
		s := mockStore()
		asked := 0
		s.RecordsFunc = func(_ context.Context, f smsplus.Filter) (smsplus.Page, error) {
			require.NoError(t, f.Check())
			require.NotEqual(t, smsplus.Filter{From: f.From, Limit: f.Limit}, f, "a filter of nothing finds everything")
			asked++
			return smsplus.Page{}, nil
		}
		found, err := query.New(s, query.Options{Clock: mockClock(now), Region: region}).Find(t.Context(), text)
		if err != nil {
			require.ErrorIs(t, err, national.ErrRegion)
			return
		}
		require.Empty(t, found.Matches)
		require.LessOrEqual(t, asked, 7)
	})
}
