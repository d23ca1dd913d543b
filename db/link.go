package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"maps"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lib/pq"
)

// connector opens connections whose line can be cut from outside (a commit that
// waits for a standby holds the driver's lock) and whose notices are heard: the
// server's word that it no longer waits for the standby is nothing but one.
type connector struct {
	cfg  pq.Config
	open sync.Map // driver.Conn -> *link
}

// newConnector adds run-time settings of the server to those of dsn.
func newConnector(dsn string, settings map[string]string) (*connector, error) {
	cfg, err := pq.NewConfig(dsn)
	if err != nil {
		return nil, err
	}
	if cfg.Runtime == nil {
		cfg.Runtime = make(map[string]string, len(settings))
	}
	maps.Copy(cfg.Runtime, settings)
	return &connector{cfg: cfg}, nil
}

func openPool(c *connector) *sql.DB { return sql.OpenDB(c) }

// Connect is driver.Connector's.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	base, err := pq.NewConnectorConfig(c.cfg.Clone())
	if err != nil {
		return nil, err
	}
	l := &link{}
	base.Dialer(l)
	conn, err := pq.ConnectorWithNoticeHandler(base, l.notice).Connect(ctx)
	if err != nil {
		return nil, err
	}
	l.connected.Store(true)
	l.forget = func() { c.open.Delete(conn) }
	c.open.Store(conn, l)
	return conn, nil
}

// Driver is driver.Connector's.
func (c *connector) Driver() driver.Driver { return pq.Driver{} }

// of finds the link of a pooled connection.
func (c *connector) of(conn *sql.Conn) (*link, error) {
	var l *link
	err := conn.Raw(func(raw any) error {
		if found, ok := c.open.Load(raw); ok {
			l = found.(*link)
			return nil
		}
		return driver.ErrBadConn
	})
	return l, err
}

// link is the line under one connection.
type link struct {
	connected atomic.Bool // later dials are requests to cancel, on lines of their own
	unsynced  atomic.Bool // a commit was not confirmed by the standby
	mu        sync.Mutex
	line      net.Conn
	forget    func()
}

// syncNotice is the beginning of the server's warning (syncrep.c) that a commit
// returns although the standby has not confirmed it.
const (
	syncNotice    = "canceling wait for synchronous replication"
	syncNoticeEnd = "canceling the wait for synchronous replication"
)

func (l *link) notice(n *pq.Error) {
	if strings.HasPrefix(n.Message, syncNotice) || strings.HasPrefix(n.Message, syncNoticeEnd) {
		l.unsynced.Store(true)
	}
}

// cut closes the line under whatever the driver is doing.
func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.line != nil {
		_ = l.line.Close() // the outcome is unknown either way
	}
}

// Dial is pq.Dialer's.
func (l *link) Dial(network, address string) (net.Conn, error) {
	return l.DialContext(context.Background(), network, address)
}

// DialTimeout is pq.Dialer's.
func (l *link) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return l.DialContext(ctx, network, address)
}

// DialContext is pq.DialerContext's.
func (l *link) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	line, err := d.DialContext(ctx, network, address)
	if err != nil || l.connected.Load() {
		return line, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line = line
	return &heldLine{Conn: line, link: l}, nil
}

// heldLine forgets its link once the driver closes it.
type heldLine struct {
	net.Conn
	link *link
}

func (h *heldLine) Close() error {
	if h.link.forget != nil {
		h.link.forget()
	}
	return h.Conn.Close()
}
