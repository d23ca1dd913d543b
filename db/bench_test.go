package db_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tali/db"
	"tali/db/cluster"
)

// batchSize is what the gateway's batcher takes at most.
const batchSize = 400

// BenchmarkIntake stores right tallies of distinct stations over two
// connections, one batch an operation, on a server that syncs every commit, and
// then runs pgbench on the same server: absolute figures drift from machine to
// machine, the ratio does not.
//
//	go test ./db -run '^$' -bench Intake -benchtime 150x
func BenchmarkIntake(b *testing.B) {
	server, err := cluster.Start(b.Context(), cluster.Options{Ephemeral: true, Settings: map[string]string{
		"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "max_wal_size": "4GB",
	}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := server.Close(); err != nil {
			b.Error(err)
		}
	})
	if err := db.Migrate(b.Context(), server.DSN(cluster.Owner, cluster.Database)); err != nil {
		b.Fatal(err)
	}
	c := &centre{t: b, profile: election(b, nil)}
	c.fill(b.N*batchSize, server.DSN(cluster.Desk, cluster.Database), server.DSN(cluster.Gateway, cluster.Database))
	batches := make([]db.Batch, b.N)
	for i := range batches {
		messages := make([]db.Inbound, batchSize)
		for j := range messages {
			messages[j] = c.tally(i*batchSize+j, 1+(i*7+j)%400)
		}
		batches[i] = c.batch(messages...)
	}
	owner := open(b, server.DSN(cluster.Owner, cluster.Database))
	if _, err := owner.OverviewAnew(b.Context(), c.profile.ID); err != nil { // everything is there
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	c.intakeAll(b, batches)
	b.StopTimer()
	perSecond := float64(b.N*batchSize) / b.Elapsed().Seconds()
	b.ReportMetric(perSecond, "msg/s")
	if tps := pgbench(b, server); tps > 0 {
		b.ReportMetric(tps, "pgbench-tps")
		b.ReportMetric(perSecond/tps, "x-pgbench")
	}
}

// intakeAll stores the batches over two connections.
func (c *centre) intakeAll(b *testing.B, batches []db.Batch) {
	var next atomic.Int64
	var work sync.WaitGroup
	for range 2 {
		work.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(batches) {
					return
				}
				verdicts, err := c.gateway.Intake(context.WithoutCancel(b.Context()), batches[i])
				if err != nil {
					b.Error(err)
					return
				}
				for _, v := range verdicts {
					if v.Outcome != "accepted" {
						b.Errorf("outcome = %s %s", v.Outcome, v.Reason)
						return
					}
				}
			}
		})
	}
	work.Wait()
}

// pgbench is the yardstick on the same server, 0 when there is no pgbench.
func pgbench(b *testing.B, server *cluster.Server) float64 {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench")
	if len(found) == 0 {
		b.Log("no pgbench found: no ratio")
		return 0
	}
	var host, port string
	for field := range strings.FieldsSeq(server.DSN(cluster.Superuser, "postgres")) {
		name, value, _ := strings.Cut(field, "=")
		switch name {
		case "host":
			host = strings.Trim(value, "'")
		case "port":
			port = strings.Trim(value, "'")
		}
	}
	run := func(args ...string) string {
		args = append([]string{"-h", host, "-p", port, "-U", cluster.Superuser}, append(args, "postgres")...)
		out, err := exec.Command(found[len(found)-1], args...).CombinedOutput()
		if err != nil {
			b.Fatalf("pgbench %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	run("-i", "-q", "-s", "10")
	out := run("-N", "-c", "16", "-j", "2", "-T", "5")
	m := regexp.MustCompile(`tps = ([0-9.]+) \(without`).FindStringSubmatch(out)
	if m == nil {
		b.Fatalf("pgbench said no tps:\n%s", out)
	}
	tps, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		b.Fatal(err)
	}
	return tps
}
