package console_test

import (
	"context"
	"errors"
	"log"
	"log/slog"
	"net/http"
	"slices"

	"github.com/smsplus/smsplus-go/console"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/secret"
)

// The example is an application that knows who is signed in, and what each of them may do.
func Example_roles() {
	ctx, stop := context.WithCancel(context.Background()) // ends when the server shuts down
	defer stop()
	auditLog := slog.Default()
	type user struct {
		name string
		may  []string
	}
	signedIn := func(*http.Request) *user { return nil } // from the application's session
	may := func(r *http.Request, what string) bool {
		u := signedIn(r)
		return u != nil && slices.Contains(u.may, what)
	}
	pages, err := console.New(console.Config{
		Store:    memstore.New(), // the store of the dispatchers
		BasePath: "/admin/sms",
		HomeURL:  "/admin",
		Context:  ctx,
		Secret:   secret.New("32 random bytes, from a secret store"),
		Authorize: func(r *http.Request) (string, error) {
			u := signedIn(r)
			if u == nil {
				return "", errors.New("nobody is signed in")
			}
			return u.name, nil
		},
		Reveal: func(r *http.Request) bool { return may(r, "see numbers") },
		Allow:  func(r *http.Request, a console.Action) bool { return may(r, string(a)) },
		Audit: func(r *http.Request, e console.AuditEntry) error {
			auditLog.InfoContext(r.Context(), "console", "user", e.User, "action", e.Action, "message", e.Message, "page", e.Page)
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/admin/sms/", pages)
}
