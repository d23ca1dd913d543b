package web

import (
	"net/http"
	"net/netip"

	"tali/db"
)

// Route is one page for the tests outside the package.
type Route struct {
	Method, Pattern string
	Roles           []db.Role
	Stream          bool
}

// RoutesOf are all pages of a desk, without a centre behind it.
func RoutesOf() []Route {
	var out []Route
	for _, r := range New(Parts{}).routes().all {
		out = append(out, Route{r.method, r.pattern, r.roles, r.stream})
	}
	return out
}

// AddressBehind is where a request comes from, by the word of these proxies.
func AddressBehind(proxies []netip.Prefix, r *http.Request) string {
	var got string
	behind(proxies, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = address(r) })).ServeHTTP(nil, r)
	return got
}
