package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
)

// flags are a command's. Package flag's own errors repeat what was given, and that may
// be a phone number or hold a password; these name the flag alone, and all that are
// wrong at once.
type flags struct {
	flag.FlagSet
	errs   []error
	checks []func() error // once all are parsed
}

func newFlags() *flags {
	f := new(flags)
	f.Init("", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	return f
}

// declareValue declares a flag that is given a value.
func (f *flags) declareValue(name, usage string, set func(string) error) {
	f.Func(name, usage, func(text string) error {
		if err := set(text); err != nil {
			f.errs = append(f.errs, fmt.Errorf("-%s: %w", name, err))
		}
		return nil
	})
}

// declareText declares a flag whose value is any text but none.
func (f *flags) declareText(into *string, name, usage string) {
	f.declareValue(name, usage, func(text string) error {
		if *into = text; text == "" {
			return errors.New("it is empty")
		}
		return nil
	})
}

// safeFlagError is an error of package flag that repeats no value.
var safeFlagError = regexp.MustCompile(`^flag [a-z ]+: -[a-z]+$`)

// parse parses up to the first operand, and returns that and what follows.
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

// usage lists the flags.
func (f *flags) usage() string {
	var t table
	f.VisitAll(func(fl *flag.Flag) {
		value, text := flag.UnquoteUsage(fl)
		t.add("-"+fl.Name, value, text)
	})
	return t.render()
}
