package web_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"tali/db"
	"tali/db/cluster"
	"tali/db/dbtest"
	"tali/verify"
)

// deskTab is the desk in a browser of one of the staff.
type deskTab struct {
	t    *testing.T
	ctx  context.Context
	site *site

	mu       sync.Mutex
	problems []string
}

// chromium starts the browser of a test, whose tabs end with it.
func chromium(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium on this machine: the desk is not tested in a browser (apt-get install chromium)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(time.Minute))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting chromium: %v", err)
	}
	return ctx
}

// deskTab signs a new account in, in a browser that shares no cookie with the
// other ones of the test. What the page complains about fails the test.
func (s *site) deskTab(browser context.Context, width, height int64) *deskTab {
	s.t.Helper()
	ctx, end := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	d := &deskTab{t: s.t, ctx: ctx, site: s}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, height)); err != nil { // opens the tab, for as long as ctx lives
		s.t.Fatal(err)
	}
	if err := chromedp.Listen(ctx, d.hear); err != nil {
		s.t.Fatal(err)
	}
	d.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, log.Enable, cdp.Empty{})
		return err
	}))
	s.t.Cleanup(func() {
		end()
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, p := range d.problems {
			s.t.Errorf("the page complains: %s", p)
		}
	})
	d.signIn()
	return d
}

func (d *deskTab) hear(event any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		d.problems = append(d.problems, (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error())
	case *log.EventEntryAdded:
		if e.Entry.Source != log.EntrySourceNetwork { // refusals are answers too
			d.problems = append(d.problems, e.Entry.Text)
		}
	}
}

func (d *deskTab) do(steps ...chromedp.Action[chromedp.Void]) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		d.picture("gagal")
		d.t.Fatal(err)
	}
}

func deskEval[T any](d *deskTab, script string) T {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.ctx, time.Minute)
	defer cancel()
	out, err := chromedp.Run(ctx, chromedp.Evaluate[T](script))
	if err != nil {
		d.t.Fatalf("%s: %v", script, err)
	}
	return out
}

// waits until what script says is true, through pages that come and go.
func (d *deskTab) waits(script string) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script)); err == nil && ok {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			d.picture("gagal")
			d.t.Fatalf("%s never became true\n%s", script, deskEval[string](d, "document.body.innerText"))
		}
	}
}

// sees waits until a text stands on the page.
func (d *deskTab) sees(text string) {
	d.t.Helper()
	d.waits(fmt.Sprintf("document.body.innerText.includes(%q)", text))
}

func (d *deskTab) open(path string) {
	d.t.Helper()
	d.do(chromedp.Navigate(d.site.url+path), chromedp.WaitVisible(chromedp.CSS("#main")))
}

// press types keys on the page, as a person without a mouse does.
func (d *deskTab) press(keys string) {
	d.t.Helper()
	d.do(chromedp.KeyEvent(keys))
}

func (d *deskTab) click(selector string) {
	d.t.Helper()
	d.do(chromedp.Click(chromedp.CSS(selector)))
}

func (d *deskTab) fill(selector, value string) {
	d.t.Helper()
	d.do(chromedp.SetValue(chromedp.CSS(selector), value))
}

func (d *deskTab) signIn() {
	d.t.Helper()
	p := d.site.centre.person(fmt.Sprintf("peramban%d", d.site.people.Add(1)), db.RoleVerifier)
	d.open("/login")
	d.fill("[name=login]", p.login)
	d.fill("[name=password]", password)
	d.click("form [type=submit]")
	d.waits(`!!document.querySelector(".me")`)
}

