package verify

import "tali/parser"

// The service words.
const (
	wordHelp    = "BANTU"
	wordTest    = "UJI"
	wordStatus  = "STATUS"
	wordPresent = "HADIR"
)

// service is step 3. It changes no case; that a station is present is read off
// the verdict's reason and station.
func service(d *decision) (Verdict, bool) {
	if d.rep.Kind != parser.KindService {
		return Verdict{}, false
	}
	v := Verdict{Outcome: OutcomeService}
	if d.rep.Service == wordHelp {
		d.station = d.meant()
		v.Reason = KindHelp
		v.Reply = d.reply(KindHelp, words{})
		return v, true
	}
	if len(d.officer.Stations) == 0 {
		return Verdict{Outcome: OutcomeService, Reason: KindNoStation, Reply: d.reply(KindNoStation, words{})}, true
	}
	d.station = d.meant()
	switch {
	case d.station == nil && d.rep.TPS == "":
		v.Reason = KindWhichStation
		v.Reply = d.reply(KindWhichStation, words{found: d.rep.Service})
		return v, true
	case d.station == nil:
		v.Reason = KindWrongTPS
		v.Reply = d.reply(KindWrongTPS, words{typed: d.rep.TPS})
		return v, true
	}
	v.Reason = serviceKind(d.rep.Service)
	v.Reply = d.reply(v.Reason, words{at: d.m.ReceivedAt, cases: d.f.Cases, phone: d.phone})
	return v, true
}

// serviceKind names the text that answers a service word about one station.
func serviceKind(word string) string {
	switch word {
	case wordTest:
		return KindTest
	case wordPresent:
		return KindPresent
	case wordStatus:
		return KindStatus
	}
	return KindHelp
}

// bound is this phone's station with that code, nil when it has none.
func (d *decision) bound(code parser.TPSCode) *Station {
	for i := range d.officer.Stations {
		if s := &d.officer.Stations[i]; s.TPS == string(code) {
			return s
		}
	}
	return nil
}

// meant is the station that a message is about: the one whose code it has, or,
// without a code, the only one of this phone. It is nil where that is open.
func (d *decision) meant() *Station {
	if d.rep.TPS == "" && len(d.officer.Stations) == 1 {
		return &d.officer.Stations[0]
	}
	return d.bound(d.rep.TPS)
}
