package smpp_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/smpp"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	account  = "acme-7f31"
	password = "s3cr3t-5b"
	digits   = "886912345678"
)

// scriptedSMSC is an SMSC whose reactions the test chooses. It covers cases in which the
// peers cannot be brought.
type scriptedSMSC struct {
	t       *testing.T
	dialed  chan *smscPeer
	refuses bool
	dials   atomic.Int64
}

const maxPDUs = 10_000

func newSMSC(t *testing.T) *scriptedSMSC { return &scriptedSMSC{t: t, dialed: make(chan *smscPeer)} }

// newChannel returns a channel to the SMSC. It is closed with the test.
func (m *scriptedSMSC) newChannel(change func(*smpp.Config)) *smpp.Channel {
	m.t.Helper()
	config := smpp.Config{Addr: "smsc.test:2775", SystemID: account, Password: secret.New(password), Dial: m.dial}
	if change != nil {
		change(&config)
	}
	c, err := smpp.New(config)
	require.NoError(m.t, err)
	return c
}

func (m *scriptedSMSC) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if m.dials.Add(1) > maxPDUs {
		panic("the test waits for ever") // time passes at once in a bubble
	}
	if m.refuses {
		return nil, errors.New("connection refused")
	}
	here, there := net.Pipe()
	select {
	case m.dialed <- &smscPeer{m.t, there}:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// acceptConn waits for a connection.
func (m *scriptedSMSC) acceptConn() *smscPeer { return <-m.dialed }

// acceptBind waits for a connection, and accepts its bind.
func (m *scriptedSMSC) acceptBind() *smscPeer {
	m.t.Helper()
	p := m.acceptConn()
	p.respond(p.expect(pdu.BindTransceiver), pdu.ROK)
	return p
}

// serveAll accepts every bind, and answers requests with reply, until the test ends.
func (m *scriptedSMSC) serveAll(reply func(*smscPeer, pdu.PDU)) {
	m.runPeers(func(p *smscPeer) { p.serveRequests(reply) })
}

// runPeers serves every connection until the test ends, and then closes the remaining ones.
func (m *scriptedSMSC) runPeers(serve func(*smscPeer)) {
	var peers sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	m.t.Cleanup(func() {
		stop()
		peers.Wait()
	})
	peers.Go(func() {
		for {
			select {
			case p := <-m.dialed:
				peers.Go(func() {
					defer context.AfterFunc(ctx, func() { _ = p.conn.Close() })()
					serve(p)
				})
			case <-ctx.Done():
				return
			}
		}
	})
}

// smscPeer is the SMSC's side of a session.
type smscPeer struct {
	t    *testing.T
	conn net.Conn
}

func (p *smscPeer) readPDU() (pdu.PDU, error) {
	header := make([]byte, pdu.HeaderLength)
	if _, err := io.ReadFull(p.conn, header); err != nil {
		return pdu.PDU{}, err
	}
	h, err := pdu.ParseHeader(header)
	if err != nil {
		return pdu.PDU{}, err
	}
	body := make([]byte, h.Length-pdu.HeaderLength)
	if _, err := io.ReadFull(p.conn, body); err != nil {
		return pdu.PDU{}, err
	}
	return pdu.Parse(h, body)
}

// expect returns the next PDU, which must have that ID.
func (p *smscPeer) expect(id pdu.ID) pdu.PDU {
	p.t.Helper()
	got, err := p.readPDU()
	require.NoError(p.t, err)
	require.Equal(p.t, id, got.ID)
	return got
}

// expectEnd waits for the end of the connection. No PDU may come before it.
func (p *smscPeer) expectEnd() {
	p.t.Helper()
	got, err := p.readPDU()
	require.Error(p.t, err, "%v", got)
}

func (p *smscPeer) write(what pdu.PDU) {
	p.t.Helper()
	require.NoError(p.t, p.tryWrite(what))
}

func (p *smscPeer) tryWrite(what pdu.PDU) error {
	b, err := pdu.Append(nil, what)
	if err == nil {
		_, err = p.conn.Write(b)
	}
	return err
}

// respond answers a request without an ID.
func (p *smscPeer) respond(to pdu.PDU, s pdu.Status) {
	p.t.Helper()
	require.NoError(p.t, p.tryWrite(pdu.PDU{ID: to.ID.Response(), Status: s, Sequence: to.Sequence}))
}

// acceptSubmit answers a submit_sm with success.
func (p *smscPeer) acceptSubmit(to pdu.PDU, id string) {
	p.t.Helper()
	require.NoError(p.t, p.tryWrite(pdu.PDU{ID: pdu.SubmitSMResp, Sequence: to.Sequence, Body: &pdu.MessageResp{MessageID: id}}))
}

func (p *smscPeer) hangUp() { require.NoError(p.t, p.conn.Close()) }

// serveRequests answers binds, enquire_links and unbinds by itself, and other requests with
// reply.
func (p *smscPeer) serveRequests(reply func(*smscPeer, pdu.PDU)) {
	defer p.conn.Close() //nolint:errcheck // it may be closed already
	for {
		q, err := p.readPDU()
		if err != nil {
			return
		}
		switch q.ID {
		case pdu.BindTransceiver, pdu.EnquireLink, pdu.Unbind:
			err = p.tryWrite(pdu.PDU{ID: q.ID.Response(), Sequence: q.Sequence})
		default:
			reply(p, q)
		}
		if err != nil || q.ID == pdu.Unbind {
			return
		}
	}
}

// deliver returns a deliver_sm with a receipt.
func deliver(sequence uint32, text string) pdu.PDU {
	return pdu.PDU{ID: pdu.DeliverSM, Sequence: sequence, Body: &pdu.Message{ESMClass: pdu.ESMReceipt, ShortMessage: []byte(text)}}
}

func to(t testing.TB, e164 string) channel.Recipient {
	t.Helper()
	n, err := phone.Parse(e164)
	require.NoError(t, err)
	return channel.Recipient{Phone: n}
}

// person is the recipient of envelopes.
var person = func() channel.Recipient {
	n, err := phone.Parse("+" + digits)
	if err != nil {
		panic(err)
	}
	return channel.Recipient{Phone: n}
}()

func envelope(text string) channel.Envelope {
	return channel.Envelope{AttemptID: uuid.New(), To: person, Content: channel.Text(text), Try: 1}
}

// sendAnswer holds the results of a Send.
type sendAnswer struct {
	channel.Result
	err error
}

// sendAsync sends in the background.
func sendAsync(ctx context.Context, c *smpp.Channel, e channel.Envelope) <-chan sendAnswer {
	answers := make(chan sendAnswer, 1)
	go func() {
		r, err := c.Send(ctx, e)
		answers <- sendAnswer{r, err}
	}()
	return answers
}

func contextFor(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), d)
}

func requireAccepted(t *testing.T, a sendAnswer, id string) {
	t.Helper()
	require.NoError(t, a.err)
	require.Equal(t, channel.Result{Status: status.Accepted, ProviderID: id}, a.Result)
}

// requireFault proves that a Send's error leaves the outcome open, in doubt or not.
func requireFault(t *testing.T, err error, inDoubt bool) {
	t.Helper()
	e, ok := errors.AsType[*channel.Error](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, status.Preparing, e.Status(), err)
	require.Equal(t, inDoubt, e.InDoubt(), err)
}

func requireRefused(t *testing.T, err error, s status.Status, r status.Reason) {
	t.Helper()
	e, ok := errors.AsType[*channel.Error](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, s, e.Status(), err)
	require.Equal(t, r, e.Reason(), err)
}

// requireElapsed fails a test unless the bubble's clock has moved by want since start.
func requireElapsed(t *testing.T, start time.Time, want time.Duration) {
	t.Helper()
	require.Equal(t, want, time.Since(start))
}
