package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// demonstrate serves, triggers one message as a program in another language would, and shows
// it when it has ended.
func demonstrate(ctx context.Context, listener net.Listener, w io.Writer) (err error) {
	ctx, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- serve(ctx, listener) }()
	defer func() {
		stop()
		err = errors.Join(err, <-served)
	}()
	base := "http://" + listener.Addr().String() + "/sms-plus"

	var message struct {
		ID, Status, Phone string
		Ended             bool
	}
	trigger := `{"template": "shipped", "to": {"phone": "+886900000000"}, "vars": {"order": "A-1"}}`
	for range 2 { // the second call has the same key, and asks for nothing new
		if err := call(ctx, http.MethodPost, base+"/messages", trigger, &message); err != nil {
			return err
		}
	}
	for !message.Ended {
		if err := call(ctx, http.MethodGet, base+"/messages/"+message.ID, "", &message); err != nil {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Fprintln(w, message.Phone, message.Status)
	return nil
}

// call makes a call of the API, and decodes its answer.
func call(ctx context.Context, method, url, body string, answer any) error {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", `"shipped/A-1"`)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	if resp.StatusCode >= http.StatusBadRequest {
		problem, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("%s: %s", resp.Status, problem)
	}
	return json.NewDecoder(resp.Body).Decode(answer)
}
