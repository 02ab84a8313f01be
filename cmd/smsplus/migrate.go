package main

import (
	"context"
	"fmt"
)

const upToDateText = "The schema has version %d, as this release needs it.\n"

func (p *program) migrate(f *flags) action {
	var dry, monthly bool
	f.BoolVar(&dry, "print", false, "print the SQL that does it, and change nothing")
	f.BoolVar(&monthly, "monthly", false, "PostgreSQL: make the large tables by months (only when they are made)")
	return func(ctx context.Context, _ string) error {
		db, err := p.database()
		if err != nil {
			return err
		}
		if monthly {
			if db, err = partitionByMonth(db); err != nil {
				return err
			}
		}
		have, err := db.version(ctx)
		if err != nil {
			return err
		}
		want := neededVersion(db)
		text, err := db.sql(have)
		switch {
		case err != nil:
			return err
		case dry && text == "":
			fmt.Fprintf(p.stderr, upToDateText, have)
			return nil
		case dry:
			fmt.Fprintf(p.stderr, "From version %d to version %d:\n", have, want)
			_, err := fmt.Fprint(p.stdout, text)
			return err
		}
		if err := db.migrateSchema(ctx); err != nil {
			return err
		}
		if have == want { // migrate only created missing months
			fmt.Fprintf(p.stderr, upToDateText, have)
			return nil
		}
		fmt.Fprintf(p.stderr, "The schema was migrated from version %d to version %d.\n", have, want)
		return nil
	}
}
