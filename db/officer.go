package db

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tali/parser"
)

// OfficerRow is one officer of an import with one of the stations that the
// phone reports for.
type OfficerRow struct {
	Line    int
	Name    string
	Phone   string // as written; stored in E.164
	Station string // 13-digit code or 8-digit TPS code
}

const (
	// Two joins, because one with OR compares every row with every station.
	findStations = `
WITH named AS MATERIALIZED (SELECT code, n FROM unnest($3::bigint[]) WITH ORDINALITY AS n(code, n))
SELECT n.n, s.code FROM named n JOIN registry.station s ON s.code = n.code
WHERE s.election = $1 AND s.code / 1000000000 = $2
UNION ALL
SELECT n.n, s.code FROM named n JOIN registry.station s ON s.tps = n.code
WHERE s.election = $1 AND s.code / 1000000000 = $2`

	// By name a station knows its officers; by phone the rest of the world.
	presentOfficers = `
SELECT p.phone, p.station, p.officer, o.name
FROM registry.phone p JOIN registry.officer o ON o.id = p.officer
WHERE p.election = $1 AND p.valid_until = 'infinity'
  AND (p.station = ANY ($2::bigint[]) OR p.phone = ANY ($3::text[]))`

	renameOfficers = `
UPDATE registry.officer o SET name = n.name
FROM unnest($1::integer[], $2::text[]) AS n(id, name) WHERE o.id = n.id`

	// Ids are drawn first, because one officer may have several phones' rows.
	drawOfficers = `
INSERT INTO registry.officer (election, name) SELECT $1, name FROM unnest($2::text[]) WITH ORDINALITY AS o(name, n) ORDER BY n
RETURNING id`

	// A phone that was never bound before has no beginning: a gateway's clock
	// may be behind, and messages may have waited in its spool.
	addPhones = `
INSERT INTO registry.phone (election, phone, station, officer, valid_from)
SELECT $1, phone, station, officer, CASE WHEN EXISTS (
    SELECT FROM registry.phone h WHERE h.phone = p.phone AND h.election = $1 AND h.station = p.station)
  THEN now() ELSE '-infinity' END
FROM unnest($2::text[], $3::bigint[], $4::integer[]) AS p(phone, station, officer)
ORDER BY phone, station`
)

// ImportOfficers binds officers' phones to stations, all or none. A row whose
// officer (by name and station) has another phone asks for a change, which
// somebody at the desk must agree to. It needs the role tali_desk.
func (d *DB) ImportOfficers(ctx context.Context, p *parser.Profile, rows []OfficerRow, progress Progress) (Imported, error) {
	row, err := d.profile(ctx, p)
	if err != nil {
		return Imported{}, fmt.Errorf("importing officers: %w", err)
	}
	o := officerImport{election: row.Election, regency: p.Regency, rows: rows}
	err = d.importInto(ctx, row.Election, func(t *transaction) error { return o.run(ctx, t, progress) })
	if err != nil {
		return Imported{}, fmt.Errorf("importing %d officers: %w", len(rows), err)
	}
	return o.counts, nil
}

type officerImport struct {
	election int16
	regency  string
	rows     []OfficerRow
	keep     bool // a row with another phone of a known officer is wrong, and no question
	counts   Imported
	bad      RowErrors

	phones   []string // E.164, by row
	stations []int64  // by row
	bound    map[bindingKey]boundOfficer
	byName   map[nameKey][]string // phones of an officer at a station
	owner    map[string]boundOfficer
	asked    []askedPhone
}

type bindingKey struct {
	phone   string
	station int64
}

type nameKey struct {
	name    string
	station int64
}

type boundOfficer struct {
	id   int64
	name string
}

func (o *officerImport) run(ctx context.Context, t *transaction, progress Progress) error {
	o.readPhones()
	if err := o.findStations(ctx, t); err != nil {
		return err
	}
	o.findClashes()
	if err := o.bad.orNil(); err != nil {
		return err
	}
	if err := o.loadPresent(ctx, t); err != nil {
		return err
	}
	changes := o.plan()
	if err := o.bad.orNil(); err != nil {
		return err
	}
	if err := changes.write(ctx, t, o.election); err != nil {
		return err
	}
	if err := o.ask(ctx, t); err != nil {
		return err
	}
	progress.report(len(o.rows), len(o.rows))
	return nil
}

func (o *officerImport) readPhones() {
	o.phones = make([]string, len(o.rows))
	for i, r := range o.rows {
		phone, kind := parser.ParsePhone(r.Phone)
		if kind != parser.PhoneNumber || len(phone) > 16 {
			o.bad.add(r.Line, "phone", "%q is no phone number", r.Phone)
		}
		if r.Name == "" {
			o.bad.add(r.Line, "name", "the name is missing")
		}
		o.phones[i] = phone
	}
}

func (o *officerImport) findStations(ctx context.Context, t *transaction) error {
	var codes array
	for _, r := range o.rows {
		n, err := strconv.ParseInt(r.Station, 10, 64)
		if err != nil || (len(r.Station) != 13 && len(r.Station) != 8) {
			n = 0
		}
		codes.int(n)
	}
	o.stations = make([]int64, len(o.rows))
	rows, err := t.tx.QueryxContext(ctx, findStations, o.election, o.regency, codes.arg())
	if err != nil {
		return err
	}
	err = scanAll(rows, func() error {
		var n, code int64
		err := rows.Scan(&n, &code)
		if err == nil {
			o.stations[n-1] = code
		}
		return err
	})
	for i, code := range o.stations {
		if code == 0 {
			o.bad.add(o.rows[i].Line, "station", "%q is no station of this election", o.rows[i].Station)
		}
	}
	return err
}

