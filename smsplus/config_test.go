package smsplus_test

import (
	"errors"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// The clocks of github.com/benbjohnson/clock are Clocks.
var (
	_ smsplus.Clock = clock.New()
	_ smsplus.Clock = (*clock.Mock)(nil)
)

// channelRefusingContent is a channel that takes no content.
type channelRefusingContent struct{ *ChannelMock }

func (channelRefusingContent) CheckContent(channel.Content) error { return errors.New("too long") }

func TestNew_NamesEveryMistakeByItsField(t *testing.T) {
	t.Parallel()
	_, err := smsplus.New(smsplus.Config{
		Channels: []channel.Channel{
			fakeChannel(channel.SMS, nil), fakeChannel(channel.SMS, nil), nil, fakeChannel("", nil),
			channelRefusingContent{fakeChannel("strict", nil)},
			&ChannelMock{
				NameFunc:   func() channel.Name { return "odd" },
				TraitsFunc: func() channel.Traits { return channel.Traits{Validity: -1} },
			},
		},
		Templates: []smsplus.Template{
			{},
			{ID: "a", TTL: -1, Route: []smsplus.Step{
				{Channel: channel.SMS, Content: text, Wait: -1},
				{Channel: channel.SMS, Content: channel.Text("{{oops")},
				{Channel: "fax", OnFailed: 7},
				{Channel: "strict", Content: text},
			}},
			{ID: "a", Route: []smsplus.Step{{Channel: channel.SMS, Content: text}}},
		},
		Limits:      map[channel.Name]smsplus.Limit{"tube": {}, channel.SMS: {Concurrency: -1}},
		SendTimeout: time.Minute, Lease: 30 * time.Second, Poll: -1, StoreTimeout: -1, DrainTimeout: -1, Batch: -1,
		Retry: smsplus.Retry{Tries: -1, Base: -1, Max: -1}, Breaker: smsplus.Breaker{Pause: -1},
	})
	require.Error(t, err)
	for _, want := range []string{
		"Config.Store is required",
		`Config.Channels[1]: there is another channel "sms"`,
		"Config.Channels[2] is nil",
		"Config.Channels[3] has no name",
		"Config.Channels[5] (odd): Traits.Validity is negative",
		"Config.Templates[0].ID is required",
		"Config.Templates[0].Route is empty",
		"Config.Templates[1].TTL is negative",
		"Config.Templates[1].Route[0].Wait is negative",
		`Config.Templates[1].Route[1].Channel: "sms" is on the route already`,
		"Config.Templates[1].Route[1].Content: ",
		`Config.Templates[1].Route[2].Channel: no channel "fax" is registered`,
		"Config.Templates[1].Route[2].Content is required",
		"Config.Templates[1].Route[2].OnFailed is policy(7)",
		`Config.Templates[1].Route[3].Content: channel "strict" does not take it: too long`,
		`Config.Templates[2].ID: there is another template "a"`,
		`Config.Limits["tube"]: no such channel is registered, want one of "odd", "sms", "strict"`,
		`Config.Limits["sms"]: Concurrency, Rate and Burst must not be negative`,
		"Config.Poll is negative", "Config.StoreTimeout is negative", "Config.DrainTimeout is negative",
		"Config.Batch is negative", "Config.Retry: Tries and InDoubt must not be negative", "Config.Breaker.Pause is negative", "Config.Retry.Base is negative", "Config.Retry.Max is negative",
		"Config.Lease (30s) must be longer",
	} {
		require.ErrorContains(t, err, want)
	}
	require.Equal(t, 27, strings.Count(err.Error(), "smsplus: Config."), err.Error())
}

// Each of these was accepted, and then failed each send, or the process.
func TestNew_RefusesWhatNoStoreOrProcessCanHold(t *testing.T) {
	t.Parallel()
	const tooLong = "must be UTF-8 without NUL, and 255 bytes at most"
	for name, tt := range map[string]struct {
		change func(*smsplus.Config)
		want   string
	}{
		"a template's ID with a NUL": {func(c *smsplus.Config) { c.Templates[0].ID = "a\x00b" }, "Config.Templates[0].ID " + tooLong},
		"a template's ID that is long": {func(c *smsplus.Config) {
			c.Templates[0].ID = strings.Repeat("a", 256)
		}, "Config.Templates[0].ID " + tooLong},
		"a scenario that is not UTF-8": {func(c *smsplus.Config) { c.Templates[0].Scenario = "a\xff" }, "Config.Templates[0].Scenario " + tooLong},
		"a channel's name with a NUL": {func(c *smsplus.Config) {
			c.Channels = append(c.Channels, fakeChannel("a\x00", nil))
		}, "Config.Channels[1]: Name " + tooLong},
		"a large batch": {func(c *smsplus.Config) { c.Batch = 10_001 }, "Config.Batch is more than 10000 (10001)"},
		"much concurrency": {func(c *smsplus.Config) {
			c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Concurrency: 100_001}}
		}, `Config.Limits["sms"].Concurrency is more than 100000 (100001)`},
		"times whose sum is no duration": {func(c *smsplus.Config) {
			c.SendTimeout, c.StoreTimeout, c.Lease = math.MaxInt64-1, 2, math.MaxInt64
		}, "must be longer than SendTimeout and StoreTimeout together (2562047h47m16.854775807s)"},
		"a machine that is not made by NewMachine": {func(c *smsplus.Config) {
			c.Channels = append(c.Channels, &ChannelMock{
				NameFunc:   func() channel.Name { return "odd" },
				TraitsFunc: func() channel.Traits { return channel.Traits{Machine: new(status.Machine)} },
			})
		}, "Config.Channels[1] (odd): Traits.Machine takes no answer: it has no edges"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := smsplus.Config{
				Store: memstore.New(), Channels: []channel.Channel{fakeChannel(channel.SMS, nil)},
				Templates: []smsplus.Template{{ID: strings.Repeat("a", 255), Route: []smsplus.Step{{Channel: channel.SMS, Content: text}}}},
				Limits:    map[channel.Name]smsplus.Limit{channel.SMS: {Concurrency: 100_000}},
			}
			_, err := smsplus.New(c)
			require.NoError(t, err)
			tt.change(&c)
			_, err = smsplus.New(c)
			require.ErrorContains(t, err, tt.want)
			require.Equal(t, 1, strings.Count(err.Error(), "smsplus: Config."), err.Error())
		})
	}
}

