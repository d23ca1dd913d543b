package modemsim

import (
	"time"
)

// holdPartial is how long a half-typed command line keeps unsolicited lines
// back; whoever typed it may have been killed.
const holdPartial = 2 * time.Second

// serve is the modem's goroutine, from start to Close.
func (m *Modem) serve() {
	defer close(m.done)
	for {
		l := m.awaitLink()
		if l == nil {
			return
		}
		m.cur = l
		m.powerOn()
		m.talk(l)
	}
}

// awaitLink waits until the modem is plugged in; nil when it is closed.
func (m *Modem) awaitLink() *link {
	for {
		m.mu.Lock()
		l, closed, plugAt := m.link, m.closed, m.plugAt
		m.mu.Unlock()
		switch {
		case closed:
			return nil
		case l != nil:
			return l
		case plugAt.IsZero():
			<-m.wakeup
			continue
		}
		t := time.NewTimer(time.Until(plugAt))
		select {
		case <-m.wakeup:
		case <-t.C:
			m.comeBack(plugAt)
		}
		t.Stop()
	}
}

// comeBack ends an outage that a fault began, unless something else did.
func (m *Modem) comeBack(plugAt time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.plugAt.Equal(plugAt) {
		return
	}
	if err := m.plug(); err != nil {
		m.plugAt = time.Now().Add(time.Second) // out of terminals: again later
	}
}

// talk serves one link until it hangs up.
func (m *Modem) talk(l *link) {
	buf := make([]byte, 4096)
	for {
		var until time.Time
		switch {
		case m.prompt != nil: // nothing may come between "> " and the result
		case m.in.partial() && time.Since(m.lineAt) < holdPartial:
			until = m.lineAt.Add(holdPartial)
		default:
			m.chores()
			m.deliver()
			until = sooner(m.nextDue(), m.spellEnd())
		}
		n, err := l.read(buf, until)
		if n > 0 {
			m.trace(true, buf[:n])
			m.input(buf[:n])
		}
		if err != nil {
			m.hangUp(l, time.Second) // a no-op where the link was unplugged
			return
		}
	}
}

// input takes what was read from the line apart, and acts on it.
func (m *Modem) input(p []byte) {
	if m.mute {
		return
	}
	for len(p) > 0 {
		if !m.in.partial() && m.prompt == nil {
			m.lineAt = m.cur.readAt
		}
		token, n := m.in.next(p)
		m.echo(p[:n])
		p = p[n:]
		switch token.kind {
		case tokenLine:
			m.commandLine(token.text)
		case tokenData:
			m.promptEnd(token.text)
		case tokenCancel:
			m.prompt = nil
			m.finish("", nil)
		}
	}
}

// echo repeats what the client typed, but for LF and the ends of a message.
func (m *Modem) echo(p []byte) {
	if !m.set.echo {
		return
	}
	out := make([]byte, 0, len(p))
	for _, c := range p {
		if c != lf && c != ctrlZ && c != esc && c != 0 {
			out = append(out, c)
		}
	}
	m.send(out)
}

// notify writes an unsolicited line. It is lost when nobody has the port open.
func (m *Modem) notify(line string) (time.Time, bool) {
	if m.mute || !m.cur.listened() {
		return time.Time{}, false
	}
	return m.send([]byte("\r\n" + line + "\r\n"))
}

// flushNotices writes what commands have left to be said after their reply.
func (m *Modem) flushNotices() {
	for _, line := range m.notices {
		m.notify(line)
	}
	m.notices = m.notices[:0]
}

// send writes to the line, and reports when its last bytes went out.
func (m *Modem) send(p []byte) (time.Time, bool) {
	if len(p) == 0 {
		return time.Time{}, false
	}
	m.trace(false, p)
	at, err := m.cur.write(p)
	return at, err == nil
}

// hangUp unplugs the modem if this is still its link, for a while.
func (m *Modem) hangUp(l *link, outage time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.link == l && !m.closed {
		m.unplug()
		m.plugAt = time.Now().Add(outage)
	}
}

func (m *Modem) trace(input bool, p []byte) {
	if m.opts.Log != nil {
		m.opts.Log(Trace{At: time.Now(), Input: input, Bytes: string(p)})
	}
}
