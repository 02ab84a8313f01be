package pgstore_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// witness is the provider of all processes. It records their sends. LINE Push is idempotent,
// delivers half of its attempts at once, and refuses the others. SMS sends as often as it is
// asked, and its receipts come later or never.
type witness struct {
	url string

	mu          sync.Mutex
	changed     *sync.Cond
	pushes      map[string]map[uuid.UUID]bool // by text: the attempts that were delivered
	texts       map[string]map[uuid.UUID]int  // by text and attempt: the number of sends
	smsSends    []smsSend                     // since takeSendsAfterKill
	undelivered []wireReceipt                 // receipts that no process has
	lent        map[string][]wireReceipt      // by process: receipts that it has not acknowledged yet
	acked       map[string]status.Status      // by provider ID: the highest status that was acknowledged
	gates       map[string]chan struct{}      // by process: its answers wait until the channel is closed
	heldTexts   map[string]bool               // the texts of sends whose answers wait
	noReceipts  map[string]bool               // the processes that get no receipts
	conns       int
}

// smsSend is a send over SMS.
type smsSend struct {
	attempt    uuid.UUID
	providerID string // of the provider's answer
}

// sendRequest is the request of a send.
type sendRequest struct {
	From    string
	Channel channel.Name
	Attempt uuid.UUID
	Text    string
}

// wireReceipt is a receipt of SMS, and sendResponse is the answer to a send.
type (
	wireReceipt struct {
		ProviderID string
		Status     uint8
		Reason     status.Reason
	}
	sendResponse = wireReceipt
)

func newWitness(t *testing.T) *witness {
	w := &witness{
		pushes: make(map[string]map[uuid.UUID]bool), texts: make(map[string]map[uuid.UUID]int),
		lent: make(map[string][]wireReceipt), acked: make(map[string]status.Status),
		gates: make(map[string]chan struct{}), heldTexts: make(map[string]bool), noReceipts: make(map[string]bool),
	}
	w.changed = sync.NewCond(&w.mu)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /send", w.handleSend)
	mux.HandleFunc("GET /receipts", w.handleReceipts)
	s := httptest.NewUnstartedServer(mux)
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		w.mu.Lock()
		defer w.mu.Unlock()
		switch st {
		case http.StateNew:
			w.conns++
		case http.StateClosed:
			w.conns--
			w.changed.Broadcast()
		default:
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	w.url = s.URL
	return w
}

func (w *witness) handleSend(rw http.ResponseWriter, r *http.Request) {
	var req sendRequest
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		return // the sender was killed in the middle of the request
	}
	a, wait := w.accept(req)
	if wait != nil {
		select {
		case <-wait:
		case <-r.Context().Done():
		}
	}
	_ = json.NewEncoder(rw).Encode(a) // the sender may be gone
}

// accept records a send. It returns the answer, and a channel to wait for if not nil.
func (w *witness) accept(r sendRequest) (a sendResponse, wait chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.changed.Broadcast()
	if wait = w.gates[r.From]; wait != nil {
		w.heldTexts[r.Text] = true
	}
	a = sendResponse{ProviderID: r.Attempt.String(), Status: uint8(status.Accepted)}
	if r.Channel == channel.LINEPush {
		if r.Attempt[0]%2 == 0 {
			return sendResponse{Status: uint8(status.Undeliverable), Reason: status.Blocked}, wait
		}
		reached := w.pushes[r.Text]
		if reached == nil {
			reached = make(map[uuid.UUID]bool)
			w.pushes[r.Text] = reached
		}
		reached[r.Attempt] = true
		return sendResponse{Status: uint8(status.Delivered)}, wait
	}
	sent := w.texts[r.Text]
	if sent == nil {
		sent = make(map[uuid.UUID]int)
		w.texts[r.Text] = sent
	}
	sent[r.Attempt]++
	if r.Attempt[1]%2 == 0 { // half of them have a provider ID that is not the attempt's ID
		a.ProviderID = fmt.Sprintf("SM-%v-%d", r.Attempt, sent[r.Attempt])
	}
	w.smsSends = append(w.smsSends, smsSend{r.Attempt, a.ProviderID})
	delivered := wireReceipt{ProviderID: a.ProviderID, Status: uint8(status.Delivered)}
	switch r.Attempt[2] % 8 {
	case 0: // no receipt ever
	case 1:
		w.undelivered = append(w.undelivered, wireReceipt{ProviderID: a.ProviderID, Status: uint8(status.Undeliverable), Reason: status.CarrierError})
	case 2:
		w.undelivered = append(w.undelivered, delivered, delivered)
	default:
		w.undelivered = append(w.undelivered, delivered)
	}
	return a, wait
}

// handleReceipts gives a process the receipts that wait, or waits for the next ones. A
// request with acked acknowledges the receipts that the process got before. Without it,
// they are delivered again.
func (w *witness) handleReceipts(rw http.ResponseWriter, r *http.Request) {
	from, acked := r.URL.Query().Get("from"), r.URL.Query().Has("acked")
	defer context.AfterFunc(r.Context(), func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.changed.Broadcast()
	})()
	w.mu.Lock()
	defer w.mu.Unlock()
	if acked {
		w.acknowledge(w.lent[from])
		delete(w.lent, from)
	}
	w.takeBack(from)
	for (len(w.undelivered) == 0 || w.noReceipts[from]) && r.Context().Err() == nil {
		w.changed.Wait()
	}
	if r.Context().Err() == nil {
		n := min(len(w.undelivered), 50)
		w.lent[from], w.undelivered = w.undelivered[:n:n], w.undelivered[n:]
		_ = json.NewEncoder(rw).Encode(w.lent[from]) // the reader may be gone
	}
}

