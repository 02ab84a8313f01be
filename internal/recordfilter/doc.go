// Package recordfilter is the grammar of the filters that stand in URLs: the period, and what
// narrows a list of records. The pages of package console have it, and other handlers that
// take the same queries.
//
//	f, wrong := recordfilter.Scope{Now: now, Earliest: earliest}.ParseFilter(url.Values{"range": {"7d"}, "tab": {"failed"}})
//
// Personal data, such as a telephone number, has no field in it, because URLs end up in the
// logs of proxies.
//
//   - period.go has the range of trigger times, and filter.go the other fields.
package recordfilter
