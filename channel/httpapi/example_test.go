package httpapi_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/smsplus/smsplus-go/channel/httpapi"
)

func ExampleDo() {
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, "slow down, "+r.URL.Query().Get("to"))
	}))
	defer provider.Close()

	req, _ := http.NewRequest(http.MethodPost, provider.URL+"/send?to=886912345678", strings.NewReader("text"))
	answer, err := httpapi.Do(httpapi.NewClient(), req)
	if err != nil {
		fmt.Println(err) // temporary, or in doubt
		return
	}
	fmt.Println(answer.Verdict().Error(httpapi.Words(string(answer.Body)), answer.RetryAfter()))
	// Output: channel: temporary: slow down, ***
}
