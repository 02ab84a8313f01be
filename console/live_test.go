package console_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/console"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// realTime gives the pages the clock of the bubble.
func realTime(c *console.Config) { c.Clock = nil }

// viewer is a browser that a stream is sent to. It is safe for concurrent use.
type viewer struct {
	header http.Header
	leave  context.CancelFunc

	mu   sync.Mutex
	code int
	body strings.Builder
	read int // how much of the body was seen
}

func (v *viewer) Header() http.Header { return v.header }

func (v *viewer) WriteHeader(code int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.code = code
}

func (v *viewer) Write(b []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.body.Write(b)
}

func (v *viewer) Flush() {}

// events returns the elements that each event has brought since the last call.
func (v *viewer) events(t *testing.T) (all []map[string]string) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	for line := range strings.SplitSeq(strings.TrimSpace(v.body.String()[v.read:]), "\n\n") {
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		var parts []struct{ ID, HTML string }
		require.NoError(t, json.Unmarshal([]byte(data), &parts))
		event := map[string]string{}
		for _, p := range parts {
			event[p.ID] = p.HTML
			require.Contains(t, p.HTML, `id="`+p.ID+`"`)
		}
		all = append(all, event)
	}
	v.read = v.body.Len()
	return all
}

// watch opens a stream. Its goroutine ends with the bubble, or when the viewer leaves.
func (s *site) watch(ctx context.Context, path string, headers ...string) *viewer {
	ctx, leave := context.WithCancel(ctx)
	v := &viewer{header: http.Header{}, leave: leave}
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	go s.pages.ServeHTTP(v, r)
	return v
}

// preparing is a message that was triggered now, and waits for its first send.
func preparing(template string) smsplus.Message {
	m := sent(0, template, smsplus.Attempt{Channel: channel.SMS})
	m.TriggeredAt = time.Now()
	m.DueAt, m.Lane, m.Version = m.TriggeredAt.Add(time.Minute), channel.SMS, 1
	return m
}

// deliver stores that a message has arrived.
func (s *site) deliver(m smsplus.Message) {
	s.t.Helper()
	m.Status, m.DueAt, m.Lane, m.DeliveredAt = status.Delivered, time.Time{}, "", time.Now()
	m.Attempts = append([]smsplus.Attempt(nil), m.Attempts...)
	m.Attempts[0].Status, m.Attempts[0].DeliveredAt = status.Delivered, m.DeliveredAt
	stale, err := s.store.Update(context.Background(), []smsplus.Message{m})
	require.NoError(s.t, err)
	require.Empty(s.t, stale)
}

func TestLive_SendsWhatChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := preparing("otp")
		s := open(t, []smsplus.Message{m}, realTime)
		html := s.page("/records")
		require.Contains(t, html, `data-url="/live/records"`)
		require.Contains(t, html, `data-current="Live"`)
		require.Contains(t, html, `<tbody id="r-`+m.ID.String()+`" data-live="1">`)

		v := s.watch(t.Context(), "/live/records?watch="+m.ID.String())
		passTime(time.Second)
		events := v.events(t)
		require.Len(t, events, 1)
		require.Equal(t, "text/event-stream; charset=utf-8", v.header.Get("Content-Type"))
		require.Equal(t, "no-store", v.header.Get("Cache-Control"))
		row := "r-" + m.ID.String()
		require.Contains(t, text(events[0][row]), "Preparing")
		require.NotContains(t, events[0][row], "912345678")
		require.Contains(t, html, events[0]["count-sending"], "the page and the stream have the same element")

		s.deliver(m)
		passTime(4 * time.Second)
		var changed map[string]string
		for _, e := range v.events(t) {
			require.Contains(t, e, "now")
			delete(e, "now")
			if len(e) > 0 {
				require.Nil(t, changed, "a change is sent once")
				changed = e
			}
		}
		require.Contains(t, text(changed[row]), "Delivered")
		require.NotContains(t, changed[row], "data-live")
		require.Equal(t, "0", text(changed["count-sending"]))
		require.Equal(t, "1", text(changed["count-sent"]))
		require.NotContains(t, changed, "count-all")
		v.leave()
	})
}

