package smpp_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms"
	"github.com/smsplus/smsplus-go/channel/sms/smpp"
	"github.com/smsplus/smsplus-go/internal/interop"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

// nodeEvent is a line that test/peers/smsc.js prints.
type nodeEvent struct {
	Bind     string
	Version  int
	Text     string
	To, From string
	Coding   int
	Validity string
	Report   string
	Status   int
	Nack     uint32
	Sequence uint32
	Wrote    *int
	Alive    bool
	Unbind   bool
	Unbound  bool
}

// node is an SMSC by node-smpp.
type node struct {
	*interop.Peer
	t    *testing.T
	addr string
}

func startNode(t *testing.T, args ...string) *node {
	p := interop.Node(t, "smsc.js", args...)
	return &node{p, t, net.JoinHostPort("127.0.0.1", p.Next(t))}
}

func (n *node) next() nodeEvent {
	n.t.Helper()
	var e nodeEvent
	line := n.Next(n.t)
	require.NoError(n.t, json.Unmarshal([]byte(line), &e), line)
	return e
}

func (n *node) expect(want nodeEvent) {
	n.t.Helper()
	require.Equal(n.t, want, n.next())
}

func (n *node) channel(change func(*smpp.Config)) *smpp.Channel {
	n.t.Helper()
	config := smpp.Config{Addr: n.addr, SystemID: "smsplus", Password: secret.New("secret"), Source: "SMSPLUS"}
	if change != nil {
		change(&config)
	}
	c, err := smpp.New(config)
	require.NoError(n.t, err)
	n.t.Cleanup(func() { _ = c.Close() }) // the peer may be gone
	return c
}

// boundEvent returns the event of an accepted bind.
func boundEvent() nodeEvent { return nodeEvent{Bind: "smsplus", Version: 0x34} }

// The numbers with other outcomes than an accepted message.
const (
	undeliverable = "+886912345621"
	early         = "+886912345622" // the receipt beats the answer
	throttled     = "+886912345623"
	cut           = "+886912345624"
	held          = "+886912345625" // until the session is unbound
)

// envelopeTo returns an envelope for a number.
func envelopeTo(t *testing.T, e164, text string) channel.Envelope {
	t.Helper()
	e := envelope(text)
	e.To = to(t, e164)
	return e
}

// peerTimeout limits how long a peer may take.
const peerTimeout = time.Minute

// requireReceipt returns the next receipt, which the sink accepts.
func requireReceipt(t *testing.T, sunk <-chan []channel.Receipt, answers chan<- error, answer error) channel.Receipt {
	t.Helper()
	select {
	case rs := <-sunk:
		require.Len(t, rs, 1)
		answers <- answer
		return rs[0]
	case <-time.After(peerTimeout):
		t.Fatal("no receipt came")
		return channel.Receipt{}
	}
}

func TestPeerNode_TakesMessageAndReportsIt(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	c := n.channel(nil)
	sunk, answers, _ := listenAsync(t.Context(), c)
	n.expect(boundEvent())
	e := envelope("Total: 10€ [paid] @ noon")
	e.Expires = time.Now().Add(time.Hour + time.Minute/2)
	result, err := c.Send(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, channel.Result{Status: status.Accepted, ProviderID: "a1"}, result)
	got := n.next()
	require.NotEmpty(t, got.Validity) // node turns it into a date
	got.Validity = ""
	require.Equal(t, nodeEvent{Text: "Total: 10€ [paid] @ noon", To: digits, From: "SMSPLUS"}, got)
	require.Equal(t, channel.Receipt{Channel: channel.SMS, ProviderID: "a1", Status: status.Delivered}, requireReceipt(t, sunk, answers, nil))
	n.expect(nodeEvent{Report: "00A1"})

	require.NoError(t, c.Close())
	n.expect(nodeEvent{Unbind: true})
}

func TestPeerNode_GetsLongTextsWhole(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	for long, name := range map[smpp.Long]string{smpp.UDH8: "8 bits", smpp.UDH16: "16 bits", smpp.SAR: "SAR", smpp.Payload: "payload"} {
		for _, text := range []string{
			strings.Repeat("您的包裹已送達門市，請於七日內取件。😀", 8),
			strings.Repeat("A€ [parcel] @ the shop. ", 12),
		} {
			c := n.channel(func(c *smpp.Config) { c.Long = long })
			sunk, answers, _ := listenAsync(t.Context(), c)
			n.expect(boundEvent())
			result, err := c.Send(t.Context(), envelope(text))
			require.NoError(t, err, name)
			require.Equal(t, result.ProviderID, requireReceipt(t, sunk, answers, nil).ProviderID, name)
			require.Equal(t, text, n.next().Text, name)
			require.NotEmpty(t, n.next().Report, name)
			require.NoError(t, c.Close())
			n.expect(nodeEvent{Unbind: true})
		}
	}
}

