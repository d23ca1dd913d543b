package modemsim

import (
	"strings"
	"testing"
)

// step is a line and the reply to it.
type step struct{ line, want string }

// dialogue is a conversation with a modem of its own.
type dialogue struct {
	name  string
	o     Options
	steps []step
}

func talk(t *testing.T, tests []dialogue) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, c := plug(t, tt.o)
			c.expect("ATE0", "OK")
			for _, s := range tt.steps {
				c.expect(s.line, s.want)
			}
		})
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	talk(t, []dialogue{
		{"identity", Options{IMSI: "510010000000001", IMEI: "860000000000001", ICCID: "8962000000000000001"}, []step{
			{"AT", "OK"},
			{"AT+CGMI", "Tali|OK"}, {"AT+GMI", "Tali|OK"},
			{"AT+CGMM", "Virtual Modem|OK"}, {"AT+GMM", "Virtual Modem|OK"},
			{"AT+CGMR", "1.0|OK"}, {"AT+GMR", "1.0|OK"},
			{"AT+CGSN", "860000000000001|OK"}, {"AT+GSN", "860000000000001|OK"},
			{"AT+CIMI", "510010000000001|OK"}, {"AT+CIMI=?", "OK"},
			{"AT+CCID", "+CCID: 8962000000000000001|OK"}, {"AT^ICCID?", "^ICCID: 8962000000000000001|OK"},
			{"ATI", "Tali Virtual Modem 1.0|OK"},
			{"AT+GCAP", "+GCAP: +CGSM,+FCLASS,+DS|OK"},
			{"AT+CNUM", `+CNUM: "","+62899100001",145|OK`},
		}},
		{"network", Options{Signal: 7, Operator: "TSEL", IMSI: "510100000000001"}, []step{
			{"AT+CSQ", "+CSQ: 7,99|OK"},
			{"AT+CREG?", "+CREG: 0,1|OK"},
			{"AT+CREG=2", "OK"}, {"AT+CREG?", `+CREG: 2,1,"1A2B","00C3D4E5"|OK`},
			{"AT+CREG=3", "ERROR"}, {"AT+CREG=?", "+CREG: (0-2)|OK"},
			{"AT+CGREG?", "+CGREG: 0,1|OK"},
			{"AT+COPS?", `+COPS: 0,0,"TSEL"|OK`},
			{"AT+COPS=3,2", "OK"}, {"AT+COPS?", `+COPS: 0,2,"51010"|OK`},
			{"AT+COPS=3,7", "ERROR"},
			{"AT+COPS=?", `+COPS: (2,"TSEL","TSEL","51010"),,(0-4),(0-2)|OK`},
			{"AT+CFUN=4", "OK"}, {"AT+CREG?", "+CREG: 2,0|OK"}, {"AT+COPS?", "+COPS: 0|OK"},
			{"AT+CFUN=1", "OK"}, {"AT+CGREG?", "+CGREG: 0,1|OK"},
		}},
	})
}

func TestCommandLines(t *testing.T) {
	t.Parallel()
	talk(t, []dialogue{
		{"errors", Options{}, []step{
			{"AT+NOPE", "ERROR"}, {"AT+CMGR=1", "ERROR"},
			{"AT+CMEE=1", "OK"}, {"AT+NOPE", "+CME ERROR: 100"}, {"AT+CMGR=1", "+CMS ERROR: 321"},
			{"AT+CMEE=2", "OK"}, {"AT+NOPE", "+CME ERROR: unknown"}, {"AT+CMGR=1", "+CMS ERROR: invalid memory index"},
			{"AT+CMEE?", "+CMEE: 2|OK"}, {"AT+CMEE=3", "+CME ERROR: incorrect parameters"}, {"AT+CMEE=?", "+CMEE: (0-2)|OK"},
			{"AT=", "+CME ERROR: unknown"}, {"AT+CMGF=x", "+CME ERROR: incorrect parameters"},
			{"ATD112;", "NO CARRIER"},
		}},
		{"lines", Options{}, []step{
			{"at+csq;+creg?", "+CSQ: 20,99|+CREG: 0,1|OK"},
			{"AT+CSQ;+NOPE;+CREG?", "+CSQ: 20,99|ERROR"},
			{"ATE0V1Q0+CMEE=1;+CMEE?", "+CMEE: 1|OK"},
			{"\x00junkAT+CMEE?", "+CMEE: 1|OK"},
			{"AT+CMXX\b\bEE?", "+CMEE: 1|OK"},
			{"nothing\x1bAT", "OK"},
			{"AT+CLIP=1;+CRC=1;&D2;S0=0", "OK"},
		}},
		{"reset", Options{}, []step{
			{"ATE0", "OK"}, {"AT+CMEE=2;+CMGF=1;+CNMI=2,1", "OK"},
			{"ATZ", "OK"}, {"ATE0", "OK"},
			{"AT+CMGF?", "+CMGF: 0|OK"}, {"AT+CMEE?", "+CMEE: 0|OK"}, {"AT+CNMI?", "+CNMI: 0,0,0,0,0|OK"},
			{"AT+CNMI=2,1", "OK"}, {"AT+CFUN=1,1", "OK"}, {"AT+CNMI?", "+CNMI: 0,0,0,0,0|OK"},
		}},
	})
}

