package api_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/interop"
	"github.com/smsplus/smsplus-go/smsplus"
)

// openAPI is the part of the document that the tests read.
type openAPI struct {
	OpenAPI    string
	Paths      map[string]map[string]*described
	Components struct {
		Schemas    map[string]*schema
		Responses  map[string]*response
		Parameters map[string]*parameter
	}
}

// described is an operation of the document.
type described struct {
	OperationID string
	Parameters  []*parameter
	RequestBody *response
	Responses   map[string]*response
}

type parameter struct {
	Ref      string `json:"$ref"`
	Name, In string
	Schema   *schema
}

type response struct {
	Ref     string `json:"$ref"`
	Headers map[string]any
	Content map[string]struct{ Schema *schema }
}

type schema struct {
	Ref                  string `json:"$ref"`
	Type                 string
	Properties           map[string]*schema
	Required             []string
	AdditionalProperties any
	Items                *schema
	Enum                 []string
	Format               string
	Minimum, Maximum     *float64
}

// readDocument returns the document as the handler serves it.
func readDocument(t *testing.T) *openAPI {
	t.Helper()
	w := newService(t).do(t, "GET", "/openapi.json", "")
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	d := new(openAPI)
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), d))
	require.Equal(t, "3.1.0", d.OpenAPI)
	for _, item := range d.Paths {
		for _, op := range item {
			for i, p := range op.Parameters {
				if p.Ref != "" {
					op.Parameters[i] = d.Components.Parameters[refName(p.Ref)]
				}
			}
			for code, r := range op.Responses {
				if r.Ref != "" {
					op.Responses[code] = d.Components.Responses[refName(r.Ref)]
				}
			}
		}
	}
	return d
}

func refName(ref string) string { return ref[strings.LastIndex(ref, "/")+1:] }

// resolve returns the schema that a reference leads to.
func (d *openAPI) resolve(s *schema) *schema {
	if s != nil && s.Ref != "" {
		return d.Components.Schemas[refName(s.Ref)]
	}
	return s
}

// operation returns the operation of a request, and its ID.
func (d *openAPI) operation(t *testing.T, method, path string) *described {
	t.Helper()
	path, _, _ = strings.Cut(path, "?")
	patterns := slices.Sorted(maps.Keys(d.Paths)) // "/messages/batch" is before "/messages/{id}"
	for _, pattern := range patterns {
		expression := "^" + regexp.MustCompile(`\{\w+\}`).ReplaceAllString(pattern, `[^/]+`) + "$"
		if op := d.Paths[pattern][strings.ToLower(method)]; op != nil && regexp.MustCompile(expression).MatchString(path) {
			return op
		}
	}
	require.FailNow(t, "the document has no such operation", "%s %s", method, path)
	return nil
}

// requireDescribed requires that a value has nothing but what its schema describes, and all that
// it requires. A schema in the document is open, so that a later release may add fields. Here it
// is not.
func (d *openAPI) requireDescribed(t *testing.T, s *schema, value any, at string, seen map[string]bool) {
	t.Helper()
	name := refName(s.Ref)
	s = d.resolve(s)
	switch v := value.(type) {
	case map[string]any:
		require.Equal(t, "object", s.Type, at)
		for key, child := range v {
			if len(s.Properties) == 0 {
				continue // a map of texts, or the document itself
			}
			require.Contains(t, s.Properties, key, "%s has a field that is not described", at)
			seen[name+"."+key] = true
			d.requireDescribed(t, s.Properties[key], child, at+"/"+key, seen)
		}
		for _, key := range s.Required {
			require.Contains(t, v, key, "%s lacks a required field", at)
		}
	case []any:
		require.Equal(t, "array", s.Type, at)
		for i, child := range v {
			d.requireDescribed(t, s.Items, child, at+"/"+strconv.Itoa(i), seen)
		}
	case string:
		require.Equal(t, "string", s.Type, at)
		if len(s.Enum) > 0 {
			require.Contains(t, s.Enum, v, at)
		}
		if s.Format == "uuid" {
			require.NoError(t, uuid.Validate(v), at)
		}
	case float64:
		require.Contains(t, []string{"integer", "number"}, s.Type, at)
	case bool:
		require.Equal(t, "boolean", s.Type, at)
	default:
		require.FailNow(t, "no such type", "%s: %T", at, value)
	}
}

