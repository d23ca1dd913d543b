package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"tali/gsm"
)

const (
	weakSignal = 8 // CSQ: -97 dBm, below which SMS begin to fail
	zoneStep   = 15 * time.Minute
)

// modems looks at every configured modem; ports of different modems at once.
func (s Site) modems(ctx context.Context) []Finding {
	if len(s.Modems) == 0 {
		return []Finding{warn("modems", "none is configured", "name them under gateway.modems; tali modem list shows what is plugged in")}
	}
	probes := make([]gsm.Probe, len(s.Modems))
	var all sync.WaitGroup
	for i, m := range s.Modems {
		m.SIMs = nil
		all.Go(func() { probes[i] = gsm.Look(ctx, m, s.Log) })
	}
	all.Wait()
	found := modemManager("/proc")
	simOf := map[string]string{}
	for i, p := range probes {
		found = append(found, s.modem(ctx, s.Modems[i], p)...)
		if s.Modems[i].Number == "" {
			found = append(found, numberless(p.Name))
		}
		if other := simOf[p.IMSI]; p.IMSI != "" && other != "" {
			found = append(found, fail("modem "+p.Name, "has the same SIM as modem "+other,
				"these are two ports of one modem, or one entry too many: keep one of them in gateway.modems"))
		}
		simOf[p.IMSI] = p.Name
	}
	return append(found, modemClocks(probes)...)
}

// numberless is a modem whose own number nobody has written down.
func numberless(name string) Finding {
	return warn("modem "+name, "its number is not configured: no heartbeat SMS prove that its SIM receives, and SMS between own modems are not known as such",
		"write number: \"+62...\" for this modem; the SIM's card or "+`"tali modem ussd" tells it`)
}

// modemManager is a warning before it takes a port: it probes every new one.
func modemManager(proc string) []Finding {
	names, _ := filepath.Glob(filepath.Join(proc, "[0-9]*", "comm")) // the pattern is right
	for _, name := range names {
		comm, err := os.ReadFile(name)
		if err == nil && strings.TrimSpace(string(comm)) == "ModemManager" {
			return []Finding{warn("modems", "ModemManager runs here and takes modems that are plugged in",
				"systemctl disable --now ModemManager, or a udev rule with ID_MM_DEVICE_IGNORE=1")}
		}
	}
	return nil
}

// modem judges one probe.
func (s Site) modem(ctx context.Context, m gsm.Settings, p gsm.Probe) []Finding {
	subject := "modem " + m.Name
	switch p.Trouble {
	case gsm.TroubleNone, gsm.TroubleNoNetwork, gsm.TroubleNoSMSC, gsm.TroubleStoreFull:
		return s.working(subject, m, p)
	case gsm.TroubleBusy:
		if strings.Contains(p.Why, "tali (process") {
			return []Finding{ok(subject, "in use by a running tali: "+p.Why)}
		}
	case gsm.TroublePIN:
		if m.PIN != "" {
			return []Finding{ok(subject, "its SIM asks for the PIN, which is configured and not given here: it is tried once, by serve")}
		}
	}
	return []Finding{fail(subject, p.Why, s.remedy(ctx, m, p))}
}

// working lists what a modem that answers still lacks.
func (s Site) working(subject string, m gsm.Settings, p gsm.Probe) []Finding {
	what := fmt.Sprintf("%s %s, IMEI %s, SIM %s, %s, %s", p.Maker, p.Model, p.IMEI, p.IMSI, signal(p.Health), operator(p.Health))
	found := []Finding{ok(subject, what)}
	if !p.Registered && p.Registration != gsm.RegistrationUnknown {
		found = append(found, fail(subject, "not in a network: "+string(p.Registration),
			"is the antenna on, is there coverage, is the SIM active and paid for (tali modem ussd)?"))
	}
	if p.CSQ < weakSignal {
		found = append(found, warn(subject, "weak signal: "+signal(p.Health), "move the antenna to a window or the roof"))
	}
	if p.SMSC == "" {
		found = append(found, fail(subject, "its SIM has no service centre (AT+CSCA): it receives, and cannot answer",
			"set the operator's number once with any terminal: AT+CSCA=\"+62...\",145"))
	}
	for _, f := range p.Stores {
		if f.Total > 0 && f.Used >= f.Total {
			found = append(found, warn(subject, fmt.Sprintf("store %s is full, %d of %d", f.Store, f.Used, f.Total),
				"serve empties it; what stays are drafts or sent messages: delete them in a phone"))
		}
	}
	if !p.Announces {
		found = append(found, warn(subject, "it does not announce SMS (AT+CNMI)", "it is read every gateway.sweep_interval: make that 10s"))
	}
	if m.Store != "" && len(p.Stores) > 0 && !slices.ContainsFunc(p.Stores, func(f gsm.Fill) bool { return f.Store == m.Store }) {
		found = append(found, ok(subject, "keeps SMS in "+p.Stores[len(p.Stores)-1].Store+" now; serve selects "+m.Store+" where it has it"))
	}
	return found
}

