package web

import (
	"net"
	"net/http"
	"strings"
)

// handler puts everything that stands before a page around the routes, the first
// to act outermost.
func (s *site) handler(rt *routes) http.Handler {
	origin := http.NewCrossOriginProtection()
	origin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, r, http.StatusForbidden, "refused.origin")
	}))
	inner := origin.Handler(withBrowser(s.sessions.LoadAndSave(rt.mux)))
	outer := http.NewServeMux()
	outer.Handle("/static/", cached(static()))
	outer.Handle("/", inner)
	return behind(s.Proxies, s.headers(newLimiter(pageRate()).limit(s, outer)))
}

// headers sets what every answer carries: nothing from outside, no frame around
// the page, no guess about content, no copy left in a browser.
func (s *site) headers(next http.Handler) http.Handler {
	policy := strings.Join([]string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
		"img-src 'self' data:", // the style sheet draws its arrows so
		"base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'",
	}, "; ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
		h.Set("Cache-Control", "no-store")
		if s.Secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// cached lets browsers keep what a page loads for a while, and lists no folder.
func cached(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		case strings.HasSuffix(r.URL.Path, "/"):
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "private, max-age=300")
		next.ServeHTTP(w, r)
	})
}

// address is where a request comes from. A header that anybody can write is not
// believed: only behind has read one, of a trusted proxy.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
