package pgstore_test

import (
	"context"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/smsplus"
)

// The SQL of the migrations, for databases that are migrated with other tools.
func ExampleMigrationSQL() {
	sql, err := pgstore.MigrationSQL(0, pgstore.Options{Schema: "messages"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sql[:len(`-- smsplus, version 1: messages`)])
	// Output:
	// -- smsplus, version 1: messages
}

// An order and the message about it are stored in one transaction.
func ExampleStore_InsertTx() {
	pay := func(ctx context.Context, pool *pgxpool.Pool, store *pgstore.Store, d *smsplus.Dispatcher, order string, to channel.Recipient) error {
		m, err := d.Prepare(smsplus.Trigger{Template: "paid", To: to, Key: "paid/" + order})
		if err != nil {
			return err
		}
		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "UPDATE orders SET paid = true WHERE id = $1", order); err != nil {
				return err
			}
			_, err := store.InsertTx(ctx, tx, m) // a key that is taken: the message is there already
			return err
		})
	}
	_ = pay // it needs a server
}

func Example() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	o := pgstore.Options{Schema: "messages", Notify: true}
	if err := pgstore.Migrate(ctx, pool, o); err != nil { // when you deploy
		fmt.Println(err)
		return
	}
	store, err := pgstore.New(ctx, pool, o)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close() //nolint:errcheck // it returns nil
	d, err := smsplus.New(smsplus.Config{Store: store /* Channels, Templates … */})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d.Run(ctx))
}