func TestLive_FollowsRowsThatLeaveTheirTab(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := preparing("otp")
		s := open(t, []smsplus.Message{m}, realTime)
		v := s.watch(t.Context(), "/live/records?tab=sending&watch="+m.ID.String()+",x,"+uuid.NewString())
		passTime(time.Second)
		s.deliver(m)
		passTime(10 * time.Second)
		events := v.events(t)
		rows := 0
		for _, e := range events {
			if row, ok := e["r-"+m.ID.String()]; ok {
				rows++
				if rows == 2 {
					require.Contains(t, text(row), "Delivered")
				}
			}
		}
		require.Equal(t, 2, rows)
		v.leave()
	})
}

func TestLive_UpdatesStatisticsAndRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := preparing("otp")
		s := open(t, []smsplus.Message{m}, realTime)
		require.Contains(t, s.page("/templates?range=7d"), `data-url="/live/templates?range=7d"`)
		require.Contains(t, s.page("/records/"+m.ID.String()), `data-url="/live/records/`+m.ID.String()+`"`)
		stats, record := s.watch(t.Context(), "/live/templates?range=7d"), s.watch(t.Context(), "/live/records/"+m.ID.String())
		passTime(3 * time.Second)
		page := s.page("/templates?range=7d")
		for id, html := range stats.events(t)[0] {
			if id != "now" {
				require.Contains(t, page, html)
			}
		}
		require.Contains(t, text(record.events(t)[0]["message"]), "Preparing")
		s.deliver(m)
		passTime(6 * time.Second)
		all := fmt.Sprint(stats.events(t))
		require.Contains(t, text(all), "otp 1 1 100%")
		require.Contains(t, text(fmt.Sprint(record.events(t))), "Delivered")
		stats.leave()
		record.leave()
	})
}

// countingStore counts the queries of each second.
type countingStore struct {
	smsplus.Store

	mu      sync.Mutex
	seconds map[int64]int
	total   int
	err     error
}

func (s *countingStore) count() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seconds[time.Now().Unix()]++
	s.total++
	return s.err
}

func (s *countingStore) Records(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
	if err := s.count(); err != nil {
		return smsplus.Page{}, err
	}
	return s.Store.Records(ctx, f)
}

func (s *countingStore) Stats(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
	if err := s.count(); err != nil {
		return nil, err
	}
	return s.Store.Stats(ctx, f)
}

func (s *countingStore) StatsBy(ctx context.Context, f smsplus.Filter, g smsplus.Grouping) ([]smsplus.GroupStats, error) {
	if err := s.count(); err != nil {
		return nil, err
	}
	return s.Store.StatsBy(ctx, f, g)
}

func (s *countingStore) Message(ctx context.Context, id uuid.UUID) (smsplus.Message, error) {
	if err := s.count(); err != nil {
		return smsplus.Message{}, err
	}
	return s.Store.Message(ctx, id)
}

func (s *countingStore) Pauses(ctx context.Context) ([]smsplus.Pause, error) {
	if err := s.count(); err != nil {
		return nil, err
	}
	return s.Store.Pauses(ctx)
}

func (s *countingStore) Heartbeats(ctx context.Context, at time.Time) ([]smsplus.Heartbeat, error) {
	if err := s.count(); err != nil {
		return nil, err
	}
	return s.Store.Heartbeats(ctx, at)
}

// counted wraps the store of the pages.
func counted(store **countingStore) func(*console.Config) {
	return func(c *console.Config) {
		*store = &countingStore{Store: c.Store, seconds: map[int64]int{}}
		c.Store = *store
	}
}

// maxQueries is the most queries a second that live updates may cost.
const maxQueries = 5