func TestPeerNode_Outcomes(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	c := n.channel(nil)
	sunk, answers, _ := listenAsync(t.Context(), c)
	n.expect(boundEvent())
	got := func(text, e164 string) nodeEvent { return nodeEvent{Text: text, To: e164[1:], From: "SMSPLUS"} }

	result, err := c.Send(t.Context(), envelopeTo(t, undeliverable, "1"))
	require.NoError(t, err)
	require.Equal(t, channel.Receipt{
		Channel: channel.SMS, ProviderID: result.ProviderID,
		Status: status.Undeliverable, Reason: status.CarrierError, Detail: "UNDELIV err 000",
	}, requireReceipt(t, sunk, answers, nil))
	n.expect(got("1", undeliverable))
	n.expect(nodeEvent{Report: "00A1"})

	result, err = c.Send(t.Context(), envelopeTo(t, early, "2"))
	require.NoError(t, err)
	require.Equal(t, result.ProviderID, requireReceipt(t, sunk, answers, nil).ProviderID)
	n.expect(got("2", early))
	n.expect(nodeEvent{Report: "00A2"})

	// A receipt is repeated until it is stored.
	result, err = c.Send(t.Context(), envelope("3"))
	require.NoError(t, err)
	n.expect(got("3", "+"+digits))
	for _, answer := range []error{errors.New("the store is down"), errors.New("still"), nil} {
		require.Equal(t, result.ProviderID, requireReceipt(t, sunk, answers, answer).ProviderID)
		n.expect(nodeEvent{Report: "00A3", Status: map[bool]int{true: 0x64}[answer != nil]})
	}

	_, err = c.Send(t.Context(), envelopeTo(t, throttled, "4"))
	requireFault(t, err, false)
	require.ErrorContains(t, err, "0x58 RTHROTTLED")
	n.expect(got("4", throttled))

	_, err = c.Send(t.Context(), envelopeTo(t, cut, "5"))
	requireFault(t, err, true)
	n.expect(got("5", cut))
	_, err = c.Send(t.Context(), envelope("6"))
	require.NoError(t, err, "it binds again")
	n.expect(boundEvent())
}

func TestPeerNode_RefusesWrongPassword(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	c := n.channel(func(c *smpp.Config) { c.Password = secret.New("guess") })
	_, err := c.Send(t.Context(), envelope("hello"))
	requireRefused(t, err, status.Undeliverable, status.Authorization)
	require.ErrorContains(t, err, "RINVPASWD")
	n.expect(boundEvent())
}

func TestPeerNode_RequestsAreAnswered(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	c := n.channel(nil)
	waiting := sendAsync(t.Context(), c, envelopeTo(t, held, "held"))
	n.expect(boundEvent())
	require.Equal(t, "held", n.next().Text)

	n.Tell(t, "enquire")
	n.expect(nodeEvent{Alive: true})
	n.Tell(t, "write") // a message that no program here reads
	n.expect(nodeEvent{Wrote: new(int)})
	n.Tell(t, "unknown")
	n.expect(nodeEvent{Nack: 3, Sequence: 0x80000001})

	n.Tell(t, "unbind") // while an answer is still pending
	requireAccepted(t, <-waiting, "a1")
	n.expect(nodeEvent{Unbound: true})
	_, err := c.Send(t.Context(), envelope("after"))
	require.NoError(t, err)
	n.expect(boundEvent())
	require.Equal(t, "after", n.next().Text)
}

func TestPeerNode_DisconnectsWithinWindow(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	c := n.channel(nil)
	const inFlight = 5
	var waiting []<-chan sendAnswer
	for i := range inFlight {
		waiting = append(waiting, sendAsync(t.Context(), c, envelopeTo(t, held, fmt.Sprint(i))))
	}
	n.expect(boundEvent())
	for range inFlight {
		require.NotEmpty(t, n.next().Text)
	}
	n.Tell(t, "cut")
	for _, a := range waiting {
		requireFault(t, (<-a).err, true)
	}
}

