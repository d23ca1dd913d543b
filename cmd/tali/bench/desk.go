package bench

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"tali/db"
	"tali/db/cluster"
	"tali/verify"
	"tali/web"
)

// What the desk has to keep, and by how many people it is used.
const (
	deskStaff   = 50
	deskPause   = 2 * time.Second // of each of them between two pages
	pageTarget  = 100 * time.Millisecond
	rowTarget   = 500 * time.Millisecond
	deskRows    = 60 // entries whose way to an open desk is timed
	deskSecret  = "empat lima enam tujuh"
	deskAllowed = 30 * time.Second // for one page, before it counts as lost
)

// Desk measures the pages of the staff on a centre with many entries: how long
// the server takes for each while all of them work, and how long a committed
// entry takes to stand on an open desk.
func Desk(ctx context.Context, s Settings) (rows []Row, err error) {
	c, err := newCentre(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	err = db.FillSample(ctx, c.server.DSN(cluster.Owner, cluster.Database), db.Sample{
		Entries: s.Entries, Profile: c.profile, Progress: func(done, total int) { s.progress("entries and messages", done, total) },
	})
	if err != nil {
		return nil, err
	}
	d, err := c.openDesk(ctx)
	if err != nil {
		return nil, err
	}
	defer d.close()
	pages, err := d.work(ctx, s)
	if err != nil {
		return nil, err
	}
	times, err := d.follow(ctx, s)
	if err != nil {
		return nil, err
	}
	rows = append(rows, Row{Name: "entries and messages", Value: fmt.Sprintf("%d and %d", s.Entries, 2*s.Entries)})
	for _, name := range deskPages() {
		p95 := quantile(pages[name], 0.95)
		rows = append(rows, Row{
			fmt.Sprintf("%s, %d pages, p50 and p95", name, len(pages[name])),
			fmt.Sprintf("%.1f and %.1f ms", milliseconds(quantile(pages[name], 0.5)), milliseconds(p95)),
			fmt.Sprintf("p95 <= %.0f ms", milliseconds(pageTarget)), p95 <= pageTarget && len(pages[name]) > 0,
		})
	}
	p99 := quantile(times, 0.99)
	return append(rows, Row{
		fmt.Sprintf("commit of an entry to its row on an open desk, %d entries, p50 and p99", len(times)),
		fmt.Sprintf("%.0f and %.0f ms", milliseconds(quantile(times, 0.5)), milliseconds(p99)),
		fmt.Sprintf("p99 <= %.0f ms", milliseconds(rowTarget)), p99 <= rowTarget && len(times) == deskRows,
	}), nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func quantile(times []time.Duration, q float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	sorted := slices.Clone(times)
	slices.Sort(sorted)
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// deskPages are the pages that are asked for, in turn by chance.
func deskPages() []string { return []string{"queue", "entry", "overview", "search"} }

// openedDesk is the desk as it is served, with its staff signed in.
type openedDesk struct {
	c       *centre
	url     string
	server  *http.Server
	stop    context.CancelFunc
	ended   sync.WaitGroup
	people  []*http.Client
	sockets []*http.Transport
}

func (c *centre) openDesk(ctx context.Context) (*openedDesk, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	pages := web.New(web.Parts{Centre: c.desk, Profile: c.profile, Log: slog.New(slog.DiscardHandler)})
	d := &openedDesk{c: c, url: "http://" + l.Addr().String(), stop: stop}
	d.server = &http.Server{Handler: pages, ReadHeaderTimeout: deskAllowed, BaseContext: func(net.Listener) context.Context { return ctx }}
	d.ended.Go(func() { _ = pages.Run(ctx) })
	d.ended.Go(func() { _ = d.server.Serve(l) })
	hash := web.HashPassword(deskSecret)
	for i := range deskStaff {
		if err := d.hire(ctx, i, hash); err != nil {
			d.close()
			return nil, err
		}
	}
	if err := d.awaitPicture(ctx); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// awaitPicture waits until the count was drawn for the first time: a desk that
// has just started on a large centre reads for some seconds.
func (d *openedDesk) awaitPicture(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*deskAllowed)
	defer cancel()
	for {
		_, err := d.ask(ctx, d.people[0], "/")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the overview: %w", err)
		case <-time.After(time.Second):
		}
	}
}

func (d *openedDesk) close() {
	d.stop()
	_ = d.server.Close()
	d.ended.Wait()
	for _, t := range d.sockets {
		t.CloseIdleConnections()
	}
}

// hire makes an account and signs it in, from an address of its own: an office
// is not one browser.
func (d *openedDesk) hire(ctx context.Context, i int, hash string) error {
	login := fmt.Sprintf("rekaan%02d", i)
	token := sha256.Sum256([]byte(login))
	_, err := d.c.desk.AddStaff(ctx, db.Actor{}, db.NewStaff{
		Staff: db.Staff{Login: login, Name: "Staf Rekaan", Role: db.RoleVerifier}, Invite: db.Invite{Hash: token[:], For: time.Hour},
	})
	if err != nil {
		return err
	}
	if err := d.c.desk.AcceptInvite(ctx, token[:], db.Credentials{Password: hash}, ""); err != nil {
		return err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+i))}}
	socket := &http.Transport{DialContext: dialer.DialContext}
	d.sockets = append(d.sockets, socket)
	client := &http.Client{Jar: jar, Transport: socket, Timeout: deskAllowed}
	form := url.Values{"login": {login}, "password": {deskSecret}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url+"/login", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	drawn := answer.StatusCode == http.StatusOK || answer.StatusCode == http.StatusServiceUnavailable
	if !drawn || answer.Request.URL.Path == "/login" {
		return fmt.Errorf("signing %s in: %s at %s", login, answer.Status, answer.Request.URL.Path)
	}
	d.people = append(d.people, client)
	return nil
}

