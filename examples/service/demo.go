package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/channel/simulated"
)

// demonstrate serves with simulated providers and a new file. It triggers a message as a
// client of the API, prints its record when it is delivered, and stops the service.
func demonstrate(ctx context.Context, listener net.Listener, w io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "smsplus-service-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ctx, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() {
		defer stop() // of the client, if the service cannot start
		served <- serve(ctx, listener, filepath.Join(dir, "messages.db"), func(string) string { return "" })
	}()
	defer func() {
		stop()
		err = errors.Join(err, <-served)
	}()

	service := "http://" + listener.Addr().String()
	customer := simulated.Number(0, simulated.DeliveredLater, 0).E164()
	id, err := call(ctx, http.MethodPost, service+"/shipped", `{"order":"A-1","phone":"`+customer+`"}`)
	if err != nil {
		return err
	}
	record := ""
	for !strings.Contains(record, `"status":"delivered"`) {
		time.Sleep(10 * time.Millisecond)
		if record, err = call(ctx, http.MethodGet, service+"/messages/"+id, ""); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(w, record)
	return err
}

// call makes a call of the API and returns its answer.
func call(ctx context.Context, method, url, body string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close() //nolint:errcheck // it is read
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = errors.New(resp.Status)
	}
	return strings.TrimSpace(string(answer)), err
}