func TestLive_CostsAFewQueriesHoweverManyLook(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]func(i int) string{
		"at one page": func(int) string { return "/live/records?range=today" },
		"at a few pages": func(i int) string {
			return []string{"/live/records", "/live/templates", "/live/templates?range=30d", "/live/why?last=week"}[i%4]
		},
		"at pages of ours": func(i int) string { return fmt.Sprintf("/live/records?template=t%d", i) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var store *countingStore
				s := open(t, []smsplus.Message{preparing("otp")}, realTime, counted(&store))
				const viewers = 200
				var all []*viewer
				for i := range viewers {
					zone := []string{"Asia/Taipei", "America/New_York"}[i%2]
					all = append(all, s.watch(t.Context(), path(i), "Accept-Language: "+[]string{"en", "zh-TW"}[i%2], "Cookie: smsplus_zone="+zone))
					passTime(10 * time.Millisecond)
				}
				passTime(time.Minute)
				for _, v := range all {
					v.leave()
				}
				synctest.Wait()
				for second, n := range store.seconds {
					require.LessOrEqual(t, n, maxQueries, "second %d", second)
				}
				require.LessOrEqual(t, store.total, maxQueries*62)
				for i, v := range all {
					require.NotEmpty(t, v.events(t), "viewer %d saw nothing", i)
				}
			})
		})
	}
}

func TestLive_AsksABrokenStoreNoMoreOften(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var store *countingStore
		s := open(t, nil, realTime, counted(&store))
		v := s.watch(t.Context(), "/live/records")
		passTime(3 * time.Second)
		require.NotEmpty(t, v.events(t))
		store.mu.Lock()
		store.total, store.err = 0, errors.New("down with password=hunter2")
		store.mu.Unlock()
		passTime(time.Minute)
		require.Empty(t, v.events(t), "the page keeps its time")
		store.mu.Lock()
		require.LessOrEqual(t, store.total, 31)
		store.err = nil
		store.mu.Unlock()
		passTime(5 * time.Second)
		require.NotEmpty(t, v.events(t))

		store.mu.Lock()
		store.err = errors.New("down with password=hunter2")
		store.mu.Unlock()
		passTime(5 * time.Second)
		w := s.get("/live/records")
		require.Equal(t, http.StatusInternalServerError, w.Code)
		require.NotContains(t, w.Body.String(), "password")
		v.leave()
	})
}

// A viewer who leaves must not leave the others without an answer.
func TestLive_OthersAskWhenTheFirstViewerLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, nil, realTime)
		first, second := s.watch(t.Context(), "/live/templates"), s.watch(t.Context(), "/live/templates")
		first.leave()
		passTime(5 * time.Second)
		require.NotEmpty(t, second.events(t))
		second.leave()
	})
}

func TestLive_EndsWithItsRequestOrTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(context.Background())
		s := open(t, nil, realTime, func(c *console.Config) { c.Context = ctx })
		left := s.watch(t.Context(), "/live/records")
		for range 3 {
			s.watch(context.Background(), "/live/templates")
		}
		passTime(3 * time.Second)
		left.leave()
		stop()
		// The bubble fails the test if a goroutine is left.
	})
}

func TestLive_EndsAfterAWhileToBeAuthorizedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, nil, realTime)
		began := time.Now()
		w := s.get("/live/records")
		require.Equal(t, http.StatusOK, w.Code)
		require.Less(t, time.Since(began), 6*time.Minute)
	})
}

func TestLive_EveryQueryHasADeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, nil, realTime, func(c *console.Config) { c.Store = interruptedStore{c.Store} })
		w := s.get("/live/templates")
		require.Equal(t, http.StatusServiceUnavailable, w.Code)
		require.Contains(t, text(w.Body.String()), "The store did not answer in time.")
	})
}

func TestLive_IsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, nil, realTime)
		ctx, leave := context.WithCancel(t.Context())
		for range 1000 {
			s.watch(ctx, "/live/templates")
		}
		synctest.Wait()
		w := s.get("/live/templates")
		require.Equal(t, http.StatusServiceUnavailable, w.Code)
		require.Contains(t, w.Body.String(), "Too many pages are open")
		leave()
		synctest.Wait()
		v := s.watch(t.Context(), "/live/templates")
		passTime(3 * time.Second)
		require.NotEmpty(t, v.events(t))
		v.leave()
	})
}

func TestLive_RefusesWhatItsPageRefuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, nil, realTime)
		for path, code := range map[string]int{
			"/live/records?from=yesterday": http.StatusBadRequest, "/live/records?person=AAAA": http.StatusBadRequest,
			"/live/templates?from=1999-01-01": http.StatusBadRequest, "/live/records/x": http.StatusNotFound,
			"/live/records/" + uuid.NewString(): http.StatusNotFound, "/live/nothing": http.StatusNotFound,
		} {
			require.Equal(t, code, s.get(path).Code, path)
		}
		require.Equal(t, http.StatusForbidden, s.get("/live/records", "Sec-Fetch-Site: cross-site").Code)
	})
}

func TestLive_RevealIsAuditedOnceAStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := preparing("otp")
		s := open(t, []smsplus.Message{m}, realTime, revealing)
		v := s.watch(t.Context(), "/live/records?reveal=1&watch="+m.ID.String())
		hidden := s.watch(t.Context(), "/live/records?watch="+m.ID.String())
		passTime(20 * time.Second)
		require.Contains(t, fmt.Sprint(v.events(t)), "886912345678")
		require.NotContains(t, fmt.Sprint(hidden.events(t)), "912345678")
		require.Len(t, s.audit, 1)
		require.Equal(t, "/live/records", s.audit[0].Page)
		v.leave()
		hidden.leave()
	})
}

// pipes is a listener whose connections stay in the process, so that a bubble's time holds
// for their deadlines.
type pipes struct {
	accept chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accept:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	p.accept <- theirs
	return ours, nil
}

func TestLive_OutlivesTheServersTimeoutsAndLetsItShutDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		s := open(t, nil, realTime, func(c *console.Config) { c.Context = ctx })
		listener := &pipes{accept: make(chan net.Conn), closed: make(chan struct{})}
		server := &http.Server{Handler: s.pages, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second}
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()
		transport := &http.Transport{DialContext: listener.dial}
		response, err := (&http.Client{Transport: transport}).Get("http://console.test/live/records")
		require.NoError(t, err)
		defer func() { require.NoError(t, response.Body.Close()) }()
		began, buffer := time.Now(), make([]byte, 1<<16)
		for time.Since(began) < time.Minute {
			_, err := response.Body.Read(buffer)
			require.NoError(t, err, "after %v", time.Since(began))
		}
		stop()
		require.NoError(t, server.Shutdown(t.Context()))
		require.ErrorIs(t, <-served, http.ErrServerClosed)
		transport.CloseIdleConnections()
	})
}

func TestLive_UpdatesOperationsAndProviders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, page := range []string{"operations", "providers"} {
			s := open(t, []smsplus.Message{preparing("otp")}, realTime)
			require.Contains(t, s.page("/"+page), `data-url="/live/`+page+`"`)
			v := s.watch(t.Context(), "/live/"+page)
			passTime(5 * time.Second)
			require.NotContains(t, text(fmt.Sprint(v.events(t))), "‖ Paused")
			require.NoError(t, s.store.SetPause(t.Context(), smsplus.Pause{Channel: channel.SMS, Since: time.Now()}))
			passTime(10 * time.Second)
			require.Contains(t, text(fmt.Sprint(v.events(t))), map[string]string{"operations": "SMS", "providers": "‖ Paused"}[page])
			v.leave()
		}
	})
}

func TestLive_UpdatesFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		failed := func() smsplus.Message {
			m := sent(0, "otp", lost(channel.SMS, status.Failed, status.SystemError, "down", 0))
			m.TriggeredAt = time.Now()
			return m
		}
		s := open(t, []smsplus.Message{failed()}, realTime)
		page := s.page("/why?last=hour")
		require.Contains(t, page, `data-url="/live/why?last=hour"`)
		words := regexp.MustCompile(`<details id="(f-[0-9a-f]+)"`).FindStringSubmatch(page)
		require.NotNil(t, words)
		require.Contains(t, page, "down")
		v := s.watch(t.Context(), "/live/why?last=hour")
		passTime(3 * time.Second)
		_, err := s.store.Insert(t.Context(), []smsplus.Message{failed()})
		require.NoError(t, err)
		passTime(6 * time.Second)
		events := v.events(t)
		require.Contains(t, rows(events[0]["failures"])[1], "SMS 1 100% 1")
		changed := slices.DeleteFunc(events[1:], func(e map[string]string) bool { return e["failures"] == "" })
		require.Len(t, changed, 1, "a change is sent once")
		require.Contains(t, rows(changed[0]["failures"])[1], "SMS 2 100% 2")
		require.Contains(t, changed[0]["failures"], words[0], "the browser keeps the box with the provider's words")
		v.leave()
	})
}

// passTime lets the bubble's time pass.
func passTime(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // the bubble's
