package main

import (
	"context"
	"database/sql"
	_ "embed" // goqite's schema
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	_ "github.com/mattn/go-sqlite3" // the driver sqlite3
	"github.com/mikestefanello/backlite"
	"golang.org/x/sync/errgroup"
	"maragu.dev/goqite"
	_ "modernc.org/sqlite" // the driver sqlite

	"github.com/smsplus/smsplus-go/sqlitestore"
)

// folder is the folder in which each run has its own file.
type folder string

// withFile calls use with the path of a file, and deletes the file after it.
func (f folder) withFile(use func(path string) error) error {
	path, remove, err := f.createFile()
	if err != nil {
		return err
	}
	return errors.Join(use(path), remove())
}

// createFile returns the path of a file in a new folder. remove deletes both.
func (f folder) createFile() (path string, remove func() error, err error) {
	dir, err := os.MkdirTemp(string(f), "smsplus-bench-")
	return filepath.Join(dir, "bench.db"), func() error { return os.RemoveAll(dir) }, err
}

// sqliteContest compares callers in one process that send one message a call, in one mode
// of durability. A project with two drivers counts with the better one.
func sqliteContest(f folder, mode sqlitestore.Synchronous) contest {
	const callers = 64
	c := contest{
		name: mode.String(), cpu: processCPU,
		contestants: []contestant{
			f.engine("smsplus", callers, mode),
			f.goqite("goqite pure", pure, callers, mode),
			{"bare", func(ctx context.Context, n int, timed stopwatch) error { return f.bareStatements(ctx, mode, n, timed) }},
		},
		ratios: []ratio{
			{name: "to goqite", of: "smsplus", over: []string{"goqite pure", "goqite cgo"}},
			{name: "to backlite", of: "smsplus", over: []string{"backlite"}},
			{name: "to bare", of: "smsplus", over: []string{"bare"}},
		},
	}
	if usable(cgo) {
		c.contestants = append(c.contestants, f.goqite("goqite cgo", cgo, callers, mode), f.backlite("backlite", cgo, callers, mode))
	} else {
		c.contestants = append(c.contestants, f.backlite("backlite", pure, callers, mode))
	}
	return c
}

// driver is a driver of SQLite and the format of its data source names.
type driver struct{ name, format string }

var (
	cgo  = driver{"sqlite3", "file:%s?_journal=WAL&_timeout=5000&_fk=true&_sync=%v"} // as in the READMEs of goqite and backlite
	pure = driver{"sqlite", "file:%s?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=synchronous(%v)"}
)

// open opens a file with one connection, as goqite's README does. Only one could write.
func (d driver) open(path string, mode sqlitestore.Synchronous) (*sql.DB, error) {
	db, err := sql.Open(d.name, fmt.Sprintf(d.format, path, mode))
	if err == nil {
		db.SetMaxOpenConns(1)
		db.SetMaxIdleConns(1)
	}
	return db, err
}

// usable reports whether the driver works. One of the drivers needs a C compiler.
func usable(d driver) bool {
	db, err := sql.Open(d.name, ":memory:")
	if err != nil {
		return false
	}
	defer db.Close() //nolint:errcheck // it is empty
	return db.Ping() == nil
}

func (f folder) engine(name string, callers int, mode sqlitestore.Synchronous) contestant {
	return contestant{name, func(ctx context.Context, n int, timed stopwatch) error {
		return f.withFile(func(path string) error {
			if err := sqlitestore.Migrate(ctx, path); err != nil {
				return err
			}
			store, err := sqlitestore.Open(ctx, path, sqlitestore.Options{Synchronous: mode})
			if err != nil {
				return err
			}
			return errors.Join(engine{store: store, callers: callers, batch: 1}.deliver(ctx, n, timed), store.Close())
		})
	}}
}

//go:embed goqite.sql
var goqiteSchema string

// goqite sends, receives and deletes messages at the same time.
func (f folder) goqite(name string, d driver, callers int, mode sqlitestore.Synchronous) contestant {
	const receivers = 8
	return contestant{name, func(ctx context.Context, n int, timed stopwatch) error {
		return f.withFile(func(path string) error {
			db, err := d.open(path, mode)
			if err != nil {
				return err
			}
			defer db.Close() //nolint:errcheck // the file is deleted
			if _, err := db.ExecContext(ctx, goqiteSchema); err != nil {
				return err
			}
			bodies := payloads()
			queue := goqite.New(goqite.NewOpts{DB: db, Name: "otp", Timeout: time.Minute})
			move := func(n int) error {
				group, ctx := errgroup.WithContext(ctx)
				group.Go(func() error {
					return runParallel(callers, n, 1, func(i, _ int) error { return queue.Send(ctx, goqite.Message{Body: bodies[i%len(bodies)]}) })
				})
				group.Go(func() error {
					return runParallel(receivers, n, 1, func(_, _ int) error {
						m, err := queue.ReceiveAndWait(ctx, time.Millisecond)
						if err != nil {
							return err
						}
						return queue.Delete(ctx, m.ID)
					})
				})
				return group.Wait()
			}
			if err := move(n/10 + 1); err != nil {
				return err
			}
			return timed(func() error { return move(n) })
		})
	}}
}