// picture leaves a screenshot where a person asked for one.
func (d *deskTab) picture(name string) {
	d.t.Helper()
	dir := os.Getenv("TALI_SCREENSHOTS")
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(d.ctx, 15*time.Second)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		d.t.Logf("no picture %s: %v", name, err)
		return
	}
	if err := os.WriteFile(filepath.Join(dir, "meja-"+name+".png"), picture, 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// narrow fails where something stands out of the page at 360 px.
func (d *deskTab) narrow() {
	d.t.Helper()
	if over := deskEval[int](d, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); over > 0 {
		d.t.Errorf("%s: %d px stand out at %d px", deskEval[string](d, "location.pathname"), over, deskEval[int](d, "innerWidth"))
	}
}

// TestDeskInABrowser runs by itself: browsers leave other tests no time.
func TestDeskInABrowser(t *testing.T) {
	browser := chromium(t)
	for name, test := range map[string]func(*testing.T, context.Context){
		"queue": queueInABrowser, "deciding": decidingInABrowser, "kept": typedTextIsKept, "typing": typingInABrowser,
		"reject and attach": rejectAndAttachInABrowser,
	} {
		t.Run(name, func(t *testing.T) { test(t, browser) })
	}
}

// The queue by keyboard alone, live, on a PC and on a phone.
func queueInABrowser(t *testing.T, browser context.Context) {
	c := newCentre(t, dbtest.New(t), 4)
	c.take(phone(0), c.tally(0, 120, 80, 4), verify.OutcomeAccepted)
	c.take(phone(1), c.tally(1, 130, 70, 2), verify.OutcomeAccepted)
	c.take("+628990000333", "halo pak, ini TPS mana?", verify.OutcomeUnknown)
	s := serve(c)
	d := s.deskTab(browser, 1280, 900)
	d.press("gq")
	d.waits(`document.querySelectorAll("#queue .qmain").length === 3 && document.getElementById("line").className === "on"`)
	d.press("j")
	d.press("j")
	focused := `document.activeElement.closest("[data-row]").dataset.row`
	row := deskEval[string](d, focused)
	c.take(phone(2), c.tally(2, 140, 60, 1), verify.OutcomeAccepted)
	c.take(phone(2), c.tally(2, 141, 60, 1), verify.OutcomeConflict)
	d.sees("konflik, 2 versi")
	if got := deskEval[string](d, focused); got != row {
		t.Errorf("after new rows the focus is on %s, it was on %s", got, row)
	}
	d.picture("antrean")
	d.press("?")
	d.sees("Ke kotak pencarian")
	d.picture("tombol")
	d.press("\x1b")
	small := s.deskTab(browser, 360, 640)
	small.open("/queue")
	small.sees("konflik, 2 versi")
	small.narrow()
	small.picture("antrean-360")
	d.press("\r")
	d.sees("C.HASIL")
	small.sees("sedang dibuka")
}

// One confirms by keyboard; a conflict takes two, of whom only one has it open.
func decidingInABrowser(t *testing.T, browser context.Context) {
	c := newCentre(t, dbtest.New(t), 2)
	c.take(phone(0), c.tally(0, 120, 80, 4), verify.OutcomeAccepted)
	c.take(phone(1), c.tally(1, 130, 70, 2), verify.OutcomeAccepted)
	c.take(phone(1), c.tally(1, 131, 70, 2), verify.OutcomeConflict)
	s := serve(c)
	one, two := s.deskTab(browser, 1280, 900), s.deskTab(browser, 360, 740)
	one.open(casePath(0))
	one.picture("kasus")
	one.press("y")
	one.sees("Tersimpan: dikonfirmasi.")

	one.open(casePath(1))
	one.sees("konflik, 2 versi")
	two.open(casePath(1))
	two.sees("Sedang dibuka")
	two.narrow()
	two.picture("konflik-360")
	one.picture("konflik")
	one.press("y")
	one.sees("Usul Anda dicatat")
	two.open(casePath(1)) // it was given back
	two.sees("Konfirmasi (orang kedua)")
	two.press("y")
	two.sees("Tersimpan: dikonfirmasi.")
	one.open(casePath(1))
	one.sees("dipastikan staf")
	one.picture("dipastikan")
}

// What somebody types is not lost: neither when the case changes under the open
// page, nor while the database is away.
func typedTextIsKept(t *testing.T, browser context.Context) {
	c := newCentre(t, dbtest.Own(t), 1)
	c.take(phone(0), c.tally(0, 120, 80, 4), verify.OutcomeAccepted)
	s := serve(c)
	d := s.deskTab(browser, 1280, 900)
	d.open(casePath(0))
	d.do(chromedp.SendKeys(chromedp.CSS(".decide [name=reason]"), "angka beda dgn C.HASIL"))
	c.take(phone(0), c.tally(0, 121, 80, 4), verify.OutcomeConflict)
	d.click(".decide [value=reject]")
	d.sees("keadaan sudah berubah")
	d.sees("versi 2 masuk lewat SMS")
	d.picture("berubah")
	kept := `document.querySelector(".decide [name=reason]").value`
	if got := deskEval[string](d, kept); got != "angka beda dgn C.HASIL" {
		t.Errorf("after a refusal the field holds %q", got)
	}
	lock(t, c)
	d.click(".decide [value=reject]")
	d.sees("Isian Anda masih di sini")
	d.picture("pusat-putus")
	if got := deskEval[string](d, kept); got != "angka beda dgn C.HASIL" {
		t.Errorf("while the centre is away the field holds %q", got)
	}
}

// lock has the server refuse every connection from now on.
func lock(t *testing.T, c *centre) {
	t.Helper()
	pool := c.pg.Open(cluster.Superuser)
	var name string
	if err := pool.Get(&name, `SELECT current_database()`); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(`ALTER ROLE ` + cluster.Desk + ` NOLOGIN`); err != nil {
		t.Fatal(err)
	}
	c.pg.CutConnections()
}

// Two people key a form in, the second without seeing the first.
func typingInABrowser(t *testing.T, browser context.Context) {
	c := newCentre(t, dbtest.New(t), 1)
	s := serve(c)
	one, two := s.deskTab(browser, 1280, 900), s.deskTab(browser, 360, 740)
	key := func(d *deskTab, first string) {
		d.open(casePath(0))
		d.click(`[data-key="m"]`)
		d.sees("Simpan ketikan")
		for i, value := range []string{first, "80", "200", "4", "204"} {
			d.do(chromedp.SendKeys(chromedp.CSS(fmt.Sprintf("#f%d", i)), value))
		}
		d.click(".typing [type=submit]")
	}
	key(one, "120")
	one.sees("Orang kedua mengetiknya")
	key(two, "121")
	two.sees("Tidak sama dengan ketikan pertama")
	two.narrow()
	two.picture("ketik-beda-360")
	two.fill("#f0", "120")
	two.click(".typing [type=submit]")
	two.sees("Dua ketikan sama")
	two.picture("ketik-sama-360")
}

// A reject with its reason, and an SMS of a stranger that becomes an entry.
func rejectAndAttachInABrowser(t *testing.T, browser context.Context) {
	c := newCentre(t, dbtest.New(t), 2)
	c.take(phone(0), c.tally(0, 120, 80, 4), verify.OutcomeAccepted)
	c.take("+628990000444", c.tally(1, 130, 70, 2), verify.OutcomeUnknown)
	s := serve(c)
	d := s.deskTab(browser, 1280, 900)
	d.open(casePath(0))
	d.click(".decide [value=reject]")
	d.sees("Tulis sebabnya dulu")
	d.press("x")
	d.do(chromedp.SendKeys(chromedp.CSS(".decide [name=reason]"), "bukan dari petugas TPS ini"))
	d.click(".decide [value=reject]")
	d.sees("Tersimpan: ditolak.")
	d.open("/quarantine")
	d.press("j")
	d.press("\r")
	d.sees("Lampirkan ke TPS")
	d.picture("karantina")
	d.click(`[data-key="c"]`)
	d.waits(`!!document.querySelector("a[href='tel:+628990000444']")`)
	d.fill("[name=station]", c.codes[1])
	d.fill(`[action$="/attach"] [name=note]`, "nomor ketua KPPS, dipastikan PPS")
	d.click(`[action$="/attach"] [type=submit]`)
	d.sees("SMS dilampirkan sebagai versi yang ditahan")
	d.picture("dilampirkan")
	if _, err := open(t, c.pg.DSN(cluster.Desk)).FillLookup(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.open("/search")
	d.do(chromedp.SendKeys(chromedp.CSS("[name=q]"), "desa"))
	d.click("[role=search] [type=submit]")
	d.sees("TPS 002")
	d.picture("cari")
	d.open("/log")
	d.sees("DITERIMA")
	d.picture("log")
}
