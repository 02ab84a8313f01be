package whatsapp_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// BenchmarkReceiptHandler serves a call of the largest size that Meta announces, as after an
// outage: 5,000 failed statuses in 3 MB.
func BenchmarkReceiptHandler(b *testing.B) {
	const statuses = 5_000
	var call map[string]any
	require.NoError(b, json.Unmarshal(exampleFor(b, "webhooks/failed.json", uuid.NewString()), &call))
	value := call["entry"].([]any)[0].(map[string]any)["changes"].([]any)[0].(map[string]any)["value"].(map[string]any)
	one := value["statuses"].([]any)[0].(map[string]any)
	var all []any
	for range statuses {
		attempt := uuid.NewString()
		s := maps.Clone(one)
		s["biz_opaque_callback_data"], s["id"] = attempt, wamidOf(attempt)
		all = append(all, s)
	}
	value["statuses"] = all
	body, err := json.Marshal(call)
	require.NoError(b, err)
	c := open(b, config(""))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		w, sunk := serveCall(c, newSignedCall(b, body, appSecret), nil)
		require.Equal(b, http.StatusOK, w.Code)
		require.Len(b, sunk[0], statuses)
	}
}
