package modemsim

import (
	"strconv"
	"strings"
	"time"
)

// identity are the commands that only answer, and those that clients send and
// nothing depends on.
func identity() map[string]handler {
	h := map[string]handler{
		"I":      says(func(o Options) string { return o.Manufacturer + " " + o.Model + " " + o.Revision }),
		"+CGMI":  says(func(o Options) string { return o.Manufacturer }),
		"+CGMM":  says(func(o Options) string { return o.Model }),
		"+CGMR":  says(func(o Options) string { return o.Revision }),
		"+CGSN":  says(func(o Options) string { return o.IMEI }),
		"+CCID":  (*Modem).iccid,
		"^ICCID": (*Modem).iccid,
		"+GCAP":  says(func(Options) string { return "+GCAP: +CGSM,+FCLASS,+DS" }),
		"+CSQ":   (*Modem).csq,
		"+CPAS":  says(func(Options) string { return "+CPAS: 0" }),
		"+CGATT": says(func(Options) string { return "+CGATT: 1" }),
		"+CBC":   says(func(Options) string { return "+CBC: 0,100" }),
		"+CNUM":  says(func(o Options) string { return `+CNUM: "","` + o.Number + `",145` }),
		"+CCLK":  says(func(o Options) string { return `+CCLK: "` + clock(time.Now().Add(o.ClockOffset)) + `"` }),
		"D":      func(*Modem, command) error { return rawResult("NO CARRIER") },
	}
	h["+GMI"], h["+GMM"], h["+GMR"], h["+GSN"] = h["+CGMI"], h["+CGMM"], h["+CGMR"], h["+CGSN"]
	for _, name := range strings.Fields("+CLIP +CLIR +CRC +CSSN +CSMP +CSDH +CSAS +CRES +CMMS +CGSMS +CSCB +IFC +IPR" +
		" +CVHU +CTZR +CTZU +CCWA +CGEREP +CMER ^CURC ^BOOT &C &D &K &S &W H L M S X") {
		h[name] = func(*Modem, command) error { return nil }
	}
	return h
}

// says answers execute and query with one line, and =? with OK.
func says(line func(Options) string) handler {
	return func(m *Modem, c command) error {
		switch c.op {
		case execute, query:
			m.reply("%s", line(m.opts))
		case assign:
			if c.name != "+CCLK" {
				return cme(3)
			}
		}
		return nil
	}
}

// clock renders a time as +CCLK and text mode do: the zone in quarters of an hour.
func clock(t time.Time) string {
	_, offset := t.Zone()
	quarters := offset / (15 * 60)
	sign := "+"
	if quarters < 0 {
		sign, quarters = "-", -quarters
	}
	return t.Format("06/01/02,15:04:05") + sign + twoDigits(quarters)
}

