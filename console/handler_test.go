package console_test

import (
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/console"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/smsplus"
)

func TestNew_NamesEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := console.New(console.Config{
		BasePath: "admin/", HomeURL: "javascript:alert(1)", Reveal: func(*http.Request) bool { return true },
		Secret: secret.New("short"), Region: "Formosa", Months: -1, Timeout: -1,
	})
	for _, field := range []string{"Store", "BasePath", "HomeURL", "Audit", "Secret", "Region", "Months", "Timeout"} {
		require.ErrorContains(t, err, "console: Config."+field+" ")
	}
	require.NotContains(t, err.Error(), "short")
	_, err = console.New(console.Config{Store: memstore.New(), Allow: func(*http.Request, console.Action) bool { return true }})
	require.EqualError(t, err, "console: Config.Audit is required with Config.Reveal and Config.Allow")
}

func TestHandler_AuthorizesEveryRequest(t *testing.T) {
	t.Parallel()
	s := open(t, day(), func(c *console.Config) {
		c.Authorize = func(*http.Request) (string, error) { return "", errors.New("nobody") }
	})
	for _, path := range []string{"/", "/templates", "/templates.csv", "/meaning", "/robots.txt", "/assets/console.css", "/nothing"} {
		w := s.get(path)
		require.Equal(t, http.StatusForbidden, w.Code, path)
		require.NotContains(t, w.Body.String(), "otp")
		require.NotContains(t, w.Body.String(), "nobody")
	}
	require.Equal(t, http.StatusForbidden, s.post("/preferences", "lang=en").Code)
}

func TestHandler_ServesLoopbackAloneByDefault(t *testing.T) {
	t.Parallel()
	s := open(t, nil, func(c *console.Config) { c.Authorize = nil })
	for _, tt := range []struct {
		name, peer, host, header string
		code                     int
	}{
		{"this machine", "127.0.0.1:4711", "localhost:8080", "", http.StatusOK},
		{"its IPv6 address", "[::1]:4711", "[::1]:8080", "", http.StatusOK},
		{"its IPv4 address in IPv6", "[::ffff:127.0.0.1]:4711", "127.0.0.1", "", http.StatusOK},
		{"another machine", "192.0.2.1:4711", "localhost:8080", "", http.StatusForbidden},
		{"another machine's word for it", "192.0.2.1:4711", "localhost", "X-Forwarded-For: 127.0.0.1", http.StatusForbidden},
		{"a proxy on this machine", "127.0.0.1:4711", "localhost", "X-Forwarded-For: 192.0.2.1", http.StatusForbidden},
		{"a proxy of the standard's", "127.0.0.1:4711", "localhost", "Forwarded: for=192.0.2.1", http.StatusForbidden},
		{"a name that is rebound", "127.0.0.1:4711", "evil.example:8080", "", http.StatusForbidden},
		{"a name that looks alike", "127.0.0.1:4711", "localhost.evil.example", "", http.StatusForbidden},
		{"no address", "@", "localhost", "", http.StatusForbidden},
		{"no host", "127.0.0.1:4711", "", "", http.StatusForbidden},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/templates", nil)
			r.RemoteAddr, r.Host = tt.peer, tt.host
			if name, value, ok := strings.Cut(tt.header, ": "); ok {
				r.Header.Set(name, value)
			}
			require.Equal(t, tt.code, s.do(r).Code)
		})
	}
}

