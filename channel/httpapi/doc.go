// Package httpapi is what the adapters of providers with an HTTP API have in common:
// a call that knows whether its request was written, the fallback for a code that no
// table has, words that give nothing away, and the handling of the provider's own
// calls.
//
//	answer, err := httpapi.Do(c.client, req)
//	if err != nil {
//		return channel.Result{}, err // temporary, or in doubt
//	}
//	if answer.Code/100 == 2 { // of these, Verdict makes no error
//		return channel.Result{Status: status.Accepted, ProviderID: e.AttemptID.String()}, nil
//	}
//	words := httpapi.Words(string(answer.Body), c.token, text)
//	return channel.Result{}, answer.Verdict().Error(words, answer.RetryAfter())
//
// All of it is safe for concurrent use.
package httpapi