func twoDigits(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

// basic is ATE, ATV and ATQ.
func (m *Modem) basic(c command) error {
	if len(c.args) > 1 || c.args > "1" {
		return cme(50)
	}
	on := c.args == "1"
	switch c.name {
	case "E":
		m.set.echo = on
	case "V":
		m.set.verbose = on
	case "Q":
		m.set.quiet = on
	}
	return nil
}

// reset is ATZ and AT&F. The SIM stays unlocked and the radio as it was.
func (m *Modem) reset(command) error {
	radio := m.set.radio
	m.set = m.defaults()
	m.set.radio = radio
	return nil
}

func (m *Modem) cmee(c command) error {
	return m.number(c, &m.set.cmee, 2)
}

// number is a command with a single setting from 0 to limit.
func (m *Modem) number(c command, value *int, limit int) error {
	switch c.op {
	case test:
		m.reply("%s: (0-%d)", c.name, limit)
	case query:
		m.reply("%s: %d", c.name, *value)
	case assign:
		n, err := strconv.Atoi(strings.TrimSpace(c.args))
		if err != nil || n < 0 || n > limit {
			return cme(50)
		}
		*value = n
	}
	return nil
}

func (m *Modem) cscs(c command) error {
	switch c.op {
	case test:
		m.reply(`+CSCS: ("GSM","IRA","UCS2")`)
	case query:
		m.reply("+CSCS: %q", m.set.charset)
	case assign:
		name := strings.ToUpper(arguments(c.args)[0])
		if name != "GSM" && name != "IRA" && name != "UCS2" {
			return cme(50)
		}
		m.set.charset = name
	}
	return nil
}

// cpin unlocks the SIM; three wrong PINs ask for the PUK, which nobody knows.
func (m *Modem) cpin(c command) error {
	if m.card.absent {
		return cme(10)
	}
	state := "READY"
	switch {
	case m.unlocked:
	case m.card.tries == 0:
		state = "SIM PUK"
	default:
		state = "SIM PIN"
	}
	switch c.op {
	case query:
		m.reply("+CPIN: %s", state)
	case assign:
		switch {
		case state == "READY":
			return cme(3)
		case state == "SIM PUK":
			return cme(12)
		case arguments(c.args)[0] != m.card.PIN:
			m.card.tries--
			return cme(16)
		}
		m.unlocked, m.card.tries = true, pinTries
	}
	return nil
}

func (m *Modem) cimi(c command) error {
	switch {
	case m.card.absent:
		return cme(10)
	case !m.unlocked && m.card.tries == 0:
		return cme(12)
	case !m.unlocked:
		return cme(11)
	}
	if c.op != test {
		m.reply("%s", m.card.IMSI)
	}
	return nil
}

// iccid is +CCID and ^ICCID: the card's number, which a locked card tells too.
func (m *Modem) iccid(c command) error {
	if m.card.absent {
		return cme(10)
	}
	if c.op == execute || c.op == query {
		m.reply("%s: %s", c.name, m.card.ICCID)
	}
	return nil
}

// csq is the signal, which nobody knows without a network.
func (m *Modem) csq(c command) error {
	signal := m.opts.Signal
	if m.lost {
		signal = 99
	}
	if c.op == execute {
		m.reply("+CSQ: %d,99", signal)
	}
	return nil
}

// creg is +CREG, +CGREG and +CEREG.
func (m *Modem) creg(c command) error {
	value := m.set.registration[c.name]
	if c.op == query {
		state := "0"
		if m.lost {
			state = "2"
		}
		if m.registered() {
			state = "1"
			if value == 2 {
				state = `1,"1A2B","00C3D4E5"`
			}
		}
		m.reply("%s: %d,%s", c.name, value, state)
		return nil
	}
	err := m.number(c, &value, 2)
	m.set.registration[c.name] = value
	return err
}

func (m *Modem) cops(c command) error {
	names := map[int]string{0: m.opts.Operator, 1: m.opts.Operator, 2: m.opts.IMSI[:5]}
	switch c.op {
	case test:
		m.reply(`+COPS: (2,"%s","%s","%s"),,(0-4),(0-2)`, names[0], names[1], names[2])
	case query:
		if !m.registered() {
			m.reply("+COPS: 0")
			return nil
		}
		m.reply(`+COPS: 0,%d,"%s"`, m.set.operatorFormat, names[m.set.operatorFormat])
	case assign:
		args := arguments(c.args)
		if args[0] == "3" && len(args) > 1 {
			n, err := strconv.Atoi(args[1])
			if err != nil || names[n] == "" {
				return cme(50)
			}
			m.set.operatorFormat = n
		}
	}
	return nil
}

// cfun turns the radio off and on; the second argument restarts the modem.
func (m *Modem) cfun(c command) error {
	args := arguments(c.args)
	if c.op != assign || len(args) < 2 || args[1] != "1" {
		return m.number(c, &m.set.radio, 4)
	}
	m.finish(c.name, nil) // OK comes before the restart, with the old settings
	m.powerOn()
	m.held = true
	return nil
}

// cusd answers every code with the balance, after OK as networks do.
func (m *Modem) cusd(c command) error {
	switch c.op {
	case test:
		m.reply("+CUSD: (0-2)")
	case query:
		m.reply("+CUSD: 1")
	case assign:
		if args := arguments(c.args); len(args) > 1 && args[1] != "" {
			m.notices = append(m.notices, `+CUSD: 0,"`+m.opts.Balance+`",15`)
		}
	}
	return nil
}
