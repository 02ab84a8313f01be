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

// witness is the provider of all processes, and remembers what they asked of it. LINE
// Push is idempotent and reaches one of two at once; SMS sends as often as it is asked,
// and its receipts come later, or never.
type witness struct {
	url string

	mu    sync.Mutex
	moved *sync.Cond
	pushs map[string]map[uuid.UUID]bool // by text: the attempts that reached the person
	texts map[string]map[uuid.UUID]int  // by text: how often SMS was sent for the attempts
	tries []try                         // of SMS, since they were last taken
	mail  []receipt                     // receipts on their way
	lent  map[string][]receipt          // receipts that a process has, and does not acknowledge yet
	acked map[string]status.Status      // by provider ID: the highest that was acknowledged
	hold  map[string]chan struct{}      // by process: its answers wait for it
	held  map[string]bool               // the texts of those sends
	deaf  map[string]bool               // processes that get no receipts
	conns int
}

// try is a send that SMS took.
type try struct {
	attempt uuid.UUID
	name    string // what the provider calls it
}

// request is a send on its way to the witness.
type request struct {
	From    string
	Channel channel.Name
	Attempt uuid.UUID
	Text    string
}

// receipt is a receipt of SMS on its way; answer is what a send comes to.
type (
	receipt struct {
		Name   string
		Status uint8
		Reason status.Reason
	}
	answer = receipt
)

func newWitness(t *testing.T) *witness {
	w := &witness{
		pushs: make(map[string]map[uuid.UUID]bool), texts: make(map[string]map[uuid.UUID]int),
		lent: make(map[string][]receipt), acked: make(map[string]status.Status),
		hold: make(map[string]chan struct{}), held: make(map[string]bool), deaf: make(map[string]bool),
	}
	w.moved = sync.NewCond(&w.mu)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /send", w.send)
	mux.HandleFunc("GET /receipts", w.receipts)
	s := httptest.NewUnstartedServer(mux)
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		w.mu.Lock()
		defer w.mu.Unlock()
		switch st {
		case http.StateNew:
			w.conns++
		case http.StateClosed:
			w.conns--
			w.moved.Broadcast()
		default:
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	w.url = s.URL
	return w
}

func (w *witness) send(rw http.ResponseWriter, r *http.Request) {
	var req request
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		return // its sender was killed in the middle of it
	}
	a, wait := w.take(req)
	if wait != nil {
		select {
		case <-wait:
		case <-r.Context().Done():
		}
	}
	_ = json.NewEncoder(rw).Encode(a) // its sender may be gone
}

// take takes a send, and says what to answer, and after what.
func (w *witness) take(r request) (a answer, wait chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.moved.Broadcast()
	if wait = w.hold[r.From]; wait != nil {
		w.held[r.Text] = true
	}
	a = answer{Name: r.Attempt.String(), Status: uint8(status.Accepted)}
	if r.Channel == channel.LINEPush {
		if r.Attempt[0]%2 == 0 {
			return answer{Status: uint8(status.Undeliverable), Reason: status.Blocked}, wait
		}
		reached := w.pushs[r.Text]
		if reached == nil {
			reached = make(map[uuid.UUID]bool)
			w.pushs[r.Text] = reached
		}
		reached[r.Attempt] = true
		return answer{Status: uint8(status.Delivered)}, wait
	}
	sent := w.texts[r.Text]
	if sent == nil {
		sent = make(map[uuid.UUID]int)
		w.texts[r.Text] = sent
	}
	sent[r.Attempt]++
	if r.Attempt[1]%2 == 0 { // half of them are not named as we name them
		a.Name = fmt.Sprintf("SM-%v-%d", r.Attempt, sent[r.Attempt])
	}
	w.tries = append(w.tries, try{r.Attempt, a.Name})
	delivered := receipt{Name: a.Name, Status: uint8(status.Delivered)}
	switch r.Attempt[2] % 8 {
	case 0: // never heard of again
	case 1:
		w.mail = append(w.mail, receipt{Name: a.Name, Status: uint8(status.Undeliverable), Reason: status.CarrierError})
	case 2:
		w.mail = append(w.mail, delivered, delivered)
	default:
		w.mail = append(w.mail, delivered)
	}
	return a, wait
}

// receipts lends a process the receipts that there are, or the next ones. What it
// acknowledges are those that it was lent before; the others are on their way again.
func (w *witness) receipts(rw http.ResponseWriter, r *http.Request) {
	from, acked := r.URL.Query().Get("from"), r.URL.Query().Has("acked")
	defer context.AfterFunc(r.Context(), func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.moved.Broadcast()
	})()
	w.mu.Lock()
	defer w.mu.Unlock()
	if acked {
		w.acknowledge(w.lent[from])
		delete(w.lent, from)
	}
	w.takeBack(from)
	for (len(w.mail) == 0 || w.deaf[from]) && r.Context().Err() == nil {
		w.moved.Wait()
	}
	if r.Context().Err() == nil {
		n := min(len(w.mail), 50)
		w.lent[from], w.mail = w.mail[:n:n], w.mail[n:]
		_ = json.NewEncoder(rw).Encode(w.lent[from]) // its reader may be gone
	}
}

