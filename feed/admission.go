package feed

import (
	"context"
	"crypto/sha256"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"tali/db"
)

// admitted lets a consumer through whose token is in force, within its limits.
func (f *Feed) admitted(next func(http.ResponseWriter, *http.Request, db.Admission)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		hash := sha256.Sum256([]byte(strings.TrimSpace(token)))
		if !f.known.has(hash) && !f.strange(w, r) {
			return
		}
		var a db.Admission
		if strings.EqualFold(scheme, "Bearer") {
			var err error
			if a, err = f.Results.Admit(r.Context(), hash[:]); err != nil {
				f.fail(w, r, err)
				return
			}
		}
		f.known.note(hash, a.Consumer != "")
		if a.Consumer == "" {
			w.Header().Set("WWW-Authenticate", `Bearer realm="tali"`)
			problem{http.StatusUnauthorized, "no token in force", "header Authorization",
				`send "Authorization: Bearer TOKEN"; the election office gives tokens (tali feed token add)`}.tell(w)
			return
		}
		if wait := f.tokens.take(a.Consumer, time.Now()); wait > 0 {
			retry(w, wait, "more than "+strconv.Itoa(f.PerMinute)+" requests a minute")
			return
		}
		if !f.tokens.begin(a.Consumer, atOnce) {
			retry(w, time.Second, "more than "+strconv.Itoa(atOnce)+" requests at a time")
			return
		}
		defer f.tokens.end(a.Consumer)
		next(w, r, a)
	}
}

// strange counts a request that no token vouches for, before it costs the
// database anything.
func (f *Feed) strange(w http.ResponseWriter, r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	wait := f.strangers.take(host, time.Now())
	if wait > 0 {
		retry(w, wait, "too many requests without a token from "+host)
	}
	return wait == 0
}

func retry(w http.ResponseWriter, wait time.Duration, where string) {
	seconds := strconv.Itoa(int((wait + time.Second - 1) / time.Second))
	w.Header().Set("Retry-After", seconds)
	problem{http.StatusTooManyRequests, "too many requests", where, "ask again in " + seconds + " s; a larger limit= needs fewer requests"}.tell(w)
}

// fail answers a request that the database kept from its answer.
func (f *Feed) fail(w http.ResponseWriter, r *http.Request, err error) {
	if !errors.Is(r.Context().Err(), context.Canceled) { // who asked is gone, or we stop
		f.Log.Warn("the feed cannot answer", "err", err)
	}
	w.Header().Set("Retry-After", "5")
	problem{http.StatusServiceUnavailable, "the results cannot be read now", "database of the centre",
		"ask again in some seconds; when it lasts, tell the election office"}.tell(w)
}

// known remembers the tokens that were in force when they were last seen, so
// that strangers of the same address do not lock them out. Each is still looked
// up every time.
type known struct {
	mu     sync.Mutex
	hashes map[[sha256.Size]byte]struct{}
}

func (k *known) has(hash [sha256.Size]byte) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, there := k.hashes[hash]
	return there
}

func (k *known) note(hash [sha256.Size]byte, inForce bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !inForce {
		delete(k.hashes, hash)
		return
	}
	if k.hashes == nil {
		k.hashes = make(map[[sha256.Size]byte]struct{})
	}
	k.hashes[hash] = struct{}{}
}
