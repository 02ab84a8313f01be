// Package console serves the pages on which people see what was sent, and why it did not
// arrive. They show the statistics of templates, the story of each message, the reasons of
// failures, the providers, and how sending stands.
//
// [New] returns one handler, which an application mounts wherever it likes:
//
//	pages, err := console.New(console.Config{Store: store, BasePath: "/admin/sms", Authorize: staffOnly})
//	mux.Handle("/admin/sms/", pages)
//
// The pages are rendered on the server, need no JavaScript, and load nothing from other
// hosts. Telephone numbers are masked, and texts hidden, unless Config.Reveal allows a
// request to see them. They change nothing, unless Config.Allow lets the user act.
//
// Open pages are kept current by server-sent events. Set Config.Context to a context that
// ends before the server shuts down, because [http.Server.Shutdown] waits for streams:
//
//	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
//	defer stop()
//	pages, err := console.New(console.Config{Context: ctx, Store: store})
//
// The server's WriteTimeout and ReadTimeout do not end streams. A proxy must not buffer them.
//
// # The files
//
//   - config.go has the options, handler.go the routes and what holds for every request,
//     authorize.go the rule for loopback, and audit.go what is reported of people.
//   - visit.go is one request: its language, its time zone, its links. selection.go parses
//     the URL of the records page, period.go and window.go its range. find.go is the search
//     box, and token.go hides what must not stand in a URL.
//   - layout.go has what is around every page, and asset.go what browsers load with it.
//   - language.go chooses a language. text_en.go and text_zh.go hold the texts, meaning.go
//     with meaning_en.go and meaning_zh.go what each status and reason means.
//   - statistics.go, records.go, failures.go, providers.go and operations.go are the pages.
//     story.go tells what happened to a message, channels.go orders channels, chart.go draws,
//     and export.go writes files.
//   - actions.go is what users may do, after a page that asks whether they mean it: with
//     messages and pauses. erase.go is about persons, and testsend.go about tests.
//   - live.go streams what changes on open pages, and shared.go bounds what that costs.
//   - templates holds the HTML, and assets what browsers load.
package console