func TestPeerNode_FallsSilent(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	c := n.channel(func(c *smpp.Config) { c.EnquireInterval, c.ResponseTimeout = 100*time.Millisecond, time.Second })
	sunk, answers, _ := listenAsync(t.Context(), c)
	n.expect(boundEvent())
	_, err := c.Send(t.Context(), envelope("before"))
	require.NoError(t, err)
	requireReceipt(t, sunk, answers, nil)
	require.Equal(t, "before", n.next().Text)
	require.NotEmpty(t, n.next().Report)
	n.Tell(t, "mute")
	n.Tell(t, "enquire") // the channel still answers, which shows that node is only silent
	n.expect(nodeEvent{Alive: true})
	_, err = c.Send(t.Context(), envelope("hello?"))
	requireFault(t, err, true)
	n.expect(boundEvent())
}

func TestPeerNode_OverTLS(t *testing.T) {
	t.Parallel()
	key, cert, roots := certificate(t)
	n := startNode(t, key, cert)
	c := n.channel(func(c *smpp.Config) { c.TLS = &tls.Config{RootCAs: roots} })
	sunk, answers, _ := listenAsync(t.Context(), c)
	n.expect(boundEvent())
	result, err := c.Send(t.Context(), envelope("hello"))
	require.NoError(t, err)
	require.Equal(t, result.ProviderID, requireReceipt(t, sunk, answers, nil).ProviderID)
	require.NoError(t, c.Close())

	stranger := n.channel(func(c *smpp.Config) { c.TLS = &tls.Config{} })
	_, err = stranger.Send(t.Context(), envelope("hello"))
	requireFault(t, err, false)
	require.ErrorContains(t, err, "TLS")
}

// certificate makes a temporary key and certificate for 127.0.0.1, as files.
func certificate(t *testing.T) (keyFile, certFile string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	roots = x509.NewCertPool()
	roots.AddCert(cert)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	file := func(name, kind string, bytes []byte) string {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o600))
		return path
	}
	return file("key.pem", "PRIVATE KEY", pkcs8), file("cert.pem", "CERTIFICATE", der), roots
}

func TestPeerPerl_TakesMessages(t *testing.T) {
	t.Parallel()
	p := interop.Perl(t, "Net::SMPP", "smsc.pl")
	config := smpp.Config{
		Addr: net.JoinHostPort("127.0.0.1", p.Next(t)), SystemID: "smsplus", Password: secret.New("guess"),
		EnquireInterval: 50 * time.Millisecond,
	}
	stranger, err := smpp.New(config)
	require.NoError(t, err)
	_, err = stranger.Send(t.Context(), envelope("hello"))
	requireRefused(t, err, status.Undeliverable, status.Authorization)
	require.NoError(t, stranger.Close())
	require.Equal(t, "bind smsplus 34", p.Next(t))

	config.Password, config.QuerySM = secret.New("secret"), true
	c, err := smpp.New(config)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	sunk, answers, done := listenAsync(ctx, c)
	require.Equal(t, "bind smsplus 34", p.Next(t))
	require.Equal(t, "enquire", p.Next(t))

	const text = "您的驗證碼是 4711"
	result, err := c.Send(t.Context(), envelope(text))
	require.NoError(t, err)
	require.Equal(t, "1001", result.ProviderID)
	require.Equal(t, channel.Receipt{Channel: channel.SMS, ProviderID: "1001", Status: status.Delivered}, requireReceipt(t, sunk, answers, nil))
	next := func() string {
		line := p.Next(t)
		for line == "enquire" {
			line = p.Next(t)
		}
		return line
	}
	_, octets := sms.Split(text, 0)
	require.Equal(t, "submit "+digits+" 8 "+hex.EncodeToString(octets[0]), next())
	require.Equal(t, "report 0", next())
	rs, err := c.Query(t.Context(), []channel.Ref{{Channel: channel.SMS, ProviderID: "1001"}})
	require.NoError(t, err)
	require.Equal(t, []channel.Receipt{{Channel: channel.SMS, ProviderID: "1001", Status: status.Delivered}}, rs)
	require.Equal(t, "query 0000001001", next())
	stop()
	require.Error(t, <-done)
	require.NoError(t, c.Close())
	require.Equal(t, "unbind", next())
}

