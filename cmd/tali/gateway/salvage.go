package gateway

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"tali/db/spool"
	"tali/gsm"
)

// salvagedState, in the spool: the damaged ones whose content it has taken over.
const salvagedState = "salvaged"

// salvageBatch is how many SMS are taken over in one commit.
const salvageBatch = 500

// Salvage takes over what can be read of a damaged spool that was set aside, once.
// SMS that the centre knows, or that are here, count once: their keys are made of
// what the modem handed over. It returns how many are new here; missed says that
// some could not be read.
func Salvage(ctx context.Context, from string, into *spool.Spool) (taken int, missed, err error) {
	name := filepath.Base(from)
	done, err := into.State(ctx, salvagedState)
	if err != nil || slices.Contains(strings.Fields(done), name) {
		return 0, nil, err
	}
	var batch []spool.PDU
	flush := func() error {
		var n int
		n, err = into.Keep(ctx, batch)
		taken, batch = taken+n, batch[:0]
		return err
	}
	missed = spool.Salvage(ctx, from, func(r spool.Raw) error {
		batch = append(batch, Journal(gsm.Stored{Modem: r.Modem, IMSI: r.IMSI, PDU: r.Hex, Store: r.Store, ReadAt: r.ReadAt}))
		if len(batch) < salvageBatch {
			return nil
		}
		return flush()
	})
	if err != nil || flush() != nil { // the new one's, not the damaged one's
		return taken, missed, err
	}
	if err := into.SetState(ctx, salvagedState, strings.TrimSpace(done+" "+name)); err != nil {
		return taken, missed, fmt.Errorf("noting that %s was taken over: %w", name, err)
	}
	return taken, missed, nil
}
