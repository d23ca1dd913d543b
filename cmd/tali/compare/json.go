package compare

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// json reads Sirekap's shapes: an object that has stations by their code, alone
// or under table or tabel; a list of stations; or one station.
func (r *reader) json(in *bufio.Reader) error {
	lines := &lines{in: in}
	d := json.NewDecoder(lines)
	first, err := d.Token()
	if err != nil {
		return fmt.Errorf("line 1: %w", err)
	}
	if first == json.Delim('[') {
		err = r.list(d, lines)
	} else {
		err = r.object(d, lines)
	}
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something stands behind the end")
		}
	}
	if err != nil {
		return fmt.Errorf("line %d: %w", lines.at(d.InputOffset()), err)
	}
	return nil
}

func (r *reader) list(d *json.Decoder, lines *lines) error {
	for d.More() {
		if err := r.value(d, lines, ""); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// object reads the members of the outermost object. What is no station, and no
// part of one, is passed over.
func (r *reader) object(d *json.Decoder, lines *lines) error {
	alone := make(map[string]json.RawMessage)
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		switch {
		case stationPattern.MatchString(name):
			err = r.value(d, lines, name)
		case name == "table" || name == "tabel":
			err = r.table(d, lines)
		default:
			var raw json.RawMessage
			err = d.Decode(&raw)
			alone[name] = raw
		}
		if err != nil {
			return err
		}
	}
	_, err := d.Token()
	if err == nil && alone["kode_tps"] != nil {
		var text []byte
		if text, err = json.Marshal(alone); err == nil {
			r.station(text, "", 1)
		}
	}
	return err
}

func (r *reader) table(d *json.Decoder, lines *lines) error {
	open, err := d.Token()
	if err != nil || open == nil { // null: nothing yet
		return err
	}
	if open != json.Delim('{') {
		return errors.New("table is no object with stations by their code")
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		if err := r.value(d, lines, fmt.Sprint(name)); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// value reads one station, whatever it holds.
func (r *reader) value(d *json.Decoder, lines *lines, code string) error {
	d.More() // passes over what separates it from the one before
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return err
	}
	line := lines.at(d.InputOffset()) - bytes.Count(raw, []byte("\n"))
	r.station(raw, code, line)
	return nil
}

// station reads an object: figures beside each other or under administrasi,
// votes under chart, tabel or suara_paslon, as a list or by id, or beside the
// figures. null is a figure that is not there.
func (r *reader) station(raw []byte, code string, line int) {
	row := Row{Key: Key{Station: code}, Line: line, Fields: make(map[string]int)}
	if bytes.Equal(raw, []byte("null")) {
		r.add(row)
		return
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		r.bad(line, "is no object with a station's figures")
		return
	}
	if err := r.members(&row, members); err != nil {
		r.bad(line, row.Station+": "+err.Error())
		return
	}
	r.add(row)
}

func (r *reader) members(row *Row, members map[string]json.RawMessage) error {
	by := make(map[string]int)
	for name, raw := range members {
		if bytes.Equal(raw, []byte("null")) {
			continue
		}
		if err := r.member(row, name, raw, by); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if len(by) == 0 {
		return nil
	}
	if len(row.Votes) > 0 {
		return errors.New("votes stand in it twice")
	}
	votes, err := r.votes(by)
	row.Votes = votes
	return err
}

func (r *reader) member(row *Row, name string, raw json.RawMessage, by map[string]int) (err error) {
	switch {
	case name == "kode_tps" && row.Station == "":
		err = json.Unmarshal(raw, &row.Station)
	case name == "jenis":
		err = json.Unmarshal(raw, &row.Contest)
	case name == "putaran":
		row.Round, err = figure(string(raw))
	case name == "administrasi":
		var inner map[string]json.RawMessage
		if err = json.Unmarshal(raw, &inner); err == nil {
			err = figures(row.Fields, inner, func(name string) bool { return slices.Contains(Fields(), name) })
		}
	case slices.Contains(Fields(), name):
		row.Fields[name], err = figure(string(raw))
	case name == "suara_paslon" && raw[0] == '[':
		err = json.Unmarshal(raw, &row.Votes)
		if err == nil && slices.ContainsFunc(row.Votes, func(n int) bool { return n < 0 }) {
			err = errors.New("votes below 0")
		}
	case name == "chart", name == "tabel", name == "table", name == "suara_paslon":
		var inner map[string]json.RawMessage
		if err = json.Unmarshal(raw, &inner); err == nil {
			err = figures(by, inner, isID)
		}
	case isID(name):
		by[name], err = figure(string(raw))
	}
	return err
}

// figures reads the members that are wanted.
func figures(into map[string]int, from map[string]json.RawMessage, wanted func(string) bool) error {
	for name, raw := range from {
		if !wanted(name) || bytes.Equal(raw, []byte("null")) {
			continue
		}
		n, err := figure(string(raw))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		into[name] = n
	}
	return nil
}

// lines knows in which line the decoder is, which reads ahead.
type lines struct {
	in     io.Reader
	offset int64   // of what was read
	ends   []int64 // of lines ahead of the decoder
	passed int
}

// Read is io.Reader's.
func (l *lines) Read(p []byte) (int, error) {
	n, err := l.in.Read(p)
	for i, c := range p[:n] {
		if c == '\n' {
			l.ends = append(l.ends, l.offset+int64(i))
		}
	}
	l.offset += int64(n)
	return n, err
}

// at is the line of an offset; offsets only rise.
func (l *lines) at(offset int64) int {
	n := 0
	for n < len(l.ends) && l.ends[n] < offset {
		n++
	}
	l.ends = l.ends[n:]
	l.passed += n
	return l.passed + 1
}