// TestDocument_AgreesWithEveryAnswer holds every answer of the exchanges against the document.
// Each operation has each of its answers, and each described field occurs.
func TestDocument_AgreesWithEveryAnswer(t *testing.T) {
	t.Parallel()
	d := readDocument(t)
	want := map[string]bool{}
	for _, item := range d.Paths {
		for _, op := range item {
			for code := range op.Responses {
				want[op.OperationID+" "+code] = true
			}
		}
	}
	got, fields, codes := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, e := range documented {
		s, ids := newDocumented(t)
		s.breakFor(e.down)
		w := s.do(t, e.method, ids.Replace(e.path), ids.Replace(e.body), e.headers...)
		require.Equal(t, e.code, w.Code, "%s: %s", e.name, w.Body)
		op := d.operation(t, e.method, e.path)
		got[op.OperationID+" "+strconv.Itoa(e.code)] = true
		r := op.Responses[strconv.Itoa(e.code)]
		require.NotNil(t, r, "%s: the document has no answer %d", e.name, e.code)
		for name := range r.Headers {
			require.NotEmpty(t, w.Header().Get(name), "%s: %s", e.name, name)
		}
		if e.code == http.StatusNoContent {
			require.Empty(t, w.Body.Bytes())
			continue
		}
		body := decode(t, w)
		require.Contains(t, r.Content, w.Header().Get("Content-Type"), e.name)
		d.requireDescribed(t, r.Content[w.Header().Get("Content-Type")].Schema, body, e.name, fields)
		if e.problem != "" {
			require.Equal(t, e.problem, body["code"], e.name)
			require.InDelta(t, e.code, body["status"], 0)
			codes[e.problem] = true
		}
	}
	require.Equal(t, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got)))
	// What a message may have is tested with a message that has it all.
	d.requireMessage(t, fields)
	for _, name := range []string{"Message", "Attempt", "MessagePage", "Unreadable", "Statistics", "StatisticsRow", "DeliveryTimes", "Found", "Match", "Triggered", "TriggeredMany", "Problem", "Mistake"} {
		for field := range d.Components.Schemas[name].Properties {
			require.True(t, fields[name+"."+field], "no answer has %s.%s", name, field)
		}
	}
}

// requireMessage requires that the record of a message with every field set is described.
func (d *openAPI) requireMessage(t *testing.T, fields map[string]bool) {
	t.Helper()
	s := newService(t)
	m := fullMessage(t)
	_, err := s.store.Insert(t.Context(), []smsplus.Message{m})
	require.NoError(t, err)
	for _, query := range []string{"", "?reveal=true"} {
		w := s.do(t, "GET", "/messages/"+m.ID.String()+query, "")
		require.Equal(t, http.StatusOK, w.Code)
		d.requireDescribed(t, &schema{Ref: "Message"}, decode(t, w), "full message", fields)
	}
}

// TestDocument_HasTheGrammarsFields proves that the parameters and the fields of bodies in the
// document are the ones that the handler takes.
func TestDocument_HasTheGrammarsFields(t *testing.T) {
	t.Parallel()
	d := readDocument(t)
	s, ids := newDocumented(t)
	for path, item := range d.Paths {
		for method, op := range item {
			target := ids.Replace(strings.ReplaceAll(path, "{id}", "{delivered}"))
			known := map[string]bool{}
			for _, p := range op.Parameters {
				if p.In == "query" {
					known[p.Name] = true
				}
			}
			for name := range allNames(d) {
				w := s.do(t, strings.ToUpper(method), target+"?"+name+"=%00", "")
				_, isWrong := mistakesOf(t, w)[name]
				detail := mistakesOf(t, w)[name]
				isUnknown := isWrong && (strings.Contains(detail, "is no parameter") || strings.Contains(detail, "must not stand in a URL"))
				require.Equal(t, !known[name], isUnknown, "%s %s: %s", method, path, name)
			}
			if op.RequestBody == nil {
				continue
			}
			body := d.resolve(op.RequestBody.Content["application/json"].Schema)
			require.Equal(t, false, body.AdditionalProperties, path)
			for name := range allNames(d) {
				// A value of a type that no field has.
				text := fmt.Sprintf(`{%q:null}`, name)
				detail := mistakesOf(t, s.do(t, strings.ToUpper(method), target, text))["#/"+name]
				require.Equal(t, body.Properties[name] == nil, detail == "is no field of this object", "%s %s: %s", method, path, name)
				isRequired := slices.Contains(body.Required, name)
				detail = mistakesOf(t, s.do(t, strings.ToUpper(method), target, `{"x":1}`))["#/"+name]
				require.Equal(t, isRequired, detail == "is required", "%s %s: %s", method, path, name)
			}
		}
	}
}

