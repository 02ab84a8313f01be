package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/smsplus/smsplus-go/internal/pgtest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		pgtest.Stop()
		os.Exit(code)
	}))
}

// output is what the program prints. It is safe for concurrent use.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

// start runs the program, and returns the address of its pages and the function that stops
// it.
func start(t *testing.T, store string, out io.Writer) (url string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, l, store, 50, out) }()
	return "http://" + l.Addr().String(), func() {
		t.Helper()
		cancel()
		require.NoError(t, <-ended)
	}
}

// get returns a page. The client keeps no connection.
func get(t *testing.T, url string) string {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	response, err := client.Get(url)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, url)
	return string(body)
}

func requirePages(t *testing.T, store string) {
	t.Helper()
	var out output
	url, stop := start(t, store, &out)
	defer stop()
	html := get(t, url+"/templates?range=3m")
	for _, tmpl := range templates {
		require.Contains(t, html, tmpl.ID)
	}
	id := regexp.MustCompile(`id="r-([^"]+)"`).FindStringSubmatch(get(t, url+"/records?range=30d"))
	require.NotNil(t, id)
	require.Contains(t, get(t, url+"/records/"+id[1]), id[1])
	require.Contains(t, get(t, url+"/actions"), "Pause a channel")
}

func TestConsole_ShowsTheMonthOnSQLite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "messages.db")
	requirePages(t, "sqlite:"+path)
	requirePages(t, "sqlite:"+path) // it continues where it stopped
}

func TestConsole_ShowsTheMonthOnPostgreSQL(t *testing.T) {
	t.Parallel()
	config := pgtest.Pool(t, nil).Config().ConnConfig
	pgtest.Exec(t, "CREATE SCHEMA console")
	t.Cleanup(func() { pgtest.Exec(t, "DROP SCHEMA console CASCADE") })
	q := url.Values{"host": {config.Host}, "search_path": {"console"}}
	u := url.URL{Scheme: "postgres", User: url.User(config.User), Path: "/" + config.Database, RawQuery: q.Encode()}
	requirePages(t, u.String())
}

func TestConsole_SendsTraffic(t *testing.T) {
	t.Parallel()
	var out output
	url, stop := start(t, "", &out)
	defer stop()
	stream, err := http.Get(url + "/live/templates?range=3m")
	require.NoError(t, err)
	defer func() { require.NoError(t, stream.Body.Close()) }()
	// The stream sends an event with the total whenever it has changed.
	buffer, totals := make([]byte, 1<<16), 0
	for totals < 2 {
		n, err := stream.Body.Read(buffer)
		require.NoError(t, err)
		totals += strings.Count(string(buffer[:n]), `"id":"stats-total"`)
	}
}

func TestRun_DeletesItsFile(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	var out output
	url, stop := start(t, "", &out)
	get(t, url+"/templates")
	stop()
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, left)
	require.Contains(t, out.text.String(), "The console is at "+url+"/\n")
}

func TestRun_RefusesWhatItCannotDo(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	for _, store := range []string{"mysql://x", "sqlite:", "postgres://u:hunter2@%zz"} {
		err := run(t.Context(), l, store, 1, io.Discard)
		require.ErrorContains(t, err, "-store", store)
		require.NotContains(t, err.Error(), "hunter2")
	}
	require.ErrorContains(t, run(t.Context(), l, "", 0, io.Discard), "-rate")
}
