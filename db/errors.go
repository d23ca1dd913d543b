package db

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/lib/pq"
)

// What callers branch on.
var (
	// ErrUnavailable: the centre cannot be reached or takes no writes. Nothing
	// was stored; keep spooling.
	ErrUnavailable = errors.New("the centre is not available")
	// ErrUnknownOutcome: the commit may or may not hold. Offer the same again:
	// keys make it one.
	ErrUnknownOutcome = errors.New("nobody knows whether the centre committed")
	// ErrProfileChanged: another profile is frozen for this election.
	ErrProfileChanged = errors.New("the profile was changed after its election began")
	// ErrNotOpened: no such election at the centre.
	ErrNotOpened = errors.New("the election is not opened at the centre")
	// ErrLeaseLost: the reply is no longer leased to whoever closes it.
	ErrLeaseLost = errors.New("the lease of the reply is over")
	// ErrForbidden: the role of this connection may not do that.
	ErrForbidden = errors.New("the database role may not do this")
	// ErrSchema: this program does not know the schema of the centre.
	ErrSchema = errors.New("the schema of the centre is not supported")
)

// PostgreSQL's codes that mean something here.
const (
	codeUniqueViolation = "23505"
	codeForbidden       = "42501"
	codeReadOnly        = "25006"
	codeReach           = "TL008" // ours: outside the area of the account
	codeQueryCanceled   = "57014"
	codeDeadlock        = "40P01"
	codeSerialization   = "40001"
)

// classify gives errors of the line and of rights their sentinel.
func classify(err error) error {
	switch {
	case err == nil || errors.Is(err, ErrUnavailable) || errors.Is(err, ErrUnknownOutcome):
		return err
	case distrusted(err):
		return fmt.Errorf("%w: the server's certificate is not one for the host in database.dsn, signed by its sslrootcert: %w", ErrUnavailable, err)
	case unreachable(err):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case code(err) == codeReach && !errors.Is(err, ErrReach):
		return fmt.Errorf("%w: %w", ErrReach, err)
	case code(err) == codeForbidden:
		return fmt.Errorf("%w: %w", ErrForbidden, err)
	}
	return err
}

// distrusted tells a server that is not the one that the DSN asks for.
func distrusted(err error) bool {
	var certificate *tls.CertificateVerificationError
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	return errors.As(err, &certificate) || errors.As(err, &host) || errors.As(err, &authority)
}

// unreachable tells a line or a server that is away from one that answers.
func unreachable(err error) bool {
	switch c := code(err); {
	case c == codeReadOnly || c == codeQueryCanceled:
		return true
	case c != "":
		// 08 connection, 53 resources, 57P the server shuts down or starts
		return strings.HasPrefix(c, "08") || strings.HasPrefix(c, "53") || strings.HasPrefix(c, "57P")
	}
	var line net.Error
	return errors.As(err, &line) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// code is PostgreSQL's five characters, empty when the error is not its own.
func code(err error) string {
	var e *pq.Error
	if errors.As(err, &e) {
		return string(e.Code)
	}
	return ""
}

// serverSaidNo reports whether a commit's error is the server's own refusal: it
// rolled back. A server that goes down may have committed before.
func serverSaidNo(err error) bool {
	c := code(err)
	return c != "" && !strings.HasPrefix(c, "57P") && !strings.HasPrefix(c, "08")
}

// again reports whether the same transaction may succeed when tried again: a
// lost race leaves nothing behind.
func again(err error) bool {
	switch code(err) {
	case codeDeadlock, codeSerialization, codeUniqueViolation:
		return true
	}
	return errors.Is(err, errStale)
}

// errStale: the facts that a batch was decided by are not those that it would
// be stored beside.
var errStale = errors.New("the facts changed under the batch")

// badData reports whether the server refuses a value: class 22 (it cannot be
// represented) or 23 (a constraint).
func badData(err error) bool {
	c := code(err)
	return strings.HasPrefix(c, "22") || strings.HasPrefix(c, "23")
}