func TestPeerNode_AnswersQueries(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	c := n.channel(func(c *smpp.Config) { c.QuerySM = true })
	var refs []channel.Ref
	for _, number := range []string{"+" + digits, undeliverable} {
		result, err := c.Send(t.Context(), envelopeTo(t, number, "hello"))
		require.NoError(t, err)
		refs = append(refs, channel.Ref{Channel: channel.SMS, ProviderID: result.ProviderID})
	}
	want := []channel.Receipt{
		{Channel: channel.SMS, ProviderID: "a1", Status: status.Delivered},
		{Channel: channel.SMS, ProviderID: "a2", Status: status.Undeliverable, Reason: status.CarrierError, Detail: "UNDELIV err 69"},
	}
	rs, err := c.Query(t.Context(), append(refs, channel.Ref{Channel: channel.SMS, ProviderID: "a9"}))
	require.NoError(t, err)
	require.Equal(t, want, rs)

	rs, err = n.channel(func(c *smpp.Config) { c.QuerySM, c.Source = true, "ANOTHER" }).Query(t.Context(), refs)
	require.NoError(t, err)
	require.Empty(t, rs, "the source is another one")
}

func TestPeerNode_TakesMessagesBack(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	c := n.channel(func(c *smpp.Config) { c.CancelSM = true })
	for number, want := range map[string]channel.Recall{"+" + digits: channel.TooLate, undeliverable: channel.Recalled} {
		result, err := c.Send(t.Context(), envelopeTo(t, number, "hello"))
		require.NoError(t, err)
		answer, err := c.Recall(t.Context(), channel.Ref{Channel: channel.SMS, ProviderID: result.ProviderID})
		require.NoError(t, err)
		require.Equal(t, want, answer)
	}
}

// Kannel is a client of SMSCs. Its driver drive_smpp is an SMSC on the same code, which knows
// no transceivers, gives no message IDs and reports no states. It sends a message and requests
// of its own, and reads every PDU as strictly as Kannel. The driver ends if nothing listens
// on the port of Kannel's bearerbox.
//
// Osmocom's SMSC takes no part. It delivers to telephones in its own radio network alone, and
// does not start on a kernel without SCTP.
func TestPeerKannel_TakesMessages(t *testing.T) {
	t.Parallel()
	if bearerbox, err := net.Listen("tcp", "127.0.0.1:13001"); err == nil { //nolint:noctx // a port, or another test has it
		t.Cleanup(func() { _ = bearerbox.Close() })
	}
	free, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is closed at once
	require.NoError(t, err)
	addr := free.Addr().String()
	require.NoError(t, free.Close())
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	p := interop.Kannel(t, "-p", port, "-m", "1")
	// next returns the rest of the log's next line that has the words.
	next := func(words string) string {
		t.Helper()
		for {
			if _, rest, found := strings.Cut(p.Next(t), words); found {
				return rest
			}
		}
	}
	next("Starting drive_smpp")

	c, err := smpp.New(smpp.Config{
		Addr: addr, SystemID: "smsplus", Password: secret.New("secret"), BindPairs: true,
		RebindMin: 10 * time.Millisecond, RebindMax: 100 * time.Millisecond, // until it listens
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() }) // the peer may be gone
	ctx, cancel := context.WithTimeout(t.Context(), peerTimeout)
	defer cancel()
	// The message has a receipted_message_id and no state: it reports nothing.
	sunk, answers, _ := listenAsync(ctx, c)
	require.Equal(t, channel.Receipt{Channel: channel.SMS, ProviderID: "receipted_message_id"}, requireReceipt(t, sunk, answers, nil))
	next("Handling SMPP PDU of type deliver_sm_resp")

	var result channel.Result
	for {
		if result, err = c.Send(ctx, envelope("hello")); err == nil || ctx.Err() != nil {
			break
		}
	}
	require.NoError(t, err)
	require.Equal(t, channel.Result{Status: status.Accepted}, result)
	require.Equal(t, "<hello>", next("submit_sm: short_message = "))
	_, err = c.Send(ctx, envelope(strings.Repeat("a", 200)))
	require.NoError(t, err)
	for range 2 {
		next("Handling SMPP PDU of type submit_sm")
	}
	require.NoError(t, c.Close())
	next("Handling SMPP PDU of type unbind")
}
