package gsm

import (
	"strings"
	"time"
)

// service reads what seldom changes: the SIM's service centre and the modem's clock.
func (m *Modem) service(l *link) error {
	smsc, err := l.query(l.limits.short, "+CSCA?", "+CSCA")
	if err := unlessRefused(err); err != nil {
		return err
	}
	asked := time.Now()
	cclk, err := l.query(l.limits.short, "+CCLK?", "+CCLK")
	if err := unlessRefused(err); err != nil {
		return err
	}
	m.status.update(func(s *Status) {
		s.SMSC, s.SMSCMissing = "", false
		if len(smsc) > 0 {
			s.SMSC = quoted(smsc[0])
			s.SMSCMissing = s.SMSC == ""
		}
		s.ClockKnown = false
		if len(cclk) > 0 {
			if t, ok := clockOf(quoted(cclk[0])); ok {
				s.ClockKnown, s.ClockOffset = true, t.Sub(asked).Round(time.Second)
			}
		}
	})
	return nil
}

// clockOf reads "yy/MM/dd,hh:mm:ss±zz" (3GPP TS 27.007 §8.15), the zone in quarters of an hour. A modem that no
// network has told the time counts from the last century, or from the year it was made; that is no time.
func clockOf(text string) (time.Time, bool) {
	at := strings.LastIndexAny(text, "+-")
	zone := time.UTC
	if at > 8 {
		quarters := lastNumber("," + text[at+1:])
		if text[at] == '-' {
			quarters = -quarters
		}
		zone = time.FixedZone("modem", quarters*15*60)
		text = text[:at]
	}
	t, err := time.ParseInLocation("06/01/02,15:04:05", text, zone)
	if err != nil || t.Year() < 2020 || t.Year() > 2068 {
		return time.Time{}, false
	}
	return t, true
}