// task is the otp job as backlite needs it.
type task otp

func (task) Config() backlite.QueueConfig {
	return backlite.QueueConfig{Name: "otp", MaxAttempts: 3, Timeout: time.Minute}
}

// backlite adds tasks and executes them at the same time. It has so many workers that its
// dispatcher never waits for a free one.
func (f folder) backlite(name string, d driver, callers int, mode sqlitestore.Synchronous) contestant {
	const workers = 1000
	return contestant{name, func(ctx context.Context, n int, timed stopwatch) error {
		return f.withFile(func(path string) error {
			db, err := d.open(path, mode)
			if err != nil {
				return err
			}
			defer db.Close() //nolint:errcheck // the file is deleted
			client, err := backlite.NewClient(backlite.ClientConfig{DB: db, NumWorkers: workers, ReleaseAfter: time.Hour})
			if err != nil {
				return err
			}
			if err := client.Install(); err != nil {
				return err
			}
			var executed atomic.Int64
			client.Register(backlite.NewQueue(func(context.Context, task) error {
				executed.Add(1)
				return nil
			}))
			client.Start(ctx)
			defer client.Stop(ctx)
			done := 0
			move := func(n int) error {
				done += n
				err := runParallel(callers, n, 1, func(i, _ int) error {
					_, err := client.Add(task(newJob(i))).Ctx(ctx).Save()
					return err
				})
				if err != nil {
					return err
				}
				return pollUntil(ctx, func() (left bool, err error) {
					if executed.Load() < int64(done) {
						return false, nil
					}
					err = db.QueryRowContext(ctx, "SELECT NOT EXISTS (SELECT 1 FROM backlite_tasks)").Scan(&left)
					return left, err
				})
			}
			if err := move(n/10 + 1); err != nil {
				return err
			}
			return timed(func() error { return move(n) })
		})
	}}
}

// bareStatements writes messages into the store's own table with its indexes, in rows as
// wide as the store's. One transaction inserts 500 messages, and a second one writes
// their final states. There is no engine, no look-up, no comparison and no counter.
func (f folder) bareStatements(ctx context.Context, mode sqlitestore.Synchronous, n int, timed stopwatch) error {
	const batch = 500
	return f.withFile(func(path string) error {
		if err := sqlitestore.Migrate(ctx, path); err != nil {
			return err
		}
		db, err := pure.open(path, mode)
		if err != nil {
			return err
		}
		defer db.Close()                                                             //nolint:errcheck // the file is deleted
		if _, err := db.ExecContext(ctx, "PRAGMA cache_size = -32768"); err != nil { // as the store sets it
			return err
		}
		insert, err := db.PrepareContext(ctx, `INSERT INTO smsplus_message (number, version, claims, due_at, lane, status, tab,
			channel, triggered_at, template, route, id, phone, country, marks, state, fixed)
			VALUES (?1, 1, 1, ?2, 1, 0, 1, 1, ?2, 2, 1, ?3, ?4, '886', ?5, ?6, ?7)`)
		if err != nil {
			return err
		}
		update, err := db.PrepareContext(ctx, `UPDATE smsplus_message
			SET version = 2, claims = 0, due_at = NULL, lane = 0, status = 4, tab = 2, marks = ?2, state = ?3 WHERE number = ?1`)
		if err != nil {
			return err
		}
		to, done := recipients(), 0
		write := func(n int) error {
			err := runParallel(1, n, batch, func(first, end int) error {
				err := inTransaction(ctx, db, func(tx *sql.Tx) error {
					stmt, now := tx.StmtContext(ctx, insert), time.Now().UnixMicro() //nolint:sqlclosecheck // it closes with tx
					for i := first; i < end; i++ {
						id, err := uuid.NewV7()
						if err != nil {
							return err
						}
						_, err = stmt.ExecContext(ctx, done+i+1, now, id[:], to[i%len(to)].E164(),
							make([]byte, 1), make([]byte, bodyBytes), make([]byte, fixedBytes))
						if err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					return err
				}
				return inTransaction(ctx, db, func(tx *sql.Tx) error {
					stmt := tx.StmtContext(ctx, update) //nolint:sqlclosecheck // it closes with tx
					for i := first; i < end; i++ {
						if _, err := stmt.ExecContext(ctx, done+i+1, make([]byte, 3), make([]byte, finalBytes)); err != nil {
							return err
						}
					}
					return nil
				})
			})
			done += n
			return err
		}
		if err := write(n/10 + 1); err != nil {
			return err
		}
		return timed(func() error { return write(n) })
	})
}

func inTransaction(ctx context.Context, db *sql.DB, do func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
