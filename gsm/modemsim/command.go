package modemsim

import (
	"fmt"
	"slices"
	"strconv"
)

// settings are what a power cycle, AT+CFUN=1,1 and ATZ take back.
type settings struct {
	echo, verbose, quiet bool
	cmee                 int
	pdu                  bool // AT+CMGF=0
	csms                 int
	memory               [3]string // AT+CPMS: read and delete, write and send, receive
	cnmi                 [5]int
	charset              string
	registration         map[string]int // +CREG, +CGREG, +CEREG
	operatorFormat       int
	smsc                 string
	radio                int // AT+CFUN
}

func defaults() settings {
	return settings{
		echo:         true,
		verbose:      true,
		pdu:          true,
		memory:       [3]string{"SM", "SM", "SM"},
		charset:      "GSM",
		registration: make(map[string]int),
		smsc:         SMSC,
		radio:        1,
	}
}

// defaults are those of this modem.
func (m *Modem) defaults() settings {
	s := defaults()
	s.memory = [3]string{m.opts.Stores[0], m.opts.Stores[0], m.opts.Stores[0]}
	if m.opts.OnlyCSMS1 {
		s.csms = 1
	}
	if m.opts.NoSMSC {
		s.smsc = ""
	}
	return s
}

// powerOn starts from nothing, the SIM locked.
func (m *Modem) powerOn() {
	m.set = m.defaults()
	m.in = reader{}
	m.prompt = nil
	m.notices = nil
	m.unlocked = !m.card.absent && m.card.PIN == "" && m.card.tries > 0
	m.mute, m.lost, m.wedged = false, false, false
}

// registered says whether the network reaches the modem.
func (m *Modem) registered() bool { return m.unlocked && m.set.radio == 1 && !m.lost && !m.mute }

// handler carries one command out. It adds information lines with reply.
type handler func(m *Modem, c command) error

// handlers are the commands that the modem knows.
func handlers() map[string]handler {
	h := map[string]handler{
		"+CMGF": (*Modem).cmgf, "+CSMS": (*Modem).csms, "+CPMS": (*Modem).cpms, "+CNMI": (*Modem).cnmi,
		"+CSCA": (*Modem).csca, "+CMGL": (*Modem).cmgl, "+CMGR": (*Modem).cmgr, "+CMGD": (*Modem).cmgd,
		"+CMGS": (*Modem).cmgs, "+CMGW": (*Modem).cmgw, "+CMSS": (*Modem).cmss, "+CNMA": (*Modem).cnma,
		"+CPIN": (*Modem).cpin, "+CMEE": (*Modem).cmee, "+CSCS": (*Modem).cscs, "+CFUN": (*Modem).cfun,
		"+CUSD": (*Modem).cusd, "+COPS": (*Modem).cops, "+CIMI": (*Modem).cimi,
		"+CREG": (*Modem).creg, "+CGREG": (*Modem).creg, "+CEREG": (*Modem).creg,
		"E": (*Modem).basic, "V": (*Modem).basic, "Q": (*Modem).basic,
		"Z": (*Modem).reset, "&F": (*Modem).reset,
	}
	for name, f := range identity() {
		h[name] = f
	}
	return h
}

// resultError is a final result other than OK.
type resultError struct {
	family string // CME or CMS
	code   int
	text   string // the verbose form
}

func (e resultError) Error() string { return fmt.Sprintf("+%s ERROR: %d", e.family, e.code) }

func cme(code int) error { return resultError{"CME", code, cmeText(code)} }
func cms(code int) error { return resultError{"CMS", code, cmsText(code)} }

// rawResult is a final result that no specification knows.
type rawResult string

func (r rawResult) Error() string { return string(r) }

// 3GPP TS 27.007 §9.2.
func cmeText(code int) string {
	return textOf(code, map[int]string{
		3: "operation not allowed", 4: "operation not supported", 10: "SIM not inserted", 11: "SIM PIN required",
		12: "SIM PUK required", 13: "SIM failure", 16: "incorrect password", 21: "invalid index",
		30: "no network service", 50: "incorrect parameters", 100: "unknown",
	})
}

// 3GPP TS 27.005 §3.2.5.
func cmsText(code int) string {
	return textOf(code, map[int]string{
		302: "operation not allowed", 303: "operation not supported", 304: "invalid PDU mode parameter",
		305: "invalid text mode parameter", 310: "SIM not inserted", 311: "SIM PIN required", 316: "SIM PUK required", 314: "SIM busy",
		320: "memory failure", 321: "invalid memory index", 322: "memory full", 331: "no network service",
		340: "no +CNMA acknowledgement expected", 500: "unknown error",
	})
}

func textOf(code int, texts map[int]string) string {
	if t, ok := texts[code]; ok {
		return t
	}
	return strconv.Itoa(code)
}

// commandLine carries a line out: its commands in order until one fails.
func (m *Modem) commandLine(line string) {
	cmds, ok, err := parseLine(line)
	if !ok || m.mute {
		return
	}
	name := ""
	for _, c := range cmds {
		name = c.name
		if e := m.carryOut(c); e != nil {
			m.finish(name, e)
			return
		}
		if m.prompt != nil {
			m.openPrompt(name)
			return
		}
	}
	if err != nil {
		err = cme(100)
	}
	m.finish(name, err)
}

func (m *Modem) carryOut(c command) error {
	m.misbehave(c.name)
	if m.mute {
		m.held = true
		return nil
	}
	if _, ok := m.fault(SoftReset, c.name); ok {
		unlocked, lost, wedged := m.unlocked, m.lost, m.wedged
		m.powerOn()
		m.unlocked, m.lost, m.wedged = unlocked, lost, wedged
	}
	if m.wedged && !slices.Contains([]string{"E", "V", "+CFUN"}, c.name) {
		return cme(100)
	}
	if c.name == "+CMGR" || c.name == "+CMGD" {
		m.reuseSlot(c)
	}
	if r, ok := m.fault(CommandError, c.name); ok {
		if r.Text != "" {
			return rawResult(r.Text)
		}
		return cms(r.Code)
	}
	h, ok := m.cmds[c.name]
	if !ok {
		return cme(100)
	}
	return h(m, c)
}

// reply adds an information line.
func (m *Modem) reply(format string, args ...any) {
	m.out = append(m.out, "\r\n"...)
	m.out = fmt.Appendf(m.out, format, args...)
	m.out = append(m.out, "\r\n"...)
}

// finish sends the information lines and the final result of a command line.
func (m *Modem) finish(name string, err error) {
	if !m.set.quiet {
		m.out = append(m.out, m.result(err)...)
	}
	if !m.held && len(m.out) > 0 && m.spoil(name) {
		m.drip(name)
	}
	m.out, m.held = m.out[:0], false
}

// result renders a final result as ATV and AT+CMEE want it.
func (m *Modem) result(err error) string {
	text := "OK"
	switch e := err.(type) {
	case nil:
	case rawResult:
		text = string(e)
	case resultError:
		switch m.set.cmee {
		case 0:
			text = "ERROR"
		case 1:
			text = e.Error()
		default:
			text = fmt.Sprintf("+%s ERROR: %s", e.family, e.text)
		}
	default:
		text = "ERROR"
	}
	if m.set.verbose {
		return "\r\n" + text + "\r\n"
	}
	switch text { // ITU-T V.250 §5.7.1
	case "OK":
		return "0\r"
	case "ERROR":
		return "4\r"
	}
	return text + "\r"
}
