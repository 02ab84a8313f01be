package main

import (
	"context"
	"fmt"
)

func (p *program) migrate(f *flags) action {
	var dry bool
	f.BoolVar(&dry, "print", false, "print the SQL that does it, and change nothing")
	return func(ctx context.Context, _ string) error {
		db, err := p.database()
		if err != nil {
			return err
		}
		have, err := db.version(ctx)
		if err != nil {
			return err
		}
		want := needed(db)
		text, err := db.sql(have)
		switch {
		case err != nil:
			return err
		case have == want:
			fmt.Fprintf(p.stderr, "The schema has version %d, as this release needs it.\n", have)
			return nil
		case dry:
			fmt.Fprintf(p.stderr, "From version %d to version %d:\n", have, want)
			_, err := fmt.Fprint(p.stdout, text)
			return err
		}
		if err := db.migrate(ctx); err != nil {
			return err
		}
		fmt.Fprintf(p.stderr, "The schema was migrated from version %d to version %d.\n", have, want)
		return nil
	}
}
