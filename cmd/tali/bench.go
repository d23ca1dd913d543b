package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"tali/cmd/tali/bench"
	"tali/configs"
)

func newBench() *cobra.Command {
	s := bench.Settings{}
	c := &cobra.Command{
		Use:   "bench [MEASUREMENT ...]",
		Short: "Measure speed and memory on this machine, beside pgbench",
		Long:  "bench measures what tali promises and prints each figure beside its target.\n\nMeasurements (all of them when none is named):\n" + measurements(),
		Args:  cobra.OnlyValidArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(s.Dir, 0o711); err != nil {
				return fmt.Errorf("--dir: %w", err)
			}
			missed := 0
			for _, m := range bench.All() {
				if len(args) > 0 && !slices.Contains(args, m.Name) {
					continue
				}
				n, err := measure(cmd, m, s)
				if err != nil {
					return fmt.Errorf("measuring %s: %w", m.Name, err)
				}
				missed += n
			}
			if missed > 0 {
				return &checkFailed{fmt.Sprintf("%d targets missed", missed)}
			}
			return nil
		},
	}
	for _, m := range bench.All() {
		c.ValidArgs = append(c.ValidArgs, m.Name)
	}
	c.Flags().StringVar(&s.Dir, "dir", configs.Default().DataDir, "where the measured database lives for a while: a disk like the real one")
	c.Flags().IntVar(&s.Messages, "messages", 60000, "SMS of the intake measurement, one station each")
	c.Flags().IntVar(&s.Stations, "stations", 40_000, "stations of the night and of the totals; the whole nation's are 823220 (40 GB of disk, a quarter of an hour)")
	c.Flags().IntVar(&s.SMS, "sms", 1_000_000, "SMS with a single fault: of the protocol measurement, and for rates a five-hundredth of each ballot")
	c.Flags().IntVar(&s.Entries, "scale", 1_000_000, "entries of the desk measurement, twice as many messages")
	c.Flags().IntVar(&s.Rounds, "rounds", 20, "failovers of the failover measurement")
	c.Flags().StringVar(&s.Centre, "centre", "", "DSN without user of a cluster that promotes by itself: rehearse the failover there, in an empty database (passwords: PGPASSFILE)")
	c.Flags().StringVar(&s.Strike, "strike", "", "with --centre: shell command that has the primary die")
	c.Flags().StringVar(&s.Heal, "heal", "", "with --centre: shell command that returns once a standby follows again")
	c.Flags().IntVar(&s.Seconds, "seconds", 10, "length of each pgbench run and of the latency measurement")
	return c
}

// measure runs one measurement, prints its rows and counts missed targets.
func measure(cmd *cobra.Command, m bench.Measurement, s bench.Settings) (missed int, err error) {
	bars := make(map[string]*bar)
	s.Progress = func(what string, done, total int) {
		if bars[what] == nil {
			bars[what] = newBar(what)
		}
		bars[what].set(done, total)
	}
	rows, err := m.Run(cmd.Context(), s)
	for _, b := range bars {
		b.done()
	}
	if err != nil {
		return 0, err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", m.Name, m.What)
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, r := range rows {
		word := ""
		if r.Target != "" {
			word = "met"
			if !r.Met {
				word, missed = "MISSED", missed+1
			}
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", r.Name, r.Value, r.Target, word)
	}
	return missed, table.Flush()
}

func measurements() string {
	var b strings.Builder
	for _, m := range bench.All() {
		fmt.Fprintf(&b, "  %-9s %s\n", m.Name, m.What)
	}
	return b.String()
}