// deskSeconds is how long the staff work: each asks for a page every other
// second, which gives a page of each kind hundreds of times.
func deskSeconds(s Settings) int { return max(3*s.Seconds, 4) }

// work has everybody ask for pages and returns the times by page.
func (d *openedDesk) work(ctx context.Context, s Settings) (map[string][]time.Duration, error) {
	length := time.Duration(deskSeconds(s)) * time.Second
	ctx, cancel := context.WithTimeout(ctx, length+deskAllowed)
	defer cancel()
	end := time.Now().Add(length)
	var mu sync.Mutex
	times := make(map[string][]time.Duration)
	var errs []error
	var staff sync.WaitGroup
	for i, client := range d.people {
		staff.Go(func() {
			random := rand.New(rand.NewPCG(4, uint64(i)))
			wait := time.NewTimer(time.Duration(i) * deskPause / deskStaff)
			defer wait.Stop()
			select {
			case <-wait.C:
			case <-ctx.Done():
			}
			// Begun here: people do not all ask in the same moment.
			tick := time.NewTicker(deskPause)
			defer tick.Stop()
			for time.Now().Before(end) {
				name := deskPages()[random.IntN(len(deskPages()))]
				took, err := d.ask(ctx, client, d.path(name, random, s))
				mu.Lock()
				times[name] = append(times[name], took)
				errs = append(errs, err)
				mu.Unlock()
				<-tick.C
			}
		})
	}
	for at := 0; time.Now().Before(end); at++ {
		s.progress("staff at work", at, deskSeconds(s))
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	staff.Wait()
	s.progress("staff at work", deskSeconds(s), deskSeconds(s))
	return times, errors.Join(errs...)
}

func (d *openedDesk) path(name string, random *rand.Rand, s Settings) string {
	cases := s.Entries * 20 / 21
	station := random.IntN(cases / 2)
	switch name {
	case "queue":
		return "/queue?view=" + string(db.QueueViews()[random.IntN(4)])
	case "entry":
		return "/case/" + db.SampleStation(d.c.profile.Regency, station) + "/" + d.c.profile.Ballots[random.IntN(2)].Keyword
	case "overview":
		return "/"
	}
	words := []string{
		fmt.Sprintf("Desa Rekaan %d", station/400), db.SampleStation(d.c.profile.Regency, station), db.SamplePhone(station),
		fmt.Sprint(71000 + station%999), "halo", "terima kasih",
	}
	return "/search?q=" + url.QueryEscape(words[random.IntN(len(words))])
}

// ask times one page to its last byte.
func (d *openedDesk) ask(ctx context.Context, client *http.Client, path string) (time.Duration, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url+path, nil)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	answer, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return 0, err
	}
	if answer.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s: %s", path, answer.Status)
	}
	return time.Since(began), nil
}

// follow opens the queue's stream and times how long a committed entry takes to
// stand in it.
func (d *openedDesk) follow(ctx context.Context, s Settings) ([]time.Duration, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url+"/queue/live?view=all", nil)
	if err != nil {
		return nil, err
	}
	client := *d.people[0]
	client.Timeout = 0
	answer, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	seen := newSightings(answer.Body)
	defer seen.stop(answer.Body)
	random := rand.New(rand.NewPCG(9, 9))
	var times []time.Duration
	for i := range deskRows {
		code, err := d.contradict(ctx, s, i)
		if err != nil {
			return nil, err
		}
		committed := time.Now()
		at, err := seen.wait(ctx, code, deskAllowed)
		if err != nil {
			return nil, err
		}
		times = append(times, max(at.Sub(committed), 0))
		s.progress("rows on an open desk", i+1, deskRows)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Duration(50+random.IntN(300)) * time.Millisecond):
		}
	}
	return times, nil
}

// contradict stores five more versions of a case, which brings it to the front
// of the queue, and returns the station. Each is of an older case than the one
// before, so that it stands above them.
func (d *openedDesk) contradict(ctx context.Context, s Settings, i int) (string, error) {
	station := min(13_500, s.Entries*10/21-1) - i*max(1, s.Entries/21/10/deskRows)
	batch := db.Batch{Gateway: "gw-rekaan", Program: "bench", Profile: d.c.profile}
	b := d.c.profile.Ballots[station*2%2]
	tps, err := d.c.desk.FindStations(ctx, d.c.profile, db.SampleStation(d.c.profile.Regency, station), 1)
	if err != nil || len(tps) != 1 {
		return "", errors.Join(err, fmt.Errorf("station %d: %d found", station, len(tps)))
	}
	for v := range 5 {
		text, err := contradiction(b, tps[0].TPS, 200+10*v)
		if err != nil {
			return "", err
		}
		m := verify.Message{
			Kind: verify.MessageText, Sender: db.SamplePhone(station), Text: text, ReceivedAt: time.Now(), Gateway: "gw-rekaan", Modem: "m1",
		}
		sum := sha256.Sum256(fmt.Appendf(nil, "%d/%d/%s", i, v, text))
		copy(m.Key[:], sum[:])
		batch.Messages = append(batch.Messages, db.Inbound{Message: m, PDUs: []string{"00"}})
	}
	verdicts, err := d.c.gateway.Intake(ctx, batch)
	if err != nil {
		return "", err
	}
	if got := verdicts[0].Outcome; got != verify.OutcomeConflict && got != verify.OutcomeAccepted {
		return "", fmt.Errorf("station %d: %s %s", station, got, verdicts[0].Reason)
	}
	return db.SampleStation(d.c.profile.Regency, station), nil
}
