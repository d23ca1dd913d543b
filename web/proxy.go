package web

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// behind gives requests that a trusted proxy passes on the address of their
// client: the last in X-Forwarded-For that no trusted proxy has. What stands
// before it the client may have written itself. From anybody else the header says
// nothing, loopback included: every program of this machine comes from there.
func behind(proxies []netip.Prefix, next http.Handler) http.Handler {
	if len(proxies) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if client, ok := forwarded(proxies, r); ok {
			r.RemoteAddr = net.JoinHostPort(client.String(), "0")
		}
		next.ServeHTTP(w, r)
	})
}

// forwarded walks from the desk to the client, proxy by proxy. It ends at what is
// no address: whoever wrote that is the nearest who is known.
func forwarded(proxies []netip.Prefix, r *http.Request) (netip.Addr, bool) {
	client, ok := hop(r.RemoteAddr)
	if !ok {
		return client, false
	}
	path := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, text := range slices.Backward(path) {
		if !slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(client) }) {
			break
		}
		before, ok := hop(strings.TrimSpace(text))
		if !ok {
			break
		}
		client = before
	}
	return client, true
}

// hop reads an address with or without a port.
func hop(text string) (netip.Addr, bool) {
	if a, err := netip.ParseAddrPort(text); err == nil {
		return a.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return a.Unmap().WithZone(""), err == nil
}
