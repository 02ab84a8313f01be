package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	_ "time/tzdata" // -tz works where no time zones are installed

	"github.com/smsplus/smsplus-go/internal/migrate"
	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/phone/national"
	"github.com/smsplus/smsplus-go/smsplus"
)

// The exit codes. They must not change, because scripts test for them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitSchema      = 4
	exitInterrupted = 130 // as a shell reports a program that SIGINT ended
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv))
}

// program is one run of the program.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string

	// store, schema, keys and unsealed are the values of the flags that every command has.
	store, schema, keys string
	unsealed            bool
}

// command is one of the program's commands.
type command struct {
	name, operand, summary string
	// prepare declares the flags. The action that it returns runs after they are parsed.
	prepare func(*program, *flags) action
}

// action runs a command. The operand is "" if the command has none.
type action func(ctx context.Context, operand string) error

var commands = []command{
	{"migrate", "", "bring the schema to the version that this release needs", (*program).migrate},
	{"stats", "", "count messages, a row for each template", (*program).stats},
	{"records", "", "list messages, newest first", (*program).records},
	{"export", "", "write messages as CSV or NDJSON, newest first", (*program).export},
	{"show", "ID", "show one message, by its ID or its key, with its plan and its attempts", (*program).show},
	{"find", "TEXT", "find messages by a number as it is typed, or an ID, key or reference of any kind", (*program).find},
	{"status", "", "show what is paused, which dispatchers run, and how far behind they are", (*program).status},
	{"pause", "", "stop a channel or a template until it is resumed", (*program).pause},
	{"resume", "", "start a channel or a template again", (*program).resume},
	{"cancel", "ID", "stop a message, by its ID or its key: no further step is sent", (*program).cancel},
	{"erase", "", "erase a person's data; the counts stay", (*program).erase},
	{"purge", "", "drop old messages that have ended", (*program).purge},
	{"version", "", "print the version of the program and of the schemas that it needs", (*program).printVersion},
}

// usageError is an error in the program's arguments or environment.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// run runs the program and returns its exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) int {
	p := &program{stdin: stdin, stdout: stdout, stderr: stderr, getenv: getenv}
	err := p.run(ctx, args)
	code, text := exitStatus(ctx, err)
	if text != "" {
		fmt.Fprintln(stderr, "smsplus:", strings.ReplaceAll(text, "\n", "\nsmsplus: "))
	}
	if code == exitUsage {
		fmt.Fprintln(stderr, "smsplus: -h, before or after a command, shows how it is used")
	}
	return code
}

// exitStatus returns the exit code of an error and its text.
func exitStatus(ctx context.Context, err error) (code int, text string) {
	switch {
	case err == nil:
		return exitDone, ""
	case ctx.Err() != nil:
		return exitInterrupted, "interrupted"
	case errors.As(err, new(usageError)):
		return exitUsage, err.Error()
	case errors.Is(err, smsplus.ErrInvalidFilter):
		return exitUsage, flagNames.Replace(err.Error())
	case errors.Is(err, national.ErrRegion):
		return exitUsage, "-region is no country: want two letters such as TW"
	case errors.Is(err, smsplus.ErrNotFound):
		return exitNotFound, err.Error()
	case errors.As(err, new(*migrate.VersionError)):
		return exitSchema, err.Error()
	case errors.Is(err, rowcodec.ErrSealed):
		return exitFailed, "the store is sealed, and its keys are in neither -keys nor SMSPLUS_KEYS"
	}
	return exitFailed, flagNames.Replace(err.Error())
}

func (p *program) run(ctx context.Context, args []string) error {
	f := p.flags()
	args, err := f.parse(args)
	if err == nil {
		err = f.check()
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		return p.printUsage(f)
	case err != nil:
		return err
	case len(args) == 0:
		return usagef("a command is missing")
	case args[0] == "help":
		return p.run(ctx, append(args[1:], "-h"))
	}
	i := slices.IndexFunc(commands, func(c command) bool { return c.name == args[0] })
	if i < 0 {
		return usagef("there is no such command")
	}
	c, f := commands[i], p.flags()
	act := c.prepare(p, f)
	operands, err := f.parseAll(args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		return p.printHelp(c, f)
	case err != nil:
		return err
	case c.operand == "" && len(operands) > 0:
		return usagef("%s takes flags alone", c.name)
	case f.key != "" && len(operands) > 0:
		return usagef("%s takes either an %s or -key", c.name, c.operand)
	case c.operand != "" && f.key == "" && len(operands) != 1:
		return usagef("%s takes one %s", c.name, c.operand)
	}
	return act(ctx, strings.Join(operands, ""))
}

// flags returns the flags that may be before or after a command.
func (p *program) flags() *flags {
	f := newFlags()
	f.declareText(&p.store, "store", "the store's `URL`: sqlite:FILE or postgres://user@host/database (or SMSPLUS_STORE)")
	f.declareText(&p.schema, "schema", "PostgreSQL: the `schema` of the tables (default: as the search path leads)")
	f.declareText(&p.keys, "keys", "the `file` with the keys of a sealed store (or SMSPLUS_KEYS with the keys themselves)")
	f.BoolVar(&p.unsealed, "unsealed", p.unsealed, "read and find records from before the store was sealed too; a look-up then sends the plain number")
	return f
}

const exitCodesText = `
Exit codes: 0 done; 1 failed; 2 wrong usage; 3 no such message; 4 the schema is not
the one that this release needs; 130 interrupted.
`

func (p *program) printUsage(f *flags) error {
	var t table
	for _, c := range commands {
		t.add(strings.TrimSpace(c.name+" "+c.operand), c.summary)
	}
	t.add("help [COMMAND]", "show how the program, or a command, is used")
	_, err := fmt.Fprintf(p.stdout, "Usage: smsplus [flags] command [flags]\n\n%s\n%s%s", t.render(), f.usage(), exitCodesText)
	return err
}

func (p *program) printHelp(c command, f *flags) error {
	line := strings.TrimSpace("smsplus " + c.name + " [flags] " + c.operand)
	_, err := fmt.Fprintf(p.stdout, "Usage: %s\n\nTo %s.\n\n%s", line, c.summary, f.usage())
	return err
}