func TestHandler_RefusesCrossOriginForms(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	for _, header := range []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: https://evil.example"} {
		r := httptest.NewRequest(http.MethodPost, "/preferences", strings.NewReader("lang=zh-Hant"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
		w := s.do(r)
		require.Equal(t, http.StatusForbidden, w.Code, header)
		require.Empty(t, w.Result().Cookies())
	}
}

func TestHandler_SetsStrictHeaders(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	for _, path := range []string{"/templates", "/nothing", "/robots.txt", "/templates.csv"} {
		h := s.get(path).Header()
		csp := h.Get("Content-Security-Policy")
		require.Contains(t, csp, "default-src 'none'", path)
		require.Contains(t, csp, "frame-ancestors 'none'")
		require.NotContains(t, csp, "unsafe")
		require.NotContains(t, csp, "data:")
		require.Equal(t, "noindex, nofollow", h.Get("X-Robots-Tag"))
		require.Equal(t, "no-store", h.Get("Cache-Control"))
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
	}
	require.Equal(t, "User-agent: *\nDisallow: /\n", s.get("/robots.txt").Body.String())
}

func TestHandler_ServesUnderBasePath(t *testing.T) {
	t.Parallel()
	s := open(t, day(), func(c *console.Config) { c.BasePath = "/admin/sms" })
	link := regexp.MustCompile(`(?:href|src|action)="(/[^"]*)"`)
	for _, path := range []string{"/admin/sms/templates", "/templates"} { // a proxy may strip it
		links := link.FindAllStringSubmatch(s.page(path), -1)
		require.Greater(t, len(links), 10)
		for _, found := range links {
			require.True(t, strings.HasPrefix(found[1], "/admin/sms/"), found[1])
		}
	}
	for path, want := range map[string]string{
		"/admin/sms":             "/admin/sms/",
		"/admin/sms/":            "/admin/sms/templates",
		"/admin/sms//templates":  "/admin/sms/templates",
		"/admin/sms/../sms/":     "/admin/sms/",
		"/admin/sms//evil.test/": "/admin/sms/evil.test/",
	} {
		w := s.get(path)
		require.Equal(t, want, w.Header().Get("Location"), path)
	}
	require.Equal(t, http.StatusNotFound, s.get("/admin/smsx/templates").Code)
}

func TestHandler_ChoosesLanguage(t *testing.T) {
	t.Parallel()
	s := open(t, day())
	for header, want := range map[string]string{
		"":                        "en",
		"zh-TW,zh;q=0.9,en;q=0.8": "zh-Hant",
		"zh-HK":                   "zh-Hant",
		"ja,en;q=0.5":             "en",
		"fr":                      "en",
		"en-GB,zh-TW;q=0.1":       "en",
		"\xff;;q=":                "en",
	} {
		html := s.page("/templates", "Accept-Language: "+header)
		require.Contains(t, html, `<html lang="`+want+`">`, header)
	}
	html := s.page("/templates", "Accept-Language: en", "Cookie: smsplus_lang=zh-Hant")
	require.Contains(t, text(html), "送達率")
}

func TestPreferences_AreKept(t *testing.T) {
	t.Parallel()
	s := open(t, nil, func(c *console.Config) { c.BasePath = "/sms" })
	w := s.post("/sms/preferences", "lang=zh-Hant&zone=America/New_York&back=/sms/templates%3Frange%3D30d")
	require.Equal(t, http.StatusSeeOther, w.Code)
	require.Equal(t, "/sms/templates?range=30d", w.Header().Get("Location"))
	cookies := w.Result().Cookies()
	require.Len(t, cookies, 2)
	r := httptest.NewRequest(http.MethodGet, "/sms/templates", nil)
	for _, c := range cookies {
		require.Equal(t, "/sms/", c.Path)
		require.Equal(t, http.SameSiteLaxMode, c.SameSite)
		r.AddCookie(c)
	}
	html := s.do(r).Body.String()
	require.Contains(t, html, `lang="zh-Hant"`)
	require.Contains(t, html, "2026-11-29 05:40:00")
}

func TestPreferences_RefuseOtherPages(t *testing.T) {
	t.Parallel()
	s := open(t, nil, func(c *console.Config) { c.BasePath = "/sms" })
	for _, back := range []string{"https://evil.example/", "//evil.example/sms/", "/%5cevil.example", "/other", "javascript:alert(1)", "%00", "/sms/%0d%0aX:1"} {
		w := s.post("/sms/preferences", "lang=en&back="+back)
		require.Equal(t, http.StatusSeeOther, w.Code)
		location := w.Header().Get("Location")
		require.True(t, strings.HasPrefix(location, "/sms/"), location)
		require.NotContains(t, location, "\n")
	}
	for _, zone := range []string{"Local", "../../etc/passwd", "Mars/Olympus", strings.Repeat("a", 1000)} {
		require.Equal(t, http.StatusBadRequest, s.post("/sms/preferences", "zone="+zone).Code)
	}
}

func TestHandler_HidesTheStoresWords(t *testing.T) {
	t.Parallel()
	s := open(t, nil, func(c *console.Config) { c.Store = brokenStore{c.Store} })
	w := s.get("/templates")
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.NotContains(t, w.Body.String(), "password")
	requireSound(t, w.Body.String())
}

func TestAssets_AreKeptForever(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	found := regexp.MustCompile(`(?:href|src)="(/assets/[^"]+)"`).FindAllStringSubmatch(s.page("/templates"), -1)
	require.Len(t, found, 5)
	for _, f := range found {
		w := s.get(f[1])
		require.Equal(t, http.StatusOK, w.Code)
		require.Contains(t, w.Header().Get("Cache-Control"), "immutable")
		require.NotEmpty(t, w.Header().Get("Content-Type"))
	}
	require.Equal(t, http.StatusNotFound, s.get("/assets/console.css").Code)
}

// htmxDigest is the SHA-384 of dist/htmx.min.js in the package htmx.org 4.0.1 of npm.
const htmxDigest = "Qp9rdC8H7EqOoX+nR0P3RPG2Noji+qdwJlGpfzwQJsfOpp3sGwIdSP9xO3+UlEhn"

func TestAssets_HTMXIsTheReleasedOne(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("assets/htmx.min.js")
	require.NoError(t, err)
	sum := sha512.Sum384(content)
	require.Equal(t, htmxDigest, base64.StdEncoding.EncodeToString(sum[:]))
	licence, err := os.ReadFile("assets/htmx.LICENSE")
	require.NoError(t, err)
	require.Contains(t, string(licence), "Zero-Clause BSD")
}

// brokenStore is a store whose server is down.
type brokenStore struct{ smsplus.Store }

func (brokenStore) Stats(context.Context, smsplus.Filter) ([]smsplus.TemplateStats, error) {
	return nil, errors.New("connect with password=hunter2: refused")
}
