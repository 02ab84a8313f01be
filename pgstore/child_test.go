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

// A test that needs another process starts this program again with a duty in this
// environment variable. Such a child dispatches over the database, and writes a line
// for each Send that returned and each update that came too late.
const childDuty = "PGSTORE_TEST_CHILD"

// duty is what a child has to do.
type duty struct {
	DSN, Schema string
	Witness     string // where the provider is
	Name        string // of the child
	Ahead       time.Duration
	Sends       int           // how many messages each sender sends; 0: without end
	Timeout     time.Duration // of sends and of store calls; 0: the defaults, and their lease
}

// child is the other process. In the first one it returns.
func child() {
	text := os.Getenv(childDuty)
	if text == "" {
		return
	}
	var d duty
	err := json.Unmarshal([]byte(text), &d)
	if err == nil {
		err = d.do()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// process is a child, as its parent sees it.
type process struct {
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// start starts a child, which ends with the test, or with this process.
func start(t *testing.T, d duty, attr *syscall.SysProcAttr) *process {
	t.Helper()
	text, err := json.Marshal(d)
	require.NoError(t, err)
	p := &process{Cmd: exec.CommandContext(t.Context(), os.Args[0])}
	p.Env = append(os.Environ(), childDuty+"="+string(text))
	p.Stderr, p.SysProcAttr = os.Stderr, attr
	p.in, err = p.StdinPipe()
	require.NoError(t, err)
	out, err := p.StdoutPipe()
	require.NoError(t, err)
	p.out = bufio.NewReader(out)
	require.NoError(t, p.Start())
	t.Cleanup(func() {
		_ = p.Process.Kill() // it has ended if all is well
		_ = p.Wait()
	})
	return p
}

// lines writes whole lines from many goroutines.
type lines struct {
	mu sync.Mutex
	to io.Writer
}

func (l *lines) write(what string, ids ...uuid.UUID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		if _, err := fmt.Fprintf(l.to, "%s %v\n", what, id); err != nil {
			return err
		}
	}
	return nil
}

// fenced is a store that tells of each update that came too late.
type fenced struct {
	*pgstore.Store
	out *lines
}

func (s fenced) Update(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
	stale, err := s.Store.Update(ctx, ms)
	return stale, errors.Join(err, s.out.write("stale", stale...))
}

// ahead is a clock that is some time ahead of the machine's.
type ahead time.Duration

func (a ahead) Now() time.Time { return time.Now().Add(time.Duration(a)) }

func (a ahead) After(d time.Duration) <-chan time.Time { return time.After(d) }

// routed returns a dispatcher with three routes. Each message's text is its own.
func (d duty) routed(s smsplus.Store) (*smsplus.Dispatcher, error) {
	content := channel.Text("{{text}}")
	sms := smsplus.Step{Channel: channel.SMS, Content: content, Wait: 10 * time.Minute}
	atMostOnce := sms
	atMostOnce.InDoubt = smsplus.Forward
	push := smsplus.Step{Channel: channel.LINEPush, Content: content, Wait: 10 * time.Minute}
	return smsplus.New(smsplus.Config{
		Store: s, Clock: ahead(d.Ahead), Poll: 50 * time.Millisecond,
		Channels: []channel.Channel{
			&wired{name: channel.LINEPush, from: d.Name, to: d.Witness},
			&wired{name: channel.SMS, from: d.Name, to: d.Witness},
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

// do dispatches until the parent writes a line.
func (d duty) do() error {
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
	out := &lines{to: os.Stdout}
	dispatcher, err := d.routed(fenced{s, out})
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

// send sends a message, or a few of them in one call, as the turn wants it.
func (d duty) send(ctx context.Context, to *smsplus.Dispatcher, text string, turn int, out *lines) error {
	tr := smsplus.Trigger{
		Template: []string{"otp", "order", "order", "once"}[turn%4], Vars: map[string]string{"text": text},
		To: channel.Recipient{Phone: number(fmt.Sprintf("+8869%08d", turn)), LINEUserID: "U4af4980629"},
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
		return told(err, d.Timeout, func() error { return out.write("returned", ids...) })
	}
	id, err := to.Send(ctx, tr)
	return told(err, d.Timeout, func() error { return out.write("returned", id) })
}

// told tells of what was sent. Where the deadlines are short, a call may be too late.
func told(err error, short time.Duration, tell func() error) error {
	switch {
	case err == nil:
		return tell()
	case errors.Is(err, context.Canceled), short > 0:
		return nil
	default:
		return err
	}
}

// log is what a parent heard from its children.
type log struct {
	mu       sync.Mutex
	returned map[uuid.UUID]bool // messages whose Send returned
	stale    map[uuid.UUID]bool // messages that an update came too late for
}

func newLog() *log { return &log{returned: make(map[uuid.UUID]bool), stale: make(map[uuid.UUID]bool)} }

// read takes in a line, unless its writer was killed in the middle of it.
func (l *log) read(r *bufio.Reader) error {
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
		return fmt.Errorf("what is a %q?", what)
	}
	return nil
}

// rest takes in all that is left, to the writer's end.
func (l *log) rest(r *bufio.Reader) error {
	for {
		if err := l.read(r); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
