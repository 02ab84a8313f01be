package status_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/status"
)

func TestStatus_NameFinalGroup(t *testing.T) {
	t.Parallel()
	for i, tt := range []struct {
		status status.Status
		name   string
		final  bool
		group  status.Group
	}{
		{status.Preparing, "preparing", false, status.Sending},
		{status.Accepted, "accepted", false, status.Sending},
		{status.Failed, "failed", true, status.FailedGroup},
		{status.Undeliverable, "undeliverable", true, status.UndeliverableGroup},
		{status.Delivered, "delivered", true, status.Sent},
	} {
		require.Equal(t, tt.status, status.Statuses()[i], "the ladder's order")
		require.Equal(t, status.Status(i), tt.status, "the ladder's order")
		require.Equal(t, tt.name, tt.status.String())
		require.Equal(t, tt.final, tt.status.Final(), tt.name)
		require.Equal(t, tt.group, tt.status.Group(), tt.name)
		require.True(t, tt.status.Valid())
	}
	require.Len(t, status.Statuses(), 5)
}

func TestGroup_HasStatuses(t *testing.T) {
	t.Parallel()
	for g, want := range map[status.Group][]status.Status{
		status.All:                status.Statuses(),
		status.Sending:            {status.Preparing, status.Accepted},
		status.Sent:               {status.Delivered},
		status.UndeliverableGroup: {status.Undeliverable},
		status.FailedGroup:        {status.Failed},
	} {
		var got []status.Status
		for _, s := range status.Statuses() {
			if g.Has(s) {
				got = append(got, s)
			}
		}
		require.Equal(t, want, got, g)
	}
	require.Equal(t, []status.Group{
		status.All, status.Sending, status.Sent, status.UndeliverableGroup, status.FailedGroup,
	}, status.Groups())
}

func TestParse_RoundTripsNames(t *testing.T) {
	t.Parallel()
	for _, s := range status.Statuses() {
		for _, text := range []string{s.String(), strings.ToUpper(s.String())} {
			parsed, err := status.Parse(text)
			require.NoError(t, err)
			require.Equal(t, s, parsed)
		}
		b, err := json.Marshal(s)
		require.NoError(t, err)
		require.Equal(t, `"`+s.String()+`"`, string(b))
		var back status.Status
		require.NoError(t, json.Unmarshal(b, &back))
		require.Equal(t, s, back)
	}
	for _, g := range status.Groups() {
		for _, text := range []string{g.String(), strings.ToUpper(g.String())} {
			parsed, err := status.ParseGroup(text)
			require.NoError(t, err)
			require.Equal(t, g, parsed)
		}
		b, err := json.Marshal(g)
		require.NoError(t, err)
		var back status.Group
		require.NoError(t, json.Unmarshal(b, &back))
		require.Equal(t, g, back)
	}
}

func TestParse_RefusesInvalidStatus(t *testing.T) {
	t.Parallel()
	const none = status.Delivered + 1
	require.False(t, none.Valid())
	require.Equal(t, "status(5)", none.String())
	_, err := none.MarshalText()
	require.Error(t, err)
	s := status.Accepted
	for _, text := range []string{"", "sent", "delivered ", "0912345678"} {
		_, err := status.Parse(text)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "0912345678", "errors do not repeat the text")
		require.Error(t, s.UnmarshalText([]byte(text)))
	}
	require.Equal(t, status.Accepted, s, "an error changes nothing")
}

func TestParseGroup_RefusesInvalidGroup(t *testing.T) {
	t.Parallel()
	const none = status.FailedGroup + 1
	require.False(t, none.Valid())
	require.Equal(t, "group(5)", none.String())
	_, err := none.MarshalText()
	require.Error(t, err)
	s := status.Sent
	for _, text := range []string{"", "delivered", "sent "} {
		_, err := status.ParseGroup(text)
		require.ErrorContains(t, err, "want all, sending, sent, undeliverable, failed")
		require.Error(t, s.UnmarshalText([]byte(text)))
	}
	require.Equal(t, status.Sent, s, "an error changes nothing")
}

func FuzzParse(f *testing.F) {
	for _, s := range status.Statuses() {
		f.Add(s.String())
	}
	for _, seed := range []string{"", "DELIVERED", "status(5)", "ﬀailed", "failed\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := status.Parse(text)
		if err == nil && !strings.EqualFold(s.String(), text) {
			t.Fatalf("Parse(%q) = %v", text, s)
		}
		g, err := status.ParseGroup(text)
		if err == nil && !strings.EqualFold(g.String(), text) {
			t.Fatalf("ParseGroup(%q) = %v", text, g)
		}
	})
}

func ExampleParse() {
	s, err := status.Parse("Undeliverable")
	fmt.Println(s, s.Final(), s.Group(), err)
	// Output: undeliverable true undeliverable <nil>
}
