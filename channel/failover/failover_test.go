package failover_test

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/failover"
	"github.com/smsplus/smsplus-go/status"
)

func TestOpen_ReturnsAllMistakesByField(t *testing.T) {
	t.Parallel()
	whatsApp := newWorkingProvider("three")
	whatsApp.traits.Machine = status.WhatsApp
	_, err := failover.Open(failover.Config{
		Name:      "a b",
		Providers: []channel.Channel{newWorkingProvider("one"), nil, newWorkingProvider("one"), newWorkingProvider("x:y"), whatsApp, newWorkingProvider("")},
		Failures:  -1, Pause: -1, Trials: -1, Doubts: -1,
	})
	require.EqualError(t, err, `failover: Config.Name: "a b" is not made of letters, digits, _ and - alone
failover: Config.Providers[1] is nil
failover: Config.Providers[2]: the name "one" is taken
failover: Config.Providers[3]: its name "x:y" is not made of letters, digits, _ and - alone
failover: Config.Providers[4]: its machine is not that of "one"
failover: Config.Providers[5]: its name "" is not made of letters, digits, _ and - alone
failover: Config.Failures is negative
failover: Config.Pause is negative
failover: Config.Trials is negative
failover: Config.Doubts is negative`)

	_, err = failover.Open(failover.Config{})
	require.EqualError(t, err, "failover: Config.Name is required\nfailover: Config.Providers is empty")
	_, err = failover.New(channel.SMS, nil)
	require.EqualError(t, err, "failover: Config.Providers[0] is nil")
	_, err = failover.New(channel.SMS, newWorkingProvider(channel.SMS))
	require.EqualError(t, err, `failover: Config.Providers[0]: the name "sms" is taken`)
}

func TestOpen_TakesNamesOfPlainCharacters(t *testing.T) {
	t.Parallel()
	for _, name := range []channel.Name{"0", "9", "a", "z", "A", "Z", "_", "-", "sms-TW_2"} {
		_, err := failover.New("line", newWorkingProvider(name))
		require.NoError(t, err, name)
	}
	for _, name := range []channel.Name{"/", ":", "`", "{", "@", "[", "^", ".", "é", "a b", "a\x00"} {
		_, err := failover.New("line", newWorkingProvider(name))
		require.ErrorContains(t, err, "is not made of letters, digits, _ and - alone", name)
	}
}

func TestTraits_HoldForEveryProvider(t *testing.T) {
	t.Parallel()
	of := func(all ...channel.Traits) channel.Traits {
		var providers []channel.Channel
		for i, traits := range all {
			providers = append(providers, &scriptedProvider{name: channel.Name("p" + string(rune('0'+i))), traits: traits})
		}
		c, err := failover.New(channel.SMS, providers[0], providers[1:]...)
		require.NoError(t, err)
		return c.Traits()
	}
	full := channel.Traits{
		Machine: status.SMS, UniformWait: true, Idempotent: true, Reads: true, Validity: 48 * time.Hour, Expires: true,
	}
	require.Equal(t, full, of(full), "alone, a provider is what it is")
	require.Equal(t, channel.Traits{Machine: status.Default}, of(channel.Traits{}))

	two := full
	two.Idempotent = false
	require.Equal(t, two, of(full, full), "who got an attempt in doubt is not known after a crash")

	mixed := two
	mixed.Expires = false
	require.Equal(t, mixed, of(full, channel.Traits{Machine: status.SMS, Validity: time.Hour}))
	require.Equal(t, channel.Traits{Machine: status.Default, Validity: time.Hour},
		of(channel.Traits{}, channel.Traits{Machine: status.SMS, Validity: time.Hour}), "machines are the same by their edges")
	require.Equal(t, channel.Traits{Machine: status.Default, PollEvery: time.Minute},
		of(channel.Traits{PollEvery: time.Hour}, channel.Traits{PollEvery: time.Minute}, channel.Traits{}))
}

// contentCheckingProvider is a provider with a ContentChecker.
type contentCheckingProvider struct {
	*scriptedProvider
	against error
}

func (p contentCheckingProvider) CheckContent(channel.Content) error { return p.against }

func TestCheckContent_AsksEveryProvider(t *testing.T) {
	t.Parallel()
	long, odd := errors.New("too long"), errors.New("odd")
	c := openSMS(t, contentCheckingProvider{newWorkingProvider("one"), long}, newWorkingProvider("two"), contentCheckingProvider{newWorkingProvider("three"), nil}, contentCheckingProvider{newWorkingProvider("four"), odd})
	err := c.CheckContent(channel.Text("x"))
	require.ErrorIs(t, err, long)
	require.ErrorIs(t, err, odd)
	require.EqualError(t, err, "one: too long\nfour: odd")
	require.NoError(t, openSMS(t, contentCheckingProvider{newWorkingProvider("one"), nil}, newWorkingProvider("two")).CheckContent(channel.Text("x")))
}

// sizedProvider is a provider with a Sizer.
type sizedProvider struct {
	*scriptedProvider
	size int
}

func (p sizedProvider) Size(channel.Content) int { return p.size }

func TestSize_IsLargestOfProviders(t *testing.T) {
	t.Parallel()
	one, two := sizedProvider{newWorkingProvider("one"), 2}, sizedProvider{newWorkingProvider("two"), 3}
	require.Equal(t, 3, openSMS(t, one, two, newWorkingProvider("three")).Size(channel.Text("x")))
	require.Equal(t, 1, openSMS(t, newWorkingProvider("one")).Size(channel.Text("x")))
}

// nonPointerProvider is a provider that is not a pointer and prints without its secret.
type nonPointerProvider struct {
	*scriptedProvider
	secret string
}

func (nonPointerProvider) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, "private") }

func TestFormat_PrintsNothingOfProviders(t *testing.T) {
	t.Parallel()
	c := openSMS(t, nonPointerProvider{newWorkingProvider("one"), "secret-9a1e"})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		require.Equal(t, "failover.Channel(sms)", fmt.Sprintf(verb, c), verb)
	}
}
