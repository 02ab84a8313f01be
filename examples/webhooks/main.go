// Webhooks is a service with two channels whose providers are real programs: LINE
// Notification Messages, then SMS over SMPP. LINE calls the webhook when a message is
// delivered. The carrier reports over the SMPP session.
//
//	make peers                  # once: implementations of both protocols, from npm
//	go run ./examples/webhooks
//
// It starts the providers itself. With -line and -smsc it connects to others.
package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
)

func main() {
	var p providers
	flag.StringVar(&p.line, "line", "", "where LINE's API is (default: Prism with LINE's own description)")
	flag.StringVar(&p.smsc, "smsc", "", "host and port of the SMSC (default: node-smpp)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	end, err := startPeers(ctx, &p)
	if err != nil {
		log.Fatal(err)
	}
	err = run(ctx, os.Stdout, p)
	end()
	if err != nil {
		log.Fatal(err)
	}
}

// run sends two notices. LINE delivers the first one. It reports nothing on the second one,
// so an SMS follows.
func run(ctx context.Context, w io.Writer, p providers) (err error) {
	over := make(endedMessages, 2)
	s, err := open(settings{providers: p, wait: time.Second, observer: over})
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // the program ends
	server := httptest.NewServer(s)
	defer server.Close()

	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- s.Run(running) }()
	defer func() {
		stop()
		err = errors.Join(err, <-done)
	}()

	var ids []uuid.UUID
	for _, number := range []string{"+886900000001", "+886900000002"} {
		to, err := phone.Parse(number)
		if err != nil {
			return err
		}
		id, err := s.Send(ctx, smsplus.Trigger{
			Template: "shipped", Vars: map[string]string{"order": "A-1"}, To: channel.Recipient{Phone: to},
		})
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	if err := callAsLINE(ctx, server.URL+"/receipts/line_notify", ids[0]); err != nil {
		return err
	}
	for range ids {
		select {
		case <-over:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, id := range ids {
		m, err := s.Message(ctx, id)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s: %s\n", m.To.Phone, m.Status)
		for _, a := range m.Attempts {
			fmt.Fprintf(w, "  %s %s\n", a.Channel, a.Status)
		}
	}
	return nil
}

// endedMessages receives the messages that have ended.
type endedMessages chan uuid.UUID

// Observe implements [smsplus.Observer].
func (e endedMessages) Observe(_ context.Context, event smsplus.Event) {
	if over, ok := event.(smsplus.Ended); ok {
		e <- over.Message
	}
}

// callAsLINE calls the webhook as LINE does when a message is delivered. The call is signed
// and quotes the tag of the message, which is the attempt's ID.
func callAsLINE(ctx context.Context, url string, message uuid.UUID) error {
	body := fmt.Appendf(nil, `{"destination":"U0","events":[{"type":"delivery","timestamp":%d,"delivery":{"data":%q}}]}`,
		time.Now().UnixMilli(), smsplus.AttemptID(message, 0))
	mac := hmac.New(sha256.New, []byte(lineSecret))
	mac.Write(body)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("X-Line-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // it has no body
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the webhook answered %s", resp.Status)
	}
	return nil
}