func (w *witness) acknowledge(rs []receipt) {
	for _, r := range rs {
		w.acked[r.Name] = max(w.acked[r.Name], status.Status(r.Status))
	}
}

// takeBack sends what a process was lent on its way again.
func (w *witness) takeBack(from string) {
	w.mail = append(w.mail, w.lent[from]...)
	delete(w.lent, from)
	w.moved.Broadcast()
}

// buried waits until nothing can come from a process that was killed any more, if no
// other is connected, and returns what SMS was sent since the last time.
func (w *witness) buried(name string) []try {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.conns > 0 {
		w.moved.Wait()
	}
	w.takeBack(name)
	tries := w.tries
	w.tries = nil
	return tries
}

// holdUp makes the answers to a process wait for the release, and receipts pass it by.
func (w *witness) holdUp(name string) (release func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	wait := make(chan struct{})
	w.hold[name], w.deaf[name] = wait, true
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.hold, name)
		delete(w.deaf, name)
		close(wait)
		w.moved.Broadcast()
	}
}

// heldUp returns the texts of the sends that are held up, once there are so many.
func (w *witness) heldUp(n int) map[string]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.held) < n {
		w.moved.Wait()
	}
	return maps.Clone(w.held)
}

// bury lets others have the receipts of a process that has ended.
func (w *witness) bury(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deaf[name] = true
	w.takeBack(name)
}

// wired is a channel of the witness's. SMS listens for receipts.
type wired struct {
	name     channel.Name
	from, to string
}

func (c *wired) Name() channel.Name { return c.name }

func (c *wired) Traits() channel.Traits {
	if c.name == channel.LINEPush {
		return channel.Traits{Machine: status.LINEPush, Idempotent: true}
	}
	return channel.Traits{Machine: status.SMS}
}

// wire is every process's way to the witness.
var wire = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}

func call(r *http.Request, into any) (err error) {
	resp, err := wire.Do(r)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, resp.Body.Close()) }()
	return json.NewDecoder(resp.Body).Decode(into)
}

func (c *wired) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	text, ok := e.Content.(channel.Text)
	if !ok {
		return channel.Result{}, errors.New("no text")
	}
	body, err := json.Marshal(request{c.from, c.name, e.AttemptID, string(text)})
	if err != nil {
		return channel.Result{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.to+"/send", bytes.NewReader(body))
	if err != nil {
		return channel.Result{}, err
	}
	var a answer
	if err := call(r, &a); err != nil {
		return channel.Result{}, channel.InDoubt(err)
	}
	return channel.Result{Status: status.Status(a.Status), ProviderID: a.Name, Reason: a.Reason}, nil
}

// Listen takes receipts, those of SMS alone.
func (c *wired) Listen(ctx context.Context, sink channel.Sink) error {
	if c.name != channel.SMS {
		<-ctx.Done()
		return nil
	}
	for acked := ""; ; acked = "&acked" {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.to+"/receipts?from="+url.QueryEscape(c.from)+acked, nil)
		if err != nil {
			return err
		}
		var rs []receipt
		if err := call(r, &rs); err != nil {
			return err
		}
		if err := sink(ctx, words(rs)...); err != nil {
			return err
		}
	}
}

// words returns receipts as the engine takes them.
func words(rs []receipt) []channel.Receipt {
	var out []channel.Receipt
	for _, r := range rs {
		out = append(out, channel.Receipt{
			Channel: channel.SMS, ProviderID: r.Name, Status: status.Status(r.Status), Reason: r.Reason,
		})
	}
	return out
}

// agrees requires that the records say what happened, that nobody got a message twice
// on the idempotent channel, and that nothing was sent on after it was delivered there.
func (w *witness) agrees(t *testing.T, held map[uuid.UUID]smsplus.Message) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	pushs, texts, receipts := 0, 0, 0
	for _, m := range held {
		push, text := w.pushs[m.Vars["text"]], w.texts[m.Vars["text"]]
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
				// In flight at a kill, it stays in doubt if a receipt of the SMS before it came first.
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
	require.Len(t, w.pushs, pushs, "sent, and never stored")
	require.Len(t, w.texts, texts, "sent, and never stored")
	require.Positive(t, pushs)
	require.Positive(t, receipts)
}
