package gsm

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// pduMode switches text mode off: in it, an SMS that says OK would end a listing.
func (l *link) pduMode() error {
	if _, err := l.cmd(l.limits.short, "+CMGF=0"); err != nil {
		return err
	}
	mode, err := l.ask("+CMGF?", "+CMGF")
	if err != nil {
		return err
	}
	if mode != "0" {
		return fmt.Errorf("modem stays in SMS mode %s, want 0 (PDU)", mode)
	}
	return nil
}

// chooseStores selects where messages are kept and which stores are swept.
func (m *Modem) chooseStores(l *link) error {
	offered, err := l.query(m.limits.short, "+CPMS=?", "+CPMS")
	var refused *SendError
	if err != nil && !errors.As(err, &refused) {
		return err
	}
	var first []string
	if len(offered) > 0 {
		first = storeNames(offered[0])
	}
	main := cmp.Or(m.set.Store, "SM")
	if len(first) > 0 && !slices.Contains(first, main) {
		if m.set.Store != "" {
			m.log.Warn("modem does not have the configured store", "want", main, "got", first[0])
		}
		main = first[0]
	}
	m.stores = []string{main}
	for _, s := range []string{"SM", "ME"} {
		// MT is both of them together.
		if s != main && main != "MT" && slices.Contains(first, s) {
			m.stores = append(m.stores, s)
		}
	}
	return m.useStores(l)
}

// storeNames reads the first group of a +CPMS=? answer: the stores that can be read and deleted from.
func storeNames(answer string) []string {
	group, _, _ := strings.Cut(answer, ")")
	var names []string
	for i, s := range strings.Split(group, `"`) {
		if i%2 == 1 {
			names = append(names, s)
		}
	}
	return names
}

// useStores selects the main store for all three purposes, or for as many as the modem lets us.
func (m *Modem) useStores(l *link) error {
	main := strconv.Quote(m.stores[0])
	var err error
	for n := 3; n > 0; n-- {
		var refused *SendError
		_, err = l.cmd(m.limits.set, "+CPMS="+strings.Join(slices.Repeat([]string{main}, n), ","))
		if err == nil {
			break
		}
		if !errors.As(err, &refused) {
			return err
		}
	}
	if err != nil {
		return err
	}
	m.opened = m.stores[0]
	used, err := m.readStores(l)
	m.filled(m.opened, used)
	return err
}

// readStores reads back which store is open and how full it is.
func (m *Modem) readStores(l *link) (used int, err error) {
	own, err := l.ask("+CPMS?", "+CPMS")
	if err != nil {
		return 0, err
	}
	f := strings.Split(own, ",")
	if len(f) < 3 {
		return 0, fmt.Errorf("AT+CPMS?: cannot read %q", own)
	}
	if name := strings.Trim(strings.TrimSpace(f[0]), `"`); name != m.opened {
		return 0, fmt.Errorf("modem reads store %q, want %q", name, m.opened)
	}
	used, err1 := strconv.Atoi(strings.TrimSpace(f[1]))
	total, err2 := strconv.Atoi(strings.TrimSpace(f[2]))
	if err := errors.Join(err1, err2); err != nil {
		return 0, fmt.Errorf("AT+CPMS?: %w", err)
	}
	m.totals[m.opened] = total
	return used, nil
}

// chooseIndications asks for +CMTI (mt=1) in the best way that the modem offers. A modem that has none is
// served by the timer alone.
func (m *Modem) chooseIndications(l *link) error {
	offered, err := l.query(m.limits.short, "+CNMI=?", "+CNMI")
	var refused *SendError
	if err != nil && !errors.As(err, &refused) {
		return err
	}
	answer := ""
	if len(offered) > 0 {
		answer = offered[0]
	}
	ds := []int{0}
	if m.set.Reports {
		ds = []int{2, 1, 0} // stored ones survive us
	}
	want := indications(answer, ds)
	if _, err := l.cmd(m.limits.short, "+CNMI="+want); err != nil && !errors.As(err, &refused) {
		return err
	}
	got, err := l.ask("+CNMI?", "+CNMI")
	if err != nil {
		return err
	}
	got = strings.ReplaceAll(got, " ", "")
	if got != want {
		m.log.Warn("modem keeps other indications; the timer covers what they miss", "want", want, "got", got)
	}
	m.cnmi = got
	return nil
}

// indications chooses the five values of +CNMI (3GPP TS 27.005 §3.4.1) from what =? offers, the first that is
// offered in the order of our wishes. mt=2 is never among them: a message routed here is stored nowhere.
func indications(offered string, reports []int) string {
	wishes := [5][]int{{2, 1, 3, 0}, {1, 0}, {0}, reports, {0, 1}}
	groups := strings.SplitAfter(offered, ")")
	var chosen []string
	for i, wish := range wishes {
		value := wish[0]
		if i < len(groups) {
			if values := numbers(groups[i]); len(values) > 0 {
				value = firstOf(wish, values)
			}
		}
		chosen = append(chosen, strconv.Itoa(value))
	}
	return strings.Join(chosen, ",")
}

// firstOf returns the first wish that is offered, or what is offered first.
func firstOf(wishes, offered []int) int {
	for _, w := range wishes {
		if slices.Contains(offered, w) {
			return w
		}
	}
	return offered[0]
}

// numbers reads a group such as "(0-2)", ",(0,2,3)".
func numbers(group string) []int {
	var out []int
	group = strings.Trim(strings.TrimSpace(group), ",() ")
	for _, item := range strings.Split(group, ",") {
		low, high, isRange := strings.Cut(strings.TrimSpace(item), "-")
		from, err := strconv.Atoi(strings.TrimSpace(low))
		if err != nil {
			continue
		}
		to := from
		if isRange {
			if to, err = strconv.Atoi(strings.TrimSpace(high)); err != nil || to > 99 {
				continue
			}
		}
		for n := from; n <= to; n++ {
			out = append(out, n)
		}
	}
	return out
}