func (w *witness) acknowledge(rs []wireReceipt) {
	for _, r := range rs {
		w.acked[r.ProviderID] = max(w.acked[r.ProviderID], status.Status(r.Status))
	}
}

// takeBack makes the receipts that a process has not acknowledged wait again.
func (w *witness) takeBack(from string) {
	w.undelivered = append(w.undelivered, w.lent[from]...)
	delete(w.lent, from)
	w.changed.Broadcast()
}

// takeSendsAfterKill waits until all connections are closed, so that nothing more can come
// from a killed process. It returns the sends over SMS since its last call.
func (w *witness) takeSendsAfterKill(name string) []smsSend {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.conns > 0 {
		w.changed.Wait()
	}
	w.takeBack(name)
	tries := w.smsSends
	w.smsSends = nil
	return tries
}

// holdAnswers makes the answers to a process wait until release is called. Until then the
// process gets no receipts.
func (w *witness) holdAnswers(name string) (release func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	wait := make(chan struct{})
	w.gates[name], w.noReceipts[name] = wait, true
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.gates, name)
		delete(w.noReceipts, name)
		close(wait)
		w.changed.Broadcast()
	}
}

// waitForHeld waits until n answers wait, and returns the texts of their sends.
func (w *witness) waitForHeld(n int) map[string]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.heldTexts) < n {
		w.changed.Wait()
	}
	return maps.Clone(w.heldTexts)
}

// reassignReceipts gives the receipts of a process that has ended to the others.
func (w *witness) reassignReceipts(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.noReceipts[name] = true
	w.takeBack(name)
}

// witnessChannel is a channel that sends to the witness. SMS also listens for receipts.
type witnessChannel struct {
	name     channel.Name
	from, to string
}

func (c *witnessChannel) Name() channel.Name { return c.name }

func (c *witnessChannel) Traits() channel.Traits {
	if c.name == channel.LINEPush {
		return channel.Traits{Machine: status.LINEPush, Idempotent: true}
	}
	return channel.Traits{Machine: status.SMS}
}

// wireClient is the client of all requests to the witness.
var wireClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}

func callJSON(r *http.Request, into any) (err error) {
	resp, err := wireClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, resp.Body.Close()) }()
	return json.NewDecoder(resp.Body).Decode(into)
}

func (c *witnessChannel) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	text, ok := e.Content.(channel.Text)
	if !ok {
		return channel.Result{}, errors.New("no text")
	}
	body, err := json.Marshal(sendRequest{c.from, c.name, e.AttemptID, string(text)})
	if err != nil {
		return channel.Result{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.to+"/send", bytes.NewReader(body))
	if err != nil {
		return channel.Result{}, err
	}
	var a sendResponse
	if err := callJSON(r, &a); err != nil {
		return channel.Result{}, channel.InDoubt(err)
	}
	return channel.Result{Status: status.Status(a.Status), ProviderID: a.ProviderID, Reason: a.Reason}, nil
}

// Listen receives the receipts of SMS. Other channels have none.
func (c *witnessChannel) Listen(ctx context.Context, sink channel.Sink) error {
	if c.name != channel.SMS {
		<-ctx.Done()
		return nil
	}
	for acked := ""; ; acked = "&acked" {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.to+"/receipts?from="+url.QueryEscape(c.from)+acked, nil)
		if err != nil {
			return err
		}
		var rs []wireReceipt
		if err := callJSON(r, &rs); err != nil {
			return err
		}
		if err := sink(ctx, toReceipts(rs)...); err != nil {
			return err
		}
	}
}

// toReceipts converts receipts to those of package channel.
func toReceipts(rs []wireReceipt) []channel.Receipt {
	var out []channel.Receipt
	for _, r := range rs {
		out = append(out, channel.Receipt{
			Channel: channel.SMS, ProviderID: r.ProviderID, Status: status.Status(r.Status), Reason: r.Reason,
		})
	}
	return out
}

// requireAgreement requires that the records agree with what the witness saw. No person got
// a message twice on the idempotent channel, and none was sent on after its delivery there.
func (w *witness) requireAgreement(t *testing.T, held map[uuid.UUID]smsplus.Message) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	pushs, texts, receipts := 0, 0, 0
	for _, m := range held {
		push, text := w.pushes[m.Vars["text"]], w.texts[m.Vars["text"]]
		pushs, texts = pushs+len(push), texts+len(text)
		require.LessOrEqual(t, len(push), 1, "%v has two names on one channel", m.ID)
		require.LessOrEqual(t, len(text), 1, "%v has two names on one channel", m.ID)
		if len(push) > 0 {
			require.Equal(t, status.Delivered, m.Status, "%v", m.ID)
		}
		for _, a := range m.Attempts {
			switch {
			case a.Channel == channel.LINEPush && m.Template == "order":
				require.Equal(t, push[a.ID], a.Status == status.Delivered, "%v", m.ID)
			case a.Channel == channel.LINEPush:
				// A push that was in flight at a kill stays in doubt if a receipt of the SMS before it
				// came first.
				require.True(t, a.Status != status.Delivered || push[a.ID], "%v", m.ID)
			case m.Template == "order":
				require.Empty(t, push, "%v was delivered, and sent on", m.ID)
			case m.Template == "once":
				require.LessOrEqual(t, text[a.ID], 1, "%v was sent twice, and it was in doubt", m.ID)
			}
			if st, ok := w.acked[a.ProviderID]; ok {
				require.GreaterOrEqual(t, a.Status, st, "%v: a receipt was acknowledged and forgotten", m.ID)
				receipts++
			}
		}
	}
	require.Len(t, w.pushes, pushs, "sent, and never stored")
	require.Len(t, w.texts, texts, "sent, and never stored")
	require.Positive(t, pushs)
	require.Positive(t, receipts)
}
