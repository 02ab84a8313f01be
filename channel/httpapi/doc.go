// Package httpapi is the code that adapters of providers with an HTTP API share. It makes a
// call and knows whether its request was written. It gives the default meaning of a code
// that no table has. It removes secrets from a provider's words. It asks about
// messages one by one. It serves the provider's own calls.
//
//	answer, err := httpapi.Do(c.client, req)
//	if err != nil {
//		return channel.Result{}, err // temporary, or in doubt
//	}
//	if answer.Code/100 == 2 { // Verdict makes no error of these
//		return channel.Result{Status: status.Accepted, ProviderID: e.AttemptID.String()}, nil
//	}
//	words := httpapi.Words(string(answer.Body), c.token, text)
//	return channel.Result{}, answer.Verdict().Error(words, answer.RetryAfter())
//
// The whole package is safe for concurrent use.
package httpapi
