package verify

import "fmt"

// mostStations is how many of a phone's stations a reply names; the others are
// on the officer's cards.
const mostStations = 4

// appendCode appends the code that this officer types; the words of the card
// where the phone has none.
func (w *words) appendCode(buf []byte) []byte {
	switch {
	case w.station != nil:
		return append(buf, w.station.TPS...)
	case w.officer != nil && len(w.officer.Stations) > 0:
		return append(buf, w.officer.Stations[0].TPS...)
	}
	return append(buf, "kodeTPS"...)
}

// appendStation appends e.g. "Boroko TPS 003".
func appendStation(buf []byte, s *Station) []byte {
	if s == nil {
		return buf
	}
	return fmt.Appendf(appendName(buf, s.Village), " TPS %03d", s.Number)
}

// appendStations appends the codes of this phone's stations, with their names
// or without.
func (w *words) appendStations(buf []byte, names bool) []byte {
	if w.officer == nil {
		return buf
	}
	for i := range w.officer.Stations {
		if i == mostStations {
			return append(buf, " dll"...)
		}
		if i > 0 {
			buf = append(buf, ", "...)
		}
		s := &w.officer.Stations[i]
		buf = append(buf, s.TPS...)
		if names {
			buf = append(appendStation(append(buf, " ("...), s), ')')
		}
	}
	return buf
}

// stateWords is a state as an officer understands it.
func stateWords(s State) string {
	switch s {
	case StateIn:
		return "menunggu verifikator"
	case StateVerified:
		return "terverifikasi"
	case StateHeld:
		return "ditahan"
	case StateRejected:
		return "ditolak"
	case StateSuperseded:
		return "digantikan"
	}
	return string(s)
}

// appendStatus appends where each ballot of the station stands, with the proofs
// that this phone has got or without any.
func (w *words) appendStatus(buf []byte, proofs bool) []byte {
	for i, b := range w.p.Ballots {
		if i > 0 {
			buf = append(buf, ", "...)
		}
		buf = append(append(buf, b.Keyword...), ' ')
		c := w.cases[CaseKey{Station: w.station.Code, Ballot: b.Keyword}]
		if c == nil || c.Present == nil {
			buf = append(buf, absent(c)...)
			continue
		}
		buf = append(buf, c.Present.State...)
		if proofs && c.Present.Proof != "" && c.Present.ProofTo == w.phone {
			buf = append(append(buf, ' '), c.Present.Proof...)
		}
	}
	return buf
}

// absent is the word for a ballot with no entry that stands.
func absent(c *Case) string {
	if c != nil {
		for i := range c.Others {
			if c.Others[i].State == StateHeld {
				return string(StateHeld)
			}
		}
	}
	return "belum ada"
}

// appendProgress appends e.g. "2 dari 5 sudah ada".
func (w *words) appendProgress(buf []byte) []byte {
	in := 0
	for _, b := range w.p.Ballots {
		if c := w.cases[CaseKey{Station: w.station.Code, Ballot: b.Keyword}]; c != nil && c.Present != nil {
			in++
		}
	}
	return fmt.Appendf(buf, "%d dari %d sudah ada", in, len(w.p.Ballots))
}
