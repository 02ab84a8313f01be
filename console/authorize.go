package console

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// errNotLoopback says why [loopbackOnly] refuses a request.
var errNotLoopback = errors.New("console: Config.Authorize is not set, so only this machine is served")

// forwarding are the headers by which a proxy says for whom it asks. A proxy on this machine
// is no user on this machine.
var forwarding = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"}

// loopbackOnly is the default of Config.Authorize. The host has to be this machine's too:
// otherwise a web page whose name is rebound to 127.0.0.1 could read the answers.
func loopbackOnly(r *http.Request) (user string, err error) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() || !isLoopbackHost(r.Host) {
		return "", errNotLoopback
	}
	for _, name := range forwarding {
		if len(r.Header.Values(name)) > 0 {
			return "", errNotLoopback
		}
	}
	return "loopback", nil
}

// isLoopbackHost reports whether a Host header names this machine: "localhost", or a
// loopback address, with a port or not.
func isLoopbackHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
