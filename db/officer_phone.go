package db

import (
	"context"
	"errors"
	"fmt"
)

// askedPhone is a row of a table that has another phone for a known officer.
type askedPhone struct {
	line   int
	change PhoneChange
}

const openPhone = `
SELECT coalesce(max(new_phone), '') FROM staff.phone_change WHERE election = $1 AND officer = $2 AND old_phone = $3 AND state IN ('asked', 'agreed')`

// ask asks for the phones that the table has changed. An officer with several
// stations is asked about once; the same table read again asks nothing anew.
func (o *officerImport) ask(ctx context.Context, t *transaction) error {
	for _, a := range o.asked {
		if err := o.askOne(ctx, t, a); err != nil {
			return err
		}
	}
	return o.bad.orNil()
}

func (o *officerImport) askOne(ctx context.Context, t *transaction, a askedPhone) error {
	var open string
	if err := t.tx.GetContext(ctx, &open, openPhone, o.election, a.change.Officer, a.change.Old); err != nil {
		return err
	}
	switch open {
	case "":
	case a.change.New:
		o.counts.Same++
		return nil
	default:
		o.bad.add(a.line, "phone", "another change of %s's phone waits for a second person: refuse it on the desk first", a.change.Name)
		return nil
	}
	a.change.Reason = fmt.Sprintf("tali import officers, baris %d", a.line)
	err := t.askPhone(ctx, Actor{}, o.election, a.change)
	if errors.Is(err, ErrPhoneTaken) {
		o.bad.add(a.line, "phone", "%s belongs to another officer; end that first", a.change.New)
		return nil
	}
	o.counts.Asked++
	return err
}