// allNames returns the names of all parameters and of all fields in bodies.
func allNames(d *openAPI) map[string]bool {
	all := map[string]bool{}
	for _, p := range d.Components.Parameters {
		if p.In == "query" {
			all[p.Name] = true
		}
	}
	for _, name := range []string{"Trigger", "KeyedTrigger", "Triggers", "Search", "StatisticsSearch", "FindRequest", "Recipient"} {
		for field := range d.Components.Schemas[name].Properties {
			all[field] = true
		}
	}
	return all
}

// TestDocument_ProblemsAreDescribed proves that docs/api.md has a heading for the type of every
// problem.
func TestDocument_ProblemsAreDescribed(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/api.md")
	require.NoError(t, err)
	for _, e := range documented {
		if e.problem != "" {
			require.Contains(t, string(text), "\n### "+e.problem+"\n")
		}
	}
	for _, code := range []string{"invalid_json", "not_found", "method_not_allowed"} {
		require.Contains(t, string(text), "\n### "+code+"\n")
	}
}

// TestPeer_PrismAcceptsEveryExchange sends the exchanges through Prism, which refuses requests
// and answers that do not match the document. A request that does not match it goes through a
// second proxy, which checks answers alone. The first one refuses it as the handler does.
func TestPeer_PrismAcceptsEveryExchange(t *testing.T) {
	t.Parallel()
	var current atomic.Pointer[service]
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { current.Load().ServeHTTP(w, r) }))
	t.Cleanup(upstream.Close)
	strict := interop.Node(t, "prism.js", "../../api/openapi.json", upstream.URL).Next(t)
	answers := interop.Node(t, "prism.js", "../../api/openapi.json", upstream.URL, "answers").Next(t)
	client := &http.Client{}
	t.Cleanup(client.CloseIdleConnections)
	send := func(e exchange, to string) (code int, header http.Header, body string) {
		resp, err := client.Do(e.newRequest(t, to))
		require.NoError(t, err)
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode, resp.Header, string(text)
	}
	for _, e := range documented {
		s, ids := newDocumented(t)
		s.breakFor(e.down)
		current.Store(s)
		e.path, e.body = ids.Replace(e.path), ids.Replace(e.body)
		to := strict
		if e.isUnsound {
			code, _, body := send(e.exchange, strict)
			require.Equal(t, 4, code/100, "Prism takes what the handler refuses: %s", e.name)
			require.Contains(t, body, "stoplight.io/prism/errors", e.name)
			to = answers
		}
		code, header, body := send(e.exchange, to)
		require.Equal(t, e.code, code, "%s: %s", e.name, body)
		require.Empty(t, header.Get("Sl-Violations"), e.name)
		require.NotContains(t, body, "stoplight.io/prism/errors", e.name)
	}
}

func TestPeer_LinterFindsNoProblem(t *testing.T) {
	t.Parallel()
	require.Equal(t, "problems: 0", interop.Node(t, "lint.js", "../../api/openapi.json").Next(t))
}

// TestPeer_StrangerNeedsTheDocumentAlone has a client of others make every kind of call. It knows
// the URL of the document.
func TestPeer_StrangerNeedsTheDocumentAlone(t *testing.T) {
	t.Parallel()
	s := newService(t)
	mux := http.NewServeMux()
	mux.Handle("/sms-plus/", http.StripPrefix("/sms-plus", s))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	peer := interop.Node(t, "client.js", server.URL+"/sms-plus/openapi.json", sender)
	require.NoError(t, uuid.Validate(peer.Next(t)))
	s.end(t)
	peer.Tell(t, "sent")
	require.JSONEq(t, `{"again": true, "other": [422, "key_reused"], "located": true, "message": "delivered", "listed": 2, "searched": 3,
		"found": "message_id", "counted": 1, "wrong": [400, "application/problem+json", ["#/to/phone", "#/extra"]], "canceled": 204,
		"conflict": [409, "ended"]}`, peer.Next(t))
}
