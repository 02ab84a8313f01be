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

func TestAllMistakesComeAtOnceAndNameTheirFields(t *testing.T) {
	t.Parallel()
	whatsApp := working("three")
	whatsApp.traits.Machine = status.WhatsApp
	_, err := failover.Open(failover.Config{
		Name:      "a b",
		Providers: []channel.Channel{working("one"), nil, working("one"), working("x:y"), whatsApp, working("")},
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
	_, err = failover.New(channel.SMS, working(channel.SMS))
	require.EqualError(t, err, `failover: Config.Providers[0]: the name "sms" is taken`)
}

func TestTraitsHoldWhicheverProviderGetsTheMessage(t *testing.T) {
	t.Parallel()
	of := func(all ...channel.Traits) channel.Traits {
		var providers []channel.Channel
		for i, traits := range all {
			providers = append(providers, &fake{name: channel.Name("p" + string(rune('0'+i))), traits: traits})
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
}

// picky is a provider that judges content.
type picky struct {
	*fake
	against error
}

func (p picky) CheckContent(channel.Content) error { return p.against }

func TestContentMustSuitEveryProvider(t *testing.T) {
	t.Parallel()
	long, odd := errors.New("too long"), errors.New("odd")
	c := open(t, picky{working("one"), long}, working("two"), picky{working("three"), nil}, picky{working("four"), odd})
	err := c.CheckContent(channel.Text("x"))
	require.ErrorIs(t, err, long)
	require.ErrorIs(t, err, odd)
	require.EqualError(t, err, "one: too long\nfour: odd")
	require.NoError(t, open(t, picky{working("one"), nil}, working("two")).CheckContent(channel.Text("x")))
}

// private is a provider that is no pointer and prints without its secret.
type private struct {
	*fake
	secret string
}

func (private) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, "private") }

func TestNothingOfItsProvidersIsPrinted(t *testing.T) {
	t.Parallel()
	c := open(t, private{working("one"), "secret-9a1e"})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		require.Equal(t, "failover.Channel(sms)", fmt.Sprintf(verb, c), verb)
	}
}