// panickyContent panics in the method of that name.
type panickyContent string

func (p panickyContent) Vars() []string {
	if p == "Vars" {
		panic(p)
	}
	return nil
}

func (p panickyContent) Render(map[string]string) (channel.Content, error) { return p, nil }

func (p panickyContent) Check() error {
	if p == "Check" {
		panic(p)
	}
	return nil
}

// panickyChecker is a channel that panics when it is to check a content.
type panickyChecker struct{ *ChannelMock }

func (panickyChecker) CheckContent(channel.Content) error { panic("+886912345678") }

func TestNew_NamesWhatPanics(t *testing.T) {
	t.Parallel()
	route := func(name channel.Name, c channel.Content) []smsplus.Step {
		return []smsplus.Step{{Channel: name, Content: c}}
	}
	_, err := smsplus.New(smsplus.Config{
		Store: memstore.New(),
		Channels: []channel.Channel{
			(*ChannelMock)(nil),
			&ChannelMock{NameFunc: func() channel.Name { return "traits" }, TraitsFunc: func() channel.Traits { panic(1) }},
			panickyChecker{fakeChannel("checker", nil)},
			fakeChannel(channel.SMS, nil),
		},
		Templates: []smsplus.Template{
			{ID: "a", Route: route(channel.SMS, panickyContent("Vars"))},
			{ID: "b", Route: route(channel.SMS, panickyContent("Check"))},
			{ID: "c", Route: route("checker", text)},
		},
	})
	require.EqualError(t, err, `smsplus: Config.Channels[0]: Name panicked (runtime.errorString)
smsplus: Config.Channels[1]: Traits panicked (int)
smsplus: Config.Templates[0].Route[0].Content: Vars panicked (smsplus_test.panickyContent)
smsplus: Config.Templates[1].Route[0].Content: Check panicked (smsplus_test.panickyContent)
smsplus: Config.Templates[2].Route[0].Content: CheckContent of channel "checker" panicked (string)`)
}

