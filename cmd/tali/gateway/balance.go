package gateway

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// BalanceQuery is how a SIM's operator is asked for its credit.
type BalanceQuery struct {
	Code    string         // USSD; empty: never asked
	Pattern *regexp.Regexp // groups amount and, where the operator tells it, expiry; nil: CommonBalance
}

// Balance is what an operator has answered last.
type Balance struct {
	Modem   string
	Known   bool
	Rupiah  int
	Expires time.Time // zero: not told
	At      time.Time
	Text    string // as answered
}

// told is when the operator answered with an amount; zero when it never did.
func (b Balance) told() time.Time {
	if !b.Known {
		return time.Time{}
	}
	return b.At
}

// CommonBalance reads what Indonesian operators answer in most of their words:
// "Sisa pulsa Rp50.000 s.d. 31/12/2027", "Pulsa Rp 12500, aktif sd 2027-01-05".
func CommonBalance() *regexp.Regexp {
	return regexp.MustCompile(`(?is)rp\.?\s*(?P<amount>[0-9][0-9.,]*)` +
		`(?:.*?(?:s\.?/?d\.?|sampai|hingga|aktif|exp\w*|until)\D{0,12}(?P<expiry>\d{1,4}[-/. ]\d{1,2}[-/. ]\d{2,4}))?`)
}

const (
	balanceEvery = time.Hour
	balanceRetry = 5 * time.Minute
	ussdTimeout  = 90 * time.Second
)

// balances remembers what operators have answered.
type balances struct {
	mu    sync.Mutex
	known map[string]Balance
}

func (b *balances) set(v Balance) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.known[v.Modem] = v
}

func (b *balances) of(modem string) Balance {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known[modem]
}

// askBalance asks one SIM's operator for its credit, every hour.
func (g *Gateway) askBalance(ctx context.Context, m line) error {
	q := g.Balances[m.name]
	if q.Code == "" {
		<-ctx.Done()
		return ctx.Err()
	}
	for {
		wait := balanceRetry
		switch ok, err := g.askOnce(ctx, m, q); {
		case err != nil && ctx.Err() == nil:
			g.Log.Warn("balance is not known", "modem", m.name, "err", err)
		case ok:
			wait = balanceEvery
		default:
			wait = idleRecheck // until the modem is there
		}
		if !pause(ctx, nil, wait) {
			return ctx.Err()
		}
	}
}

func (g *Gateway) askOnce(ctx context.Context, m line, q BalanceQuery) (bool, error) {
	if !m.Ready() {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, ussdTimeout)
	defer cancel()
	text, err := m.USSD(ctx, q.Code)
	if err != nil {
		return false, err
	}
	pattern := q.Pattern
	if pattern == nil {
		pattern = CommonBalance()
	}
	g.Log.Debug("balance", "modem", m.name, "answer", text)
	b, err := ReadBalance(pattern, text)
	b.Modem, b.At, b.Text = m.name, time.Now(), text
	g.balances.set(b)
	return err == nil, err
}

// ReadBalance takes amount and expiry out of an operator's answer. Its error does
// not hold the answer, in which operators name the SIM's own number.
func ReadBalance(pattern *regexp.Regexp, text string) (Balance, error) {
	found := pattern.FindStringSubmatch(text)
	if found == nil {
		return Balance{}, fmt.Errorf("the answer of %d characters does not fit the pattern %s: set balance_pattern of this modem"+
			" (tali modem ussd shows the answer, and so does log.level debug)", utf8.RuneCountInString(text), pattern)
	}
	var b Balance
	for i, name := range pattern.SubexpNames() {
		switch name {
		case "amount":
			n, err := rupiah(found[i])
			if err != nil {
				return Balance{}, fmt.Errorf("the amount in the answer has %d characters and is no number of rupiah", len(found[i]))
			}
			b.Rupiah, b.Known = n, true
		case "expiry":
			b.Expires = day(found[i])
		}
	}
	return b, nil
}

// rupiah reads 50.000, 50,000, 50000 and 50.000,00: what stands behind the last
// separator are cents only where it has two digits.
func rupiah(s string) (int, error) {
	s = strings.TrimRight(s, ".,")
	if i := strings.LastIndexAny(s, ".,"); i >= 0 && len(s)-i-1 == 2 {
		s = s[:i]
	}
	return strconv.Atoi(strings.NewReplacer(".", "", ",", "").Replace(s))
}

// day reads a date, day first as in Indonesia, or year first; zero when it is
// none.
func day(s string) time.Time {
	s = strings.NewReplacer("/", "-", ".", "-", " ", "-").Replace(s)
	for _, layout := range []string{"2-1-2006", "2006-1-2", "2-1-06"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.AddDate(0, 0, 1) // valid until the end of that day
		}
	}
	return time.Time{}
}