// findClashes names rows that contradict earlier ones of the same file.
func (o *officerImport) findClashes() {
	names := make(map[string]int)
	lines := make(map[bindingKey]int)
	for i, r := range o.rows {
		if first, ok := names[o.phones[i]]; !ok {
			names[o.phones[i]] = i
		} else if o.rows[first].Name != r.Name {
			o.bad.add(r.Line, "phone", "%s belongs to %s in line %d", o.phones[i], o.rows[first].Name, o.rows[first].Line)
		}
		key := bindingKey{o.phones[i], o.stations[i]}
		if first, ok := lines[key]; ok {
			o.bad.add(r.Line, "phone", "%s with station %s stands in line %d already", o.phones[i], r.Station, first)
		}
		lines[key] = r.Line
	}
}

func (o *officerImport) loadPresent(ctx context.Context, t *transaction) error {
	var phones, stations array
	for i := range o.rows {
		phones.text(o.phones[i])
		stations.int(o.stations[i])
	}
	o.bound = make(map[bindingKey]boundOfficer)
	o.byName = make(map[nameKey][]string)
	o.owner = make(map[string]boundOfficer)
	rows, err := t.tx.QueryxContext(ctx, presentOfficers, o.election, stations.arg(), phones.arg())
	if err != nil {
		return err
	}
	return scanAll(rows, func() error {
		var key bindingKey
		var b boundOfficer
		err := rows.Scan(&key.phone, &key.station, &b.id, &b.name)
		o.bound[key] = b
		name := nameKey{folded(b.name), key.station}
		o.byName[name] = append(o.byName[name], key.phone)
		o.owner[key.phone] = b
		return err
	})
}

// officerChanges is what an import comes down to.
type officerChanges struct {
	renamedID, renamedName array
	newNames               array
	phone, station         array
	officers               []int64 // of the new bindings: an id, or -(place in newNames) - 1
	newCount               int
}

func (o *officerImport) plan() *officerChanges {
	c := &officerChanges{}
	inFile := make(map[bindingKey]bool, len(o.rows))
	for i := range o.rows {
		inFile[bindingKey{o.phones[i], o.stations[i]}] = true
	}
	fresh := make(map[string]int64) // by phone: officer made by this import
	renamed := make(map[int64]bool) // an officer with several stations once
	for i, r := range o.rows {
		key := bindingKey{o.phones[i], o.stations[i]}
		b, bound := o.bound[key]
		switch {
		case bound && b.name == r.Name:
			o.counts.Same++
			continue
		case bound:
			o.counts.Changed++
			if !renamed[b.id] {
				renamed[b.id] = true
				c.renamedID.int(b.id)
				c.renamedName.text(r.Name)
			}
			continue
		}
		officer, known := o.owner[key.phone]
		if known && officer.name != r.Name {
			o.bad.add(r.Line, "phone", "%s belongs to %s; end that first", key.phone, officer.name)
			continue
		}
		if o.moved(r, key, inFile) {
			continue
		}
		id := officer.id
		o.counts.New++
		if id == 0 {
			id = fresh[key.phone]
		}
		if id == 0 {
			c.newNames.text(r.Name)
			c.newCount++
			id = -int64(c.newCount)
			fresh[key.phone] = id
		}
		c.phone.text(key.phone)
		c.station.int(key.station)
		c.officers = append(c.officers, id)
	}
	return c
}

// moved deals with a row that has another phone for an officer whom the station
// knows: no import binds it, however the name is written.
func (o *officerImport) moved(r OfficerRow, key bindingKey, inFile map[bindingKey]bool) bool {
	phones := o.byName[nameKey{folded(r.Name), key.station}]
	gone := slices.IndexFunc(phones, func(old string) bool { return !inFile[bindingKey{old, key.station}] })
	switch {
	case len(phones) == 0:
		return false
	case o.keep:
		o.bad.add(r.Line, "phone", "%s has another phone at this station: a change is asked for on the station's page and takes two people", r.Name)
	case gone < 0:
		o.bad.add(r.Line, "phone", "%s has another phone at this station, which is in this table too: leave the old one out to ask for a change, which takes two people", r.Name)
	default:
		o.asked = append(o.asked, askedPhone{r.Line, PhoneChange{
			Officer: o.bound[bindingKey{phones[gone], key.station}].id, Name: r.Name, Old: phones[gone], New: key.phone,
		}})
	}
	return true
}

// folded is a name without what is no difference: case and spaces.
func folded(name string) string { return strings.Join(strings.Fields(strings.ToLower(name)), " ") }

func (c *officerChanges) write(ctx context.Context, t *transaction, election int16) error {
	if _, err := t.tx.ExecContext(ctx, renameOfficers, c.renamedID.arg(), c.renamedName.arg()); err != nil {
		return err
	}
	var ids []int64
	if err := t.tx.SelectContext(ctx, &ids, drawOfficers, election, c.newNames.arg()); err != nil {
		return err
	}
	var officers array
	for _, id := range c.officers {
		if id < 0 {
			id = ids[-id-1]
		}
		officers.int(id)
	}
	_, err := t.tx.ExecContext(ctx, addPhones, election, c.phone.arg(), c.station.arg(), officers.arg())
	return err
}
