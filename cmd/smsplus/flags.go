package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// flags is the flag set of a command. Its errors name every wrong flag, and never repeat a
// value, as the errors of package flag do. A value may be a phone number or hold a
// password.
type flags struct {
	flag.FlagSet
	errs   []error
	checks []func() error // run after all flags are parsed
	key    string         // names a message in place of the operand, or ""
	lines  *bufio.Reader  // of the standard input, once a flag has read from it
}

func newFlags() *flags {
	f := new(flags)
	f.Init("", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	return f
}

// declareValue declares a flag whose value set parses.
func (f *flags) declareValue(name, usage string, set func(string) error) {
	f.Func(name, usage, func(text string) error {
		if err := set(text); err != nil {
			f.errs = append(f.errs, fmt.Errorf("-%s: %w", name, err))
		}
		return nil
	})
}

// valueOrLine returns a flag's value, or for a dash the next line of stdin, so that the value
// is in no list of processes.
func (f *flags) valueOrLine(text string, stdin io.Reader) string {
	if text != "-" {
		return text
	}
	if f.lines == nil {
		f.lines = bufio.NewReader(stdin)
	}
	line, _ := f.lines.ReadString('\n') // what is incomplete is refused like any other value
	return strings.TrimSpace(line)
}

// declareText declares a flag whose value is any text that is not empty.
func (f *flags) declareText(into *string, name, usage string) {
	f.declareValue(name, usage, func(text string) error {
		if *into = text; text == "" {
			return errors.New("it is empty")
		}
		return nil
	})
}

// safeFlagError matches the errors of package flag that repeat no value.
var safeFlagError = regexp.MustCompile(`^flag [a-z ]+: -[a-z]+$`)

// parse parses up to the first operand. It returns the arguments from there on.
func (f *flags) parse(args []string) ([]string, error) {
	err := f.Parse(args)
	switch {
	case err == nil:
		return f.Args(), nil
	case errors.Is(err, flag.ErrHelp):
		return nil, err
	case safeFlagError.MatchString(err.Error()):
		return nil, usageError{err}
	}
	return nil, usagef("a flag cannot be read")
}

// parseAll parses flags before and after operands, checks them, and returns the operands.
func (f *flags) parseAll(args []string) (operands []string, err error) {
	for {
		if args, err = f.parse(args); err != nil {
			return nil, err
		}
		if len(args) == 0 {
			return operands, f.check()
		}
		operands, args = append(operands, args[0]), args[1:]
	}
}

// check runs the checks and returns all errors, those of parsing included.
func (f *flags) check() error {
	errs := f.errs
	for _, check := range f.checks {
		errs = append(errs, check())
	}
	if err := errors.Join(errs...); err != nil {
		return usageError{err}
	}
	return nil
}

// usage returns a table of the flags.
func (f *flags) usage() string {
	var t table
	f.VisitAll(func(fl *flag.Flag) {
		value, text := flag.UnquoteUsage(fl)
		t.add("-"+fl.Name, value, text)
	})
	return t.render()
}
