package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/smsplus/smsplus-go/pgstore"
)

// printVersion prints the program's version, as go install recorded it, and the schemas that it
// needs.
func (p *program) printVersion(*flags) action {
	return func(context.Context, string) error {
		version := "(unknown)"
		if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
			version = info.Main.Version
		}
		postgres, err := parsePostgres("postgres://localhost", pgstore.Options{})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.stdout, "smsplus %s, %s, schema %d of SQLite, schema %d of PostgreSQL\n",
			version, runtime.Version(), neededVersion(sqliteDatabase{}), neededVersion(postgres))
		return err
	}
}
