package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/smsplus/smsplus-go/internal/pgtest"
)

// database is a PostgreSQL server. Each run has its own schema there.
type database struct {
	config     *pgxpool.Config
	postmaster int // the server's first process; 0 if it is on another machine
}

// schemas counts the schemas of the process, to number them.
var schemas atomic.Int64

// durability holds PostgreSQL's defaults.
var durability = []string{"fsync", "synchronous_commit", "full_page_writes"}

// connect connects to the server of the DSN. Without a DSN it starts a server with
// PostgreSQL's default durability, which pgtest.Stop ends.
func connect(ctx context.Context, dsn string) (*database, error) {
	own := dsn == ""
	if own {
		var err error
		if dsn, err = pgtest.Start(); err != nil {
			return nil, err
		}
	}
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	db := &database{config: config}
	err = db.withSchema(ctx, 1, func(pool *pgxpool.Pool, _ string) error {
		if own {
			for _, setting := range durability {
				if _, err := pool.Exec(ctx, "ALTER SYSTEM SET "+setting+" = on"); err != nil {
					return err
				}
			}
			if _, err := pool.Exec(ctx, "SELECT pg_reload_conf()"); err != nil {
				return err
			}
		}
		var backend int
		if err := pool.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&backend); err != nil {
			return err
		}
		if p := readProcess(backend); strings.HasPrefix(p.name, "postgres") {
			db.postmaster = p.parent
		}
		return nil
	})
	return db, err
}

// describe prints the server's version and durability.
func (db *database) describe(ctx context.Context, out io.Writer) error {
	return db.withSchema(ctx, 1, func(pool *pgxpool.Pool, _ string) error {
		for i, setting := range append([]string{"server_version"}, append(durability, "shared_buffers", "max_wal_size")...) {
			var value string
			if err := pool.QueryRow(ctx, "SHOW "+setting).Scan(&value); err != nil {
				return err
			}
			separator := ", "
			if i == 0 {
				setting, separator = "PostgreSQL", ""
			}
			fmt.Fprintf(out, "%s%s %s", separator, setting, value)
		}
		fmt.Fprint(out, "\nCPU a message: of this process and the server's\n")
		if db.postmaster == 0 {
			fmt.Fprintln(out, "(the server is on another machine: its processes are not counted)")
		}
		return nil
	})
}

// withSchema calls use with a pool of conns connections and a schema, and drops both after it.
func (db *database) withSchema(ctx context.Context, conns int32, use func(pool *pgxpool.Pool, schema string) error) error {
	config := db.config.Copy()
	config.MaxConns = conns
	pool, schema, drop, err := db.createSchema(ctx, config)
	if err != nil {
		return err
	}
	return errors.Join(use(pool, schema), drop())
}

// createSchema makes a pool and a schema. drop closes the one and drops the other, and
// then checkpoints, so that the next run does not pay for this one.
func (*database) createSchema(ctx context.Context, config *pgxpool.Config) (pool *pgxpool.Pool, schema string, drop func() error, err error) {
	pool, err = pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, "", nil, err
	}
	schema = fmt.Sprintf("smsplus_bench_%d_%d", os.Getpid(), schemas.Add(1))
	if _, err := pool.Exec(ctx, "CREATE SCHEMA "+schema); err != nil {
		pool.Close()
		return nil, "", nil, err
	}
	return pool, schema, func() (err error) {
		defer pool.Close()
		for _, statement := range []string{"DROP SCHEMA " + schema + " CASCADE", "CHECKPOINT"} {
			_, dropped := pool.Exec(context.WithoutCancel(ctx), statement)
			err = errors.Join(err, dropped)
		}
		return err
	}, nil
}

// cpu returns the CPU time that this process and the server's have used so far.
func (db *database) cpu() time.Duration {
	used := processCPU()
	if db.postmaster == 0 {
		return used
	}
	used += readProcess(db.postmaster).ended
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is well-formed
	for _, stat := range stats {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
		if p := readProcess(pid); pid == db.postmaster || p.parent == db.postmaster {
			used += p.used
		}
	}
	return used
}

// process holds the fields of /proc/PID/stat. It is zero if there is no such file.
type process struct {
	name        string
	parent      int
	used, ended time.Duration // ended is the time of its children that have ended
}

func readProcess(pid int) (p process) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return process{}
	}
	// proc(5): pid (name) state ppid, and the times are the fields 14 to 17.
	before, after, _ := strings.Cut(string(text), ") ")
	_, p.name, _ = strings.Cut(before, "(")
	fields := strings.Fields(after)
	if len(fields) < 15 {
		return process{}
	}
	const tick = 10 * time.Millisecond // USER_HZ is 100 on Linux, independent of the kernel's tick
	at := func(field int) int {
		n, _ := strconv.Atoi(fields[field-3])
		return n
	}
	p.parent = at(4)
	p.used = time.Duration(at(14)+at(15)) * tick
	p.ended = time.Duration(at(16)+at(17)) * tick
	return p
}

// qualified returns a table's name in a schema.
func qualified(schema, table string) string { return pgx.Identifier{schema, table}.Sanitize() }
