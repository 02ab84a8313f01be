package console_test

import (
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/smsplus/smsplus-go/console"
	"github.com/smsplus/smsplus-go/memstore"
)

// The application knows who is signed in. The support staff may see the pages, and its leads
// the telephone numbers too.
func Example() {
	type role string
	roleOf := func(r *http.Request) (name string, of role) { // of the application's session
		return r.Header.Get("X-Test-User"), role(r.Header.Get("X-Test-Role"))
	}
	pages, err := console.New(console.Config{
		Store:    memstore.New(),
		BasePath: "/admin/sms",
		Authorize: func(r *http.Request) (string, error) {
			name, of := roleOf(r)
			if of == "" {
				return "", errors.New("not of the support staff")
			}
			return name, nil
		},
		Reveal: func(r *http.Request) bool {
			_, of := roleOf(r)
			return of == "lead"
		},
		Audit: func(_ *http.Request, e console.AuditEntry) error {
			log.Printf("%s: %s %s %s %s", e.User, e.Action, e.Page, e.Message, e.Filter)
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/admin/sms/", pages)

	for _, of := range []string{"", "support"} {
		r := httptest.NewRequest(http.MethodGet, "/admin/sms/templates", nil)
		r.Header.Set("X-Test-User", "ann")
		r.Header.Set("X-Test-Role", of)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	// Output:
	// 403
	// 200
}
