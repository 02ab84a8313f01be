package pgstore_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/smsplus"
)

// childEnv is the environment variable that makes this program a child process: its value
// is the child's task. A child runs a dispatcher on the database. It writes a line for each
// Send that returned, and for each update that was stale.
const childEnv = "PGSTORE_TEST_CHILD"

// childTask is the task of a child process.
type childTask struct {
	DSN, Schema string
	Witness     string // the URL of the provider
	Name        string // the name of the child
	ClockOffset time.Duration
	Sends       int           // how many messages each sender sends; 0 means no end
	Timeout     time.Duration // of sends and of store calls, and a third of the lease; 0 means the defaults
}

// runChildTask runs the task of a child process and exits. In any other process it returns.
func runChildTask() {
	text := os.Getenv(childEnv)
	if text == "" {
		return
	}
	var d childTask
	err := json.Unmarshal([]byte(text), &d)
	if err == nil {
		err = d.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// childProcess is a child process, seen by its parent.
type childProcess struct {
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// startChild starts a child process, which ends with the test or with this process.
func startChild(t *testing.T, d childTask, attr *syscall.SysProcAttr) *childProcess {
	t.Helper()
	text, err := json.Marshal(d)
	require.NoError(t, err)
	p := &childProcess{Cmd: exec.CommandContext(t.Context(), os.Args[0])}
	p.Env = append(os.Environ(), childEnv+"="+string(text))
	p.Stderr, p.SysProcAttr = os.Stderr, attr
	p.in, err = p.StdinPipe()
	require.NoError(t, err)
	out, err := p.StdoutPipe()
	require.NoError(t, err)
	p.out = bufio.NewReader(out)
	require.NoError(t, p.Start())
	t.Cleanup(func() {
		_ = p.Process.Kill() // unless it has ended already
		_ = p.Wait()
	})
	return p
}

// lineWriter writes lines, and is safe for concurrent use.
type lineWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (l *lineWriter) write(what string, ids ...uuid.UUID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		if _, err := fmt.Fprintf(l.to, "%s %v\n", what, id); err != nil {
			return err
		}
	}
	return nil
}

// staleReportingStore is a store that writes a line for each stale update.
type staleReportingStore struct {
	*pgstore.Store
	out *lineWriter
}

func (s staleReportingStore) Update(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
	stale, err := s.Store.Update(ctx, ms)
	return stale, errors.Join(err, s.out.write("stale", stale...))
}

// offsetClock is a clock that is ahead of the machine's clock.
type offsetClock time.Duration

func (a offsetClock) Now() time.Time { return time.Now().Add(time.Duration(a)) }

func (a offsetClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// newDispatcher returns a dispatcher with three routes. The text of a message is a variable.
func (d childTask) newDispatcher(s smsplus.Store) (*smsplus.Dispatcher, error) {
	content := channel.Text("{{text}}")
	sms := smsplus.Step{Channel: channel.SMS, Content: content, Wait: 10 * time.Minute}
	atMostOnce := sms
	atMostOnce.InDoubt = smsplus.Forward
	push := smsplus.Step{Channel: channel.LINEPush, Content: content, Wait: 10 * time.Minute}
	return smsplus.New(smsplus.Config{
		Store: s, Clock: offsetClock(d.ClockOffset), Poll: 50 * time.Millisecond,
		Channels: []channel.Channel{
			&witnessChannel{name: channel.LINEPush, from: d.Name, to: d.Witness},
			&witnessChannel{name: channel.SMS, from: d.Name, to: d.Witness},
		},
		Templates: []smsplus.Template{
			{ID: "otp", Route: []smsplus.Step{sms}},
			{ID: "order", Route: []smsplus.Step{push, sms}},
			{ID: "once", Route: []smsplus.Step{atMostOnce, push}},
		},
		Retry:       smsplus.Retry{Base: 100 * time.Millisecond},
		SendTimeout: d.Timeout, StoreTimeout: d.Timeout, Lease: 3 * d.Timeout,
	})
}

const senders = 8

// run runs a dispatcher until the parent writes a line.
func (d childTask) run() error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
			os.Exit(1) // the parent is gone
		}
		stop()
	}()
	c, err := pgxpool.ParseConfig(d.DSN)
	if err != nil {
		return err
	}
	c.MaxConns, c.ConnConfig.RuntimeParams["application_name"] = 8, d.Name
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return err
	}
	defer pool.Close()
	s, err := pgstore.New(ctx, pool, pgstore.Options{Schema: d.Schema})
	if err != nil {
		return err
	}
	out := &lineWriter{to: os.Stdout}
	dispatcher, err := d.newDispatcher(staleReportingStore{s, out})
	if err != nil {
		return err
	}
	var group errgroup.Group
	group.Go(func() error { return dispatcher.Run(ctx) })
	for sender := range senders {
		group.Go(func() error {
			for i := 0; (d.Sends == 0 || i < d.Sends) && ctx.Err() == nil; i++ {
				if err := d.send(ctx, dispatcher, fmt.Sprintf("%s/%d/%d", d.Name, sender, i), i, out); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return errors.Join(group.Wait(), s.Close())
}

// send sends one message, or three in one call. The turn decides which, and their templates.
func (d childTask) send(ctx context.Context, to *smsplus.Dispatcher, text string, turn int, out *lineWriter) error {
	tr := smsplus.Trigger{
		Template: []string{"otp", "order", "order", "once"}[turn%4], Vars: map[string]string{"text": text},
		To: channel.Recipient{Phone: mustPhone(fmt.Sprintf("+8869%08d", turn)), IDs: map[channel.Name]string{channel.LINEPush: "U4af4980629"}},
	}
	if turn%3 == 0 {
		tr.Key = text
	}
	if turn%10 == 0 {
		trs := []smsplus.Trigger{tr, tr, tr}
		for i := range trs {
			trs[i].Key, trs[i].Vars = "", map[string]string{"text": fmt.Sprintf("%s/%d", text, i)}
		}
		ids, err := to.SendMany(ctx, trs)
		return reportSent(err, d.Timeout, func() error { return out.write("returned", ids...) })
	}
	id, err := to.Send(ctx, tr)
	return reportSent(err, d.Timeout, func() error { return out.write("returned", id) })
}

// reportSent reports messages whose Send returned no error. With a timeout, Send may fail.
func reportSent(err error, timeout time.Duration, report func() error) error {
	switch {
	case err == nil:
		return report()
	case errors.Is(err, context.Canceled), timeout > 0:
		return nil
	default:
		return err
	}
}

// childLog holds the lines that children wrote.
type childLog struct {
	mu       sync.Mutex
	returned map[uuid.UUID]bool // messages whose Send returned
	stale    map[uuid.UUID]bool // messages of which an update was stale
}

func newChildLog() *childLog {
	return &childLog{returned: make(map[uuid.UUID]bool), stale: make(map[uuid.UUID]bool)}
}

// readLine reads a line. It returns io.EOF for a line that is incomplete because its writer
// was killed.
func (l *childLog) readLine(r *bufio.Reader) error {
	line, err := r.ReadString('\n')
	if err != nil {
		return err
	}
	what, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	id, err := uuid.Parse(text)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
		return err
	case what == "returned":
		l.returned[id] = true
	case what == "stale":
		l.stale[id] = true
	default:
		return fmt.Errorf("unknown line %q", what)
	}
	return nil
}

// readAll reads all lines until the writer ends.
func (l *childLog) readAll(r *bufio.Reader) error {
	for {
		if err := l.readLine(r); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
