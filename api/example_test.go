package api_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/smsplus/smsplus-go/api"
	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
)

// The application knows the tokens of its callers. The shop may send, and its office may only
// read.
func Example() {
	store := memstore.New()
	dispatcher, err := smsplus.New(smsplus.Config{
		Store: store, Channels: []channel.Channel{simulated.SMS(nil)},
		Templates: []smsplus.Template{{ID: "shipped", Route: []smsplus.Step{
			{Channel: channel.SMS, Content: channel.Text("Your order {{order}} has shipped.")},
		}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	callers := map[string]string{"Bearer 5f3c": "shop", "Bearer 9a41": "office"} // from a secret store
	handler, err := api.New(api.Config{
		Store:      store,
		Dispatcher: dispatcher,
		Authorize: func(r *http.Request) (string, error) {
			if r.Header.Get("Authorization") == "" {
				return "", api.ErrUnauthenticated // 401
			}
			name, ok := callers[r.Header.Get("Authorization")]
			if !ok {
				return "", errors.New("no such token") // 403
			}
			return name, nil
		},
		Allow: func(r *http.Request, _ api.Action) bool { return callers[r.Header.Get("Authorization")] == "shop" },
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/sms-plus/", http.StripPrefix("/sms-plus", handler))

	for _, token := range []string{"", "9a41", "5f3c"} {
		r := httptest.NewRequest(http.MethodPost, "/sms-plus/messages", strings.NewReader(
			`{"template": "shipped", "to": {"phone": "+886912345678"}, "vars": {"order": "A-1"}}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", `"shipped/A-1"`)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		var answer struct{ ID, Code string }
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			log.Fatal(err)
		}
		fmt.Println(w.Code, answer.Code, answer.ID != "")
	}
	// Output:
	// 401 unauthenticated false
	// 403 not_allowed false
	// 202  true
}
