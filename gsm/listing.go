package gsm

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// entry is one slot as a listing shows it.
type entry struct {
	slot   int
	status int // 0 and 1 are received messages, 2 and 3 drafts and sent ones (3GPP TS 27.005 §3.1, <stat>)
	length int // octets of the TPDU that the header announces
	pdu    string
	whole  bool      // pdu has the announced length
	doubt  bool      // something stood where it should not: read the slot again before deleting it
	readAt time.Time // when it was asked for: a long listing takes many seconds to arrive
}

// received reports a message that came from the network and not from the SIM's owner.
func (e entry) received() bool { return e.status == 0 || e.status == 1 }

// parseListing pairs the headers of AT+CMGL or AT+CMGR with the hex that follows each. The library puts unsolicited
// lines into the same answer: other lines are skipped, and a pair they came between is doubted; when one of them
// brings a PDU of its own, the pair is given up, for its hex cannot be told from the other. What comes out without
// whole is never deleted on this evidence.
func parseListing(lines []string, prefix string, asked time.Time) []entry {
	var es []entry
	waiting, alien := false, false
	for _, line := range lines {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, prefix+":"):
			e, ok := parseHeader(line[len(prefix)+1:], prefix == "+CMGL")
			if waiting = ok; ok {
				es = append(es, e)
			}
		case strings.HasPrefix(line, "+CMT:"), strings.HasPrefix(line, "+CDS:"), strings.HasPrefix(line, "+CBM:"):
			alien, waiting = true, false
		case !isHex(line):
			if waiting {
				es[len(es)-1].doubt = true
			}
		case alien:
			alien = false
		case waiting:
			e := &es[len(es)-1]
			e.pdu = strings.ToUpper(line)
			e.whole = octets(line) == e.length
			waiting = false
		case len(es) > 0:
			// Hex that nobody announced: the pair before it may be wrong, and two reads that agree prove nothing.
			es[len(es)-1].whole, es[len(es)-1].doubt = false, true
		}
	}
	for i := range es {
		es[i].readAt = asked
	}
	return es
}

// parseHeader reads "<index>,<stat>,[<alpha>],<length>", the index only where there is one. The name in the middle
// may itself hold commas.
func parseHeader(fields string, indexed bool) (entry, bool) {
	f := strings.Split(fields, ",")
	var e entry
	if indexed {
		n, err := strconv.Atoi(strings.TrimSpace(f[0]))
		if err != nil || n < 0 {
			return e, false
		}
		e.slot, f = n, f[1:]
	}
	if len(f) < 2 {
		return e, false
	}
	var err1, err2 error
	e.status, err1 = strconv.Atoi(strings.TrimSpace(f[0]))
	e.length, err2 = strconv.Atoi(strings.TrimSpace(f[len(f)-1]))
	return e, err1 == nil && err2 == nil
}

func isHex(line string) bool {
	return len(line) > 1 && strings.Trim(line, "0123456789ABCDEFabcdef") == ""
}

// readSlot reads one slot; false means that it is empty.
func (l *link) readSlot(slot int) (entry, bool, error) {
	asked := time.Now()
	lines, err := l.cmd(l.limits.del, fmt.Sprintf("+CMGR=%d", slot))
	var refused *SendError
	if errors.As(err, &refused) && refused.emptySlot() {
		return entry{}, false, nil
	}
	if err != nil {
		return entry{}, false, err
	}
	es := parseListing(lines, "+CMGR", asked)
	for _, line := range lines {
		// A header that is not understood is not an empty slot.
		if len(es) == 0 && strings.HasPrefix(line, "+CMGR:") {
			return entry{slot: slot}, true, nil
		}
	}
	if len(es) == 0 || es[0].length == 0 && es[0].pdu == "" {
		return entry{}, false, nil
	}
	e := es[0]
	e.slot = slot
	if len(es) > 1 {
		e.whole = false // answers are out of step
	}
	return e, true, nil
}

// sameOddReads is how many reads of a slot have to agree on hex of the wrong length before it is believed. A line that
// loses digits now and then may lose the same ones twice, and what is believed is deleted.
const sameOddReads = 6

// recoverSlot reads a slot whose line in the listing was no use. Hex of the wrong length is believed in the end, when
// reads over several sweeps agree on every digit: then it is what the modem has, and a poison message must not hold
// a slot for ever.
func (m *Modem) recoverSlot(l *link, slot int) (entry, bool, error) {
	h := m.history(m.opened, slot)
	for range 2 {
		e, ok, err := l.readSlot(slot)
		if err != nil || !ok || e.whole {
			return e, e.whole, err
		}
		switch {
		case e.pdu == "" || e.doubt:
			h.oddReads = 0
		case e.pdu == h.odd:
			h.oddReads++
		default:
			h.odd, h.oddReads = e.pdu, 1
		}
		if e.whole = h.oddReads >= sameOddReads; e.whole {
			return e, true, nil
		}
	}
	return entry{slot: slot}, false, nil
}