func TestMessageSettings(t *testing.T) {
	t.Parallel()
	talk(t, []dialogue{
		{"memories", Options{Slots: 5, MESlots: 7}, []step{
			{"AT+CPMS=?", `+CPMS: ("SM","ME","MT"),("SM","ME","MT"),("SM","ME","MT")|OK`},
			{"AT+CPMS?", `+CPMS: "SM",0,5,"SM",0,5,"SM",0,5|OK`},
			{`AT+CPMS="ME","SM","MT"`, "+CPMS: 0,7,0,5,0,12|OK"},
			{`AT+CPMS="XX"`, "ERROR"},
			{"AT+CPMS?", `+CPMS: "ME",0,7,"SM",0,5,"MT",0,12|OK`},
		}},
		{"service", Options{}, []step{
			{"AT+CSMS=?", "+CSMS: (0,1)|OK"}, {"AT+CSMS=1", "+CSMS: 1,1,1|OK"}, {"AT+CSMS?", "+CSMS: 1,1,1,1|OK"},
			{"AT+CSCA?", `+CSCA: "+62899000000",145|OK`}, {`AT+CSCA="+6281",145`, "OK"}, {"AT+CSCA?", `+CSCA: "+6281",145|OK`},
			{"AT+CNMI=?", "+CNMI: (0-3),(0-3),(0-3),(0-2),(0,1)|OK"},
			{"AT+CNMI=2,1,,2", "OK"}, {"AT+CNMI?", "+CNMI: 2,1,0,2,0|OK"}, {"AT+CNMI=2,9", "ERROR"},
			{`AT+CSCS="UCS2"`, "OK"}, {"AT+CSCS?", `+CSCS: "UCS2"|OK`}, {`AT+CSCS="X"`, "ERROR"},
			{"AT+CNMA", "ERROR"}, {"AT+CMGD=?", "+CMGD: (),(0-4)|OK"}, {"AT+CMGD=99", "ERROR"}, {"AT+CMGD=1", "OK"},
		}},
	})
}

func TestPIN(t *testing.T) {
	t.Parallel()
	talk(t, []dialogue{
		{"PIN", Options{PIN: "1234"}, []step{
			{"AT+CMEE=1", "OK"},
			{"AT+CPIN?", "+CPIN: SIM PIN|OK"}, {"AT+CREG?", "+CREG: 0,0|OK"},
			{"AT+CIMI", "+CME ERROR: 11"}, {"AT+CMGL=4", "+CMS ERROR: 311"}, {"AT+CPMS?", "+CMS ERROR: 311"},
			{"AT+CPIN=0000", "+CME ERROR: 16"},
			{`AT+CPIN="1234"`, "OK"}, {"AT+CPIN?", "+CPIN: READY|OK"}, {"AT+CREG?", "+CREG: 0,1|OK"},
			{"AT+CPIN=1234", "+CME ERROR: 3"},
		}},
		{"PUK", Options{PIN: "1234"}, []step{
			{"AT+CMEE=1", "OK"},
			{"AT+CPIN=1", "+CME ERROR: 16"}, {"AT+CPIN=2", "+CME ERROR: 16"}, {"AT+CPIN=3", "+CME ERROR: 16"},
			{"AT+CPIN=1234", "+CME ERROR: 12"}, {"AT+CPIN?", "+CPIN: SIM PUK|OK"},
		}},
	})
}

func TestEcho(t *testing.T) {
	t.Parallel()
	_, _, c := plug(t, Options{})
	c.write("AT+CSQ\r\n")
	if got, want := c.until(final), "AT+CSQ\r\r\n+CSQ: 20,99\r\n\r\nOK\r\n"; got != want {
		t.Errorf("AT+CSQ with echo = %q, want %q", got, want)
	}
	c.expect("ATE0", "OK")
	c.write("AT\r")
	if got, want := c.until(final), "\r\nOK\r\n"; got != want {
		t.Errorf("AT without echo = %q, want %q", got, want)
	}
}

func TestResultForms(t *testing.T) {
	t.Parallel()
	_, _, c := plug(t, Options{})
	c.expect("ATE0", "OK")
	c.write("ATV0\r")
	c.until(`^0\r$`)
	c.write("AT+NOPE\r")
	c.until(`^4\r$`)
	c.write("ATV1\r")
	c.until(final)
	c.write("ATQ1\r")
	c.silent()
	c.expect("ATQ0", "OK")
	c.write("no command\r")
	c.silent()
}

func TestUSSD(t *testing.T) {
	t.Parallel()
	_, _, c := plug(t, Options{Balance: "Pulsa Rp1"})
	c.expect("ATE0", "OK")
	c.expect(`AT+CUSD=1,"*888#",15`, "OK")
	c.until(`^\r\n\+CUSD: 0,"Pulsa Rp1",15\r\n$`)
}

func TestPacedLine(t *testing.T) {
	t.Parallel()
	_, _, c := plug(t, Options{Baud: 9600})
	c.expect("ATE0", "OK")
	n, start := len(c.ask("AT+CGSN")), nowMillis()
	// 8 bytes there and at least n+4 bytes back, about 1.04 ms each
	c.ask("AT+CGSN")
	if took, least := nowMillis()-start, int64(8+n+4); took < least {
		t.Errorf("AT+CGSN took %d ms at 9600 baud, want at least %d", took, least)
	}
}

func TestTrace(t *testing.T) {
	t.Parallel()
	lines := make(chan string, 100)
	_, _, c := plug(t, Options{Log: func(l Trace) {
		if l.Input {
			lines <- l.Bytes
		}
	}})
	c.ask("AT+CSQ")
	if got := <-lines; !strings.HasPrefix("AT+CSQ\r", got) {
		t.Errorf("trace has %q, want AT+CSQ", got)
	}
}
