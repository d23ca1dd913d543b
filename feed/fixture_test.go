package feed_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"tali/db"
	"tali/db/cluster"
	"tali/db/dbtest"
	"tali/feed"
)

func TestMain(m *testing.M) { dbtest.Main(m, db.Migrate) }

// site is a feed on a database of the test's own.
type site struct {
	t       *testing.T
	pg      *dbtest.DB
	desk    *db.DB
	results *db.Results
	url     string
	token   string
}

// options are what a test wants to be other than usual.
type options struct {
	stations  int
	perMinute int
	stall     time.Duration
	role      string // of the feed at the database
	buffer    int    // of the server's lines, in bytes
}

func newSite(t *testing.T, o options) *site {
	t.Helper()
	if o.perMinute == 0 {
		o.perMinute = 100_000
	}
	if o.role == "" {
		o.role = cluster.ResultsReader
	}
	pg := dbtest.New(t)
	log := slog.New(slog.DiscardHandler)
	desk, err := db.Open(t.Context(), pg.DSN(cluster.Desk), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = desk.Close() })
	results, err := db.OpenResults(pg.DSN(o.role), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = results.Close() })
	s := &site{t: t, pg: pg, desk: desk, results: results, token: "tali_uji-satu"}
	s.fill(o.stations)
	s.add("uji-satu", s.token)
	s.serve(feed.New(feed.Parts{Results: results, Log: log, PerMinute: o.perMinute, Stall: o.stall}), o.buffer)
	return s
}

// serve runs the feed and its loop until the test ends.
func (s *site) serve(f *feed.Feed, buffer int) {
	server := httptest.NewUnstartedServer(f)
	if buffer > 0 {
		server.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
			if err := c.(*net.TCPConn).SetWriteBuffer(buffer); err != nil {
				s.t.Error(err)
			}
			return ctx
		}
	}
	server.Start()
	s.url = server.URL
	ctx, stop := context.WithCancel(context.WithoutCancel(s.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	s.t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		stop()
		if err := <-ended; err != nil {
			s.t.Errorf("the loop of the feed: %v", err)
		}
	})
}

func (s *site) add(name, token string) {
	s.t.Helper()
	hash := sha256.Sum256([]byte(token))
	if err := s.desk.AddFeedToken(s.t.Context(), db.Actor{}, name, hash[:]); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) owner() *sqlx.DB { return s.pg.Open(cluster.Owner) }

func (s *site) run(query string, args ...any) {
	s.t.Helper()
	if _, err := s.owner().ExecContext(s.t.Context(), query, args...); err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
}

const (
	fillEvents = `
INSERT INTO results.change_feed (urutan, waktu, peristiwa, election, kode_tps, jenis, putaran, suara_paslon, suara_sah, suara_tidak_sah, suara_total, pengguna_total_j, sumber, revisi, versi)
SELECT n, '2024-11-27 07:00:00Z', 'konfirmasi', 'pilkada-uji', (7108012001000 + n)::text, CASE n % 2 WHEN 0 THEN 'pkwkk' ELSE 'pkwkp' END, 1,
       ARRAY[n % 300, 98, 67], n % 300 + 165, 12, n % 300 + 177, nullif(n % 5, 0), 'sms', 1, 2
FROM generate_series($1::integer, $2::integer) AS n`

	fillStations = `
INSERT INTO results.station_result (election, kode_tps, jenis, putaran, suara_paslon, suara_sah, suara_tidak_sah, suara_total, pengguna_total_j, sumber, revisi, versi, urutan)
SELECT election, kode_tps, jenis, putaran, suara_paslon, suara_sah, suara_tidak_sah, suara_total, pengguna_total_j, sumber, revisi, versi, urutan
FROM results.change_feed WHERE urutan BETWEEN $1 AND $2`

	fillAreas = `
INSERT INTO results.area_total (election, kode_wilayah, tingkat, induk, jenis, putaran, suara_paslon, suara_sah, suara_tidak_sah, suara_total, pengguna_total_j,
  tps_total, tps_melapor, tps_terverifikasi, pemilih_dpt_j, pemilih_dpt_j_tercakup, urutan, diperbarui)
SELECT 'pilkada-uji', c, CASE length(c) WHEN 2 THEN 'provinsi' WHEN 4 THEN 'kabupaten' WHEN 6 THEN 'kecamatan' ELSE 'desa' END,
       CASE length(c) WHEN 4 THEN left(c, 2) WHEN 6 THEN left(c, 4) WHEN 10 THEN left(c, 6) END,
       j, 1, CASE c WHEN '7108' THEN ARRAY[145, 98, 67] END, 310, 12, 322, 322, 159, 2, 1, 63777, 352, 1, '2024-11-27 08:00:00Z'
FROM unnest(ARRAY['71', '7108', '710801', '7108012001', '7109', '72']) AS c, unnest(ARRAY['pkwkp', 'pkwkk']) AS j`
)

// fill publishes n invented stations and some areas.
func (s *site) fill(n int) {
	s.publish(1, n)
	s.run(fillAreas)
}

func (s *site) publish(first, last int) {
	s.t.Helper()
	s.run(fillEvents, first, last)
	s.run(fillStations, first, last)
}

// request asks for a path; headers are pairs of name and value, and a name again
// without a value takes the usual header away.
func (s *site) request(method, path string, headers ...string) *http.Response {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	s.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, method, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.token)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { response.Body.Close() })
	return response
}

// get is the body of an answer that must have this status.
func (s *site) get(path string, status int, headers ...string) (body []byte, head http.Header) {
	s.t.Helper()
	response := s.request(http.MethodGet, path, headers...)
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatalf("GET %s: %v", path, err)
	}
	if response.StatusCode != status {
		s.t.Fatalf("GET %s = %s, want %d\n%s", path, response.Status, status, shorten(body))
	}
	if got := response.Header.Get("X-Tali-Catatan"); !strings.Contains(strings.ToLower(got), "data sementara, bukan hasil resmi kpu") {
		s.t.Errorf("GET %s says %q of the figures", path, got)
	}
	return body, response.Header
}

func shorten(body []byte) string { return string(body[:min(len(body), 500)]) }

// page is the envelope of an answer.
type page struct {
	Note   string  `json:"catatan"`
	Centre string  `json:"pusat"`
	Feed   int     `json:"urutan"`
	Upto   int     `json:"sampai"`
	Next   *string `json:"berikutnya"`
	Data   []struct {
		Station  string `json:"kode_tps"`
		Area     string `json:"kode_wilayah"`
		Contest  string `json:"jenis"`
		Votes    []int  `json:"suara_paslon"`
		Event    int    `json:"urutan"`
		Reported int    `json:"tps_melapor"`
	} `json:"data"`
}

func (s *site) page(path string, headers ...string) page {
	s.t.Helper()
	body, _ := s.get(path, http.StatusOK, headers...)
	var p page
	if err := json.Unmarshal(body, &p); err != nil {
		s.t.Fatalf("GET %s: %v\n%s", path, err, shorten(body))
	}
	return p
}
