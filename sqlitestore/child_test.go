package sqlitestore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
	"github.com/smsplus/smsplus-go/status"
)

// A test that needs another process starts this program again with these environment
// variables. Such a child dispatches the messages of the file. It writes a line for
// each Send that returned and for each try of a channel.
const (
	childPath  = "SQLITESTORE_TEST_PATH"
	childRound = "SQLITESTORE_TEST_ROUND" // by how many hours its clock is ahead
	childSends = "SQLITESTORE_TEST_SENDS" // how many messages it sends, 0 for no end
	childMode  = "SQLITESTORE_TEST_MODE"
)

// runChild runs the child and exits, if this process is one.
func runChild() {
	path := os.Getenv(childPath)
	if path == "" {
		return
	}
	number := func(name string) int {
		n, err := strconv.Atoi(os.Getenv(name))
		if err != nil {
			panic(err)
		}
		return n
	}
	o := sqlitestore.Options{Synchronous: sqlitestore.Synchronous(number(childMode))}
	if err := runDispatcher(path, o, number(childRound), number(childSends), &lineWriter{to: os.Stdout}); err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// startChild starts a child, and returns its standard output.
func startChild(t *testing.T, path string, round, sends int, mode sqlitestore.Synchronous) (*exec.Cmd, io.Reader) {
	c := exec.CommandContext(t.Context(), os.Args[0])
	c.Env = append(os.Environ(), childPath+"="+path, fmt.Sprint(childRound, "=", round),
		fmt.Sprint(childSends, "=", sends), fmt.Sprintf("%s=%d", childMode, mode))
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	return c, out
}

// lineWriter writes whole lines. It is safe for concurrent use.
type lineWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (l *lineWriter) write(what string, id uuid.UUID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := fmt.Fprintf(l.to, "%s %v\n", what, id)
	return err
}

// childLog collects the lines of the children.
type childLog struct {
	returned       map[uuid.UUID]bool // messages whose Send returned
	triesByAttempt map[uuid.UUID]int  // by the ID of the attempt
}

// readLine reads and collects a line. It returns an error if the child was killed while
// writing the line.
func (l *childLog) readLine(r *bufio.Reader) error {
	line, err := r.ReadString('\n')
	if err != nil {
		return err
	}
	what, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	id, err := uuid.Parse(text)
	switch {
	case err != nil:
		return err
	case what == "returned":
		l.returned[id] = true
	case what == "tried":
		l.triesByAttempt[id]++
	default:
		return fmt.Errorf("what is a %q?", what)
	}
	return nil
}

// offsetClock is a clock that is ahead of the machine's by a constant.
type offsetClock time.Duration

func (a offsetClock) Now() time.Time { return time.Now().Add(time.Duration(a)) }

func (a offsetClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// loggingChannel writes a line for each try. SMS accepts the message, and the sender
// reports a receipt. LINE Push delivers half of its messages.
type loggingChannel struct {
	name channel.Name
	out  *lineWriter
}

func (c loggingChannel) Name() channel.Name { return c.name }

func (c loggingChannel) Traits() channel.Traits {
	if c.name == channel.LINEPush {
		return channel.Traits{Machine: status.LINEPush, Idempotent: true}
	}
	return channel.Traits{Machine: status.SMS}
}

func (c loggingChannel) Send(_ context.Context, e channel.Envelope) (channel.Result, error) {
	if err := c.out.write("tried", e.AttemptID); err != nil {
		return channel.Result{}, err
	}
	r := channel.Result{Status: status.Accepted, ProviderID: e.AttemptID.String()}
	if c.name == channel.LINEPush {
		r = channel.Result{Status: status.Delivered}
		if e.AttemptID[0]%2 == 0 {
			r = channel.Result{Status: status.Undeliverable, Reason: status.Blocked, Detail: "blocked"}
		}
	}
	return r, nil
}

func newDispatcher(s smsplus.Store, round int, out *lineWriter) (*smsplus.Dispatcher, error) {
	content := channel.Text("Your code is {{code}}")
	return smsplus.New(smsplus.Config{
		Store: s, Clock: offsetClock(round) * offsetClock(time.Hour),
		Channels: []channel.Channel{loggingChannel{channel.LINEPush, out}, loggingChannel{channel.SMS, out}},
		Templates: []smsplus.Template{
			{ID: "otp", Scenario: "OTP", Route: []smsplus.Step{{Channel: channel.SMS, Content: content, Wait: time.Minute}}},
			{ID: "order", Scenario: "order", Route: []smsplus.Step{
				{Channel: channel.LINEPush, Content: content, Wait: time.Minute},
				{Channel: channel.SMS, Content: content, Wait: time.Minute},
			}},
		},
		Lease: 40 * time.Second, Poll: 50 * time.Millisecond,
	})
}

const senders = 8

// runDispatcher sends and dispatches messages. With sends > 0, it returns as soon as
// twice as many messages are final: its own and those of another process. With 0, it
// runs until it is killed.
func runDispatcher(path string, o sqlitestore.Options, round, sends int, out *lineWriter) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	s, err := sqlitestore.Open(ctx, path, o)
	if err != nil {
		return err
	}
	d, err := newDispatcher(s, round, out)
	if err != nil {
		return err
	}
	var running, sending errgroup.Group
	running.Go(func() error { return d.Run(ctx) })
	for sender := range senders {
		sending.Go(func() error {
			for i := 0; sends == 0 || i < sends/senders; i++ {
				if err := send(ctx, d, fmt.Sprintf("%d/%d/%d", os.Getpid(), sender, i), i, sends > 0, out); err != nil {
					return err
				}
			}
			return nil
		})
	}
	// Another process may see the last message final before the call that ended it has
	// returned here. So the senders return before the Dispatcher is stopped.
	err = sending.Wait()
	if err == nil {
		err = waitFinal(ctx, s, 2*sends)
	}
	stop()
	return errors.Join(err, running.Wait(), s.Close())
}

// send sends a message. For some turns it then receives the receipt of its delivery.
func send(ctx context.Context, d *smsplus.Dispatcher, key string, turn int, deliver bool, out *lineWriter) error {
	tr := smsplus.Trigger{
		Template: "otp", To: channel.Recipient{Phone: number(fmt.Sprintf("+8869%08d", turn))},
		Vars: map[string]string{"code": "123456"},
	}
	if turn%3 == 0 {
		tr.Key = key
	}
	if turn%2 == 0 && !deliver {
		tr.Template, tr.To.IDs = "order", map[channel.Name]string{channel.LINEPush: "U4af4980629"}
	}
	id, err := d.Send(ctx, tr)
	if err != nil {
		return err
	}
	if err := out.write("returned", id); err != nil {
		return err
	}
	if tr.Template != "otp" || turn%8 == 1 && !deliver {
		return nil
	}
	// The receipt may arrive before the send that it belongs to.
	return d.Receive(ctx, channel.Receipt{
		Channel: channel.SMS, ProviderID: smsplus.AttemptID(id, 0).String(), Status: status.Delivered, At: opened,
	})
}

// waitFinal returns as soon as n messages are final.
func waitFinal(ctx context.Context, s smsplus.Store, n int) error {
	for {
		rows, err := s.Stats(ctx, smsplus.Filter{})
		if err != nil {
			return err
		}
		var sum smsplus.TemplateStats
		for _, row := range rows {
			sum = sum.Plus(row)
		}
		if sum.Triggered-sum.Preparing-sum.Accepted == n {
			return nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