// modemClocks compares the clocks that the networks have set with ours. Where
// most modems are right with us, the fault of the others is not this machine's.
func modemClocks(probes []gsm.Probe) []Finding {
	var found []Finding
	right := 0
	for _, p := range probes {
		if !p.ClockKnown {
			continue
		}
		f := modemClock("modem "+p.Name, p.ClockOffset)
		if f.Level == OK {
			right++
		}
		found = append(found, f)
	}
	for i, f := range found {
		if f.Level != OK && 2*right > len(found)-1 && right > 0 {
			found[i] = warn(f.Subject, f.What, fmt.Sprintf("%d other modems agree with this machine: look at this modem's network, and leave the machine's clock", right))
		}
	}
	return found
}

// modemClock compares clocks; many modems keep local time and call it UTC, so
// whole quarters of an hour are their zone and no fault of anybody's.
func modemClock(subject string, offset time.Duration) Finding {
	rest := offset - offset.Round(zoneStep)
	return clock(subject, "modem", -rest, 2*time.Second)
}

func signal(h gsm.Health) string {
	if h.SignalDBm == 0 {
		return "signal unknown"
	}
	return fmt.Sprintf("signal %d dBm", h.SignalDBm)
}

func operator(h gsm.Health) string {
	if h.Operator == "" {
		return "no operator"
	}
	return h.Operator
}

// remedy is what to do about a trouble.
func (s Site) remedy(ctx context.Context, m gsm.Settings, p gsm.Probe) string {
	switch p.Trouble {
	case gsm.TroublePermission:
		return permission(m.Device)
	case gsm.TroubleBusy:
		return "stop that program; for ModemManager: systemctl stop ModemManager, or a udev rule with ID_MM_DEVICE_IGNORE=1"
	case gsm.TroubleSilent, gsm.TroubleNoModem, gsm.TroubleGarbled:
		if better := s.sibling(ctx, m); better != "" {
			return "wrong port of this modem: " + better + " answers, write that as its device"
		}
	}
	if text, ok := remedies()[p.Trouble]; ok {
		return text
	}
	return "unplug it, plug it in again, and look at it with any terminal program"
}

func remedies() map[gsm.Trouble]string {
	return map[gsm.Trouble]string{
		gsm.TroubleAbsent:     "plug it in; tali modem list shows the devices there are",
		gsm.TroubleNotSerial:  "write a serial device, from /dev/serial/by-id or /dev/serial/by-path",
		gsm.TroubleSilent:     "is it powered, is it the right port, is baud right? Unplug it and plug it in again",
		gsm.TroubleGarbled:    "wrong line speed: try baud 9600, 115200 or what its manual says",
		gsm.TroubleNoModem:    "this is another port of the modem (GPS, diagnosis) or another machine: tali modem list shows which port answers",
		gsm.TroubleNoSIM:      "put a SIM in, or clean the one that is in",
		gsm.TroublePIN:        "write pin: \"....\" for this modem, or switch the PIN off in a phone",
		gsm.TroublePINRefused: "write the right PIN in the configuration; the SIM has at most two tries left, so try it in a phone first",
		gsm.TroublePUK:        "put the SIM into a phone and unblock it with the PUK from its card; ten wrong PUKs destroy it",
		gsm.TroubleWrongModem: "another modem sits on this path: plug the right one in, or correct imei in the configuration",
		gsm.TroubleWrongSIM:   "another SIM is in this modem: change it, or correct imsi and iccid in the configuration",
		gsm.TroubleSameSIM:    "two entries reach one modem: keep one of them in gateway.modems",
	}
}

// permission names the group that may open a device.
func permission(device string) string {
	group := "dialout"
	if info, err := os.Stat(device); err == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			group = groupName(st.Gid)
		}
	}
	name := "tali"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return fmt.Sprintf("the device belongs to group %s: usermod -aG %s %s, then log in again (systemd: SupplementaryGroups=%s)", group, group, name, group)
}

func groupName(gid uint32) string {
	id := strconv.FormatUint(uint64(gid), 10)
	g, err := user.LookupGroupId(id)
	var unknown user.UnknownGroupIdError
	if errors.As(err, &unknown) || err != nil {
		return id
	}
	return g.Name
}

// sibling finds another port of the same USB device that answers AT: modems
// have several, and their order changes with the maker.
func (s Site) sibling(ctx context.Context, m gsm.Settings) string {
	others, err := filepath.Glob(interfaceOf(m.Device))
	if err != nil {
		return ""
	}
	for _, device := range others {
		if device == m.Device {
			continue
		}
		m.Device = device
		switch p := gsm.Look(ctx, m, s.Log); p.Trouble {
		case gsm.TroubleSilent, gsm.TroubleNoModem, gsm.TroubleGarbled, gsm.TroubleAbsent, gsm.TroubleBusy, gsm.TroubleNotSerial:
		default:
			return device
		}
	}
	return ""
}

// interfaceOf is the pattern of all ports of the device that a name of
// /dev/serial belongs to: by-id ends in -if00-port0, by-path in :1.0-port0.
func interfaceOf(device string) string {
	for _, mark := range []string{"-if", ":1."} {
		if at := strings.LastIndex(device, mark); at > 0 {
			return device[:at+len(mark)] + "*"
		}
	}
	return device
}
