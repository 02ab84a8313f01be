// Package api serves messages over HTTP and JSON, for programs that are not written in Go:
// trigger one or many, watch, cancel, confirm, resend, list, count and find.
//
// [New] returns one handler, which an application mounts wherever it likes. The application
// decides who may do what:
//
//	handler, err := api.New(api.Config{Store: store, Dispatcher: d, Authorize: knownCaller, Allow: mayAct})
//	mux.Handle("/sms-plus/", http.StripPrefix("/sms-plus", handler))
//
// The handler serves its own description at openapi.json, in OpenAPI 3.1. Lists and statistics
// take the filters of the URLs of package console. What may name a person, such as a telephone
// number, is taken in the body of a search, because URLs end up in the logs of proxies.
//
// An Idempotency-Key makes a trigger safe to repeat: it is the [smsplus.Trigger] Key. Errors are
// problem details (RFC 9457), whose code does not change. They name fields, and repeat no value
// of the request.
//
// The server needs a ReadHeaderTimeout: Config.Timeout begins after the headers.
//
// # The files
//
//   - config.go has the options, and handler.go the paths and what holds for every request.
//   - audit.go has the actions and what is reported of them, problem.go the errors, and log.go
//     their log.
//   - body.go reads a body, object.go parses it strictly, and idempotency.go parses the key.
//   - trigger.go, messages.go and statistics.go are the operations, and selection.go what lists
//     and statistics select.
//   - document.go serves openapi.json.
package api
