package db

import (
	"context"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
)

// areaNamesKept is how long a changed name of a village may go unseen. It shows
// in texts only.
const areaNamesKept = time.Minute

// areaNames are the names of the areas met lately, by code: a few hundred, where
// the intake would otherwise look two of them up for every message.
type areaNames struct {
	mu    sync.Mutex
	names map[int64]string
	since time.Time
}

// split fills the names that are known here into names, and lists the others.
func (a *areaNames) split(names map[int64]string, now time.Time) (missing []int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now.Sub(a.since) > areaNamesKept {
		a.names, a.since = map[int64]string{}, now
	}
	for code := range names {
		name, ok := a.names[code]
		names[code] = name
		if !ok {
			missing = append(missing, code)
		}
	}
	return missing
}

func (a *areaNames) add(code int64, name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.names[code] = name
}

const areasOf = `SELECT code, name FROM registry.area WHERE code = ANY ($1::bigint[])`

// nameAreas puts the names of villages and districts into the bindings.
func (in *intake) nameAreas(ctx context.Context, t *transaction, k *known) error {
	names := map[int64]string{}
	for _, all := range k.bindings {
		for i := range all {
			names[all[i].village()], names[all[i].district()] = "", ""
		}
	}
	if missing := in.d.areas.split(names, time.Now()); len(missing) > 0 {
		if err := in.loadAreas(ctx, t, names, missing); err != nil {
			return err
		}
	}
	for _, all := range k.bindings {
		for i := range all {
			b := &all[i]
			b.station.Village, b.station.District = names[b.village()], names[b.district()]
		}
	}
	return nil
}

func (in *intake) loadAreas(ctx context.Context, t *transaction, names map[int64]string, missing []int64) error {
	var codes array
	for _, code := range missing {
		codes.int(code)
	}
	return each(ctx, t.on(ctx, in.stmts.areas), func(r *sqlx.Rows) error {
		var code int64
		var name string
		if err := r.Scan(&code, &name); err != nil {
			return err
		}
		names[code] = name
		in.d.areas.add(code, name)
		return nil
	}, codes.arg())
}