func TestNew_LeaseHoldsASendAndAStoreCall(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		lease     time.Duration
		err, warn string
	}{
		{30 * time.Second, "smsplus: Config.Lease (30s) must be longer than SendTimeout and StoreTimeout together (30s): a send could outlive it and be repeated", ""},
		{30*time.Second + 1, "", "lease no time for the send"},
		{40 * time.Second, "", "lease no time for the send"},
		{40*time.Second + 1, "", ""},
	} {
		var log strings.Builder
		_, err := smsplus.New(smsplus.Config{
			Store: memstore.New(), SendTimeout: 20 * time.Second, StoreTimeout: 10 * time.Second, Lease: tt.lease,
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if tt.err != "" {
			require.EqualError(t, err, tt.err)
			continue
		}
		require.NoError(t, err)
		require.Contains(t, log.String(), tt.warn)
		require.Equal(t, tt.warn == "", log.String() == "")
	}
}

func TestNew_NeedsNoMoreThanAStore(t *testing.T) {
	t.Parallel()
	d, err := smsplus.New(smsplus.Config{Store: memstore.New()})
	require.NoError(t, err)
	n, err := d.Tick(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestNew_WarnsOfAWaitThatItsProviderDoesNotKnow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name channel.Name
		wait time.Duration
		want int
	}{
		{channel.WhatsApp, time.Hour, 1},
		{channel.LINENotify, time.Hour, 1},
		{channel.LINENotify, 24 * time.Hour, 0},
		{channel.LINENotify, 0, 0},
		{channel.SMS, time.Hour, 0}, // passes Expires on
		{channel.LINEPush, time.Hour, 0},
	} {
		var log strings.Builder
		var seen recordingObserver
		newWorld(t, []step{
			{tt.name, nil, smsplus.Step{Wait: tt.wait}},
			{"letter", nil, smsplus.Step{Wait: time.Hour}},
		}, func(c *smsplus.Config) {
			c.Observer, c.Logger = &seen, slog.New(slog.NewTextHandler(&log, nil))
		})
		require.Len(t, seen.list(), tt.want, tt.name)
		require.Equal(t, tt.want, strings.Count(log.String(), "the person may get both"))
		if tt.want > 0 {
			require.Equal(t, smsplus.WaitTooShort{"t", tt.name, tt.wait, traitsOf[tt.name].Validity}, seen.list()[0])
		}
	}
}

func TestChannels_AreReturnedInTheConfigsOrder(t *testing.T) {
	t.Parallel()
	channels := []channel.Channel{fakeChannel(channel.SMS, nil), fakeChannel(channel.LINEPush, nil), fakeChannel("fax", nil)}
	given := slices.Clone(channels)
	d, err := smsplus.New(smsplus.Config{Store: memstore.New(), Channels: channels})
	require.NoError(t, err)
	clear(channels)
	require.Equal(t, given, slices.Collect(d.Channels()))
}

// A template's route is the caller's slice.
func TestNew_CopiesTheRoutes(t *testing.T) {
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}})
	id, err := w.Send(t.Context(), w.trigger())
	require.NoError(t, err)
	w.config.Templates[0].Route[0].Content = channel.Text("changed")
	w.tick()
	require.Equal(t, channel.Text("Your code is 498172"), w.channels[channel.SMS].SendCalls()[0].E.Content)
	_ = id
}
