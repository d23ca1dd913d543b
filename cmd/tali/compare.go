package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"tali/cmd/tali/compare"
	"tali/db"
)

// The exit codes of compare beside 0.
const (
	exitDiffers      = 1
	exitNotCompared  = 2
	stationTableFile = "station_result.csv"
)

func newCompare() *cobra.Command {
	var o compareOptions
	c := &cobra.Command{
		Use:   "compare FILE",
		Short: "Hold another source's figures against ours, station by station",
		Long: `compare reads another source's figures and lists every row of the form in which
they differ from what is confirmed here, what is missing on either side, and how
many stations agree. FILE is CSV or JSON.

CSV with a header: kode_tps (13 digits); jenis, putaran; suara_paslon (numbers
with blanks between) or paslon_1, paslon_2 ...; suara_sah, suara_tidak_sah,
suara_total, pengguna_total_j and the surat_suara_... of docs/results.md. Only
kode_tps is needed; an empty cell is not compared. A bundle's station_result.csv
is such a file.

JSON as Sirekap names it: an object with stations by their 13-digit code, alone
or under "table" or "tabel"; a list of objects with kode_tps; or one such object:

  {"7108012001001": {"chart": {"100025": 145, "100026": 98},
    "administrasi": {"suara_sah": 243, "suara_tidak_sah": 12, "suara_total": 255}}}

Votes stand by the ids of contestants in chart, tabel or the station itself, or
as a list in suara_paslon. Ids rise in the order of the form; --paslon names them
in another one. null is not compared.

Ours is the database of the configuration or, with --bundle, a signed export.
The exit code is 0 when all is equal, 1 when something differs or is missing, 2
when something could not be compared: FILE cannot be read, or rows of it are bad.`,
		Example: `  tali compare sirekap.json --jenis pkwkk --config /etc/tali/tali.yaml
  tali compare mereka.csv --area 710801 --csv --config /etc/tali/tali.yaml > beda.csv
  tali compare mereka.csv --bundle hasil-20241127`,
		Args: func(c *cobra.Command, args []string) error { return notCompared(oneArg("one FILE")(c, args)) },
		RunE: func(cmd *cobra.Command, args []string) error {
			report, err := o.run(cmd.Context(), args[0])
			if err == nil {
				err = o.print(cmd.OutOrStdout(), report)
			}
			switch {
			case err != nil:
				return notCompared(err)
			case len(report.Bad) > 0:
				return &exitError{exitNotCompared, &checkFailed{"rows could not be compared"}}
			case !report.Equal():
				return &exitError{exitDiffers, &checkFailed{"the sources differ"}}
			}
			return nil
		},
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return notCompared(err) })
	o.flags(c)
	return c
}

func notCompared(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{exitNotCompared, err}
}

type compareOptions struct {
	config, bundle, contest, area string
	round                         int
	order                         []string
	all, json, csv                bool
}

func (o *compareOptions) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.config, "config", "", "configuration file, for its election and database")
	c.Flags().StringVar(&o.bundle, "bundle", "", "directory of a signed export to compare with, instead of the database")
	c.Flags().StringVar(&o.contest, "jenis", "", "contest of rows that name none (default: the election's, when it has one)")
	c.Flags().IntVar(&o.round, "putaran", 1, "round of rows that name none")
	c.Flags().StringVar(&o.area, "area", "", "compare only the stations of this area, by the first digits of their code")
	c.Flags().StringSliceVar(&o.order, "paslon", nil, "ids of the contestants in the order of the form, separated by commas")
	c.Flags().BoolVar(&o.all, "all", false, "list the stations that agree as well")
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	c.Flags().BoolVar(&o.csv, "csv", false, "print CSV")
	c.MarkFlagsMutuallyExclusive("json", "csv")
}

var areaDigits = regexp.MustCompile(`^[0-9]{2,13}$`)

func (o compareOptions) run(ctx context.Context, path string) (compare.Report, error) {
	if o.area != "" && !areaDigits.MatchString(o.area) {
		return compare.Report{}, fmt.Errorf("--area %q: write the first digits of the stations' codes, 2 or more", o.area)
	}
	contest := o.contest
	if contest == "" && o.bundle == "" {
		_, profile, err := loadConfig(o.config)
		if err != nil {
			return compare.Report{}, err
		}
		if len(profile.Ballots) == 1 {
			contest = profile.Ballots[0].Contest
		}
	}
	bar := newBar("comparing")
	defer bar.done()
	source, err := compare.Load(path, compare.Options{
		Contest: contest, Round: o.round, Order: o.order, Area: o.area, Progress: func(done, total int64) { bar.set(int(done), int(total)) },
	})
	if err != nil {
		return compare.Report{}, err
	}
	c := compare.New(source, o.all)
	err = o.ours(ctx, func(row compare.Row) {
		if strings.HasPrefix(row.Station, o.area) {
			c.Add(row)
		}
	})
	return c.Finish(), err
}

// ours hands over what is confirmed here.
func (o compareOptions) ours(ctx context.Context, each func(compare.Row)) error {
	if o.bundle != "" {
		return bundleRows(o.bundle, each)
	}
	_, profile, err := loadConfig(o.config)
	if err != nil {
		return err
	}
	return withDesk(ctx, o.config, func(ctx context.Context, desk *db.DB) error {
		return desk.StationResults(ctx, profile.ID, func(object []byte) error {
			row, err := compare.ParseRow(object)
			if err == nil {
				each(row)
			}
			return err
		})
	})
}

// bundleRows reads the stations of an export, of which every row must be right.
func bundleRows(bundle string, each func(compare.Row)) error {
	path := bundle
	if info, err := os.Stat(bundle); err == nil && info.IsDir() {
		path = filepath.Join(bundle, stationTableFile)
	}
	s, err := compare.Load(path, compare.Options{})
	if err != nil {
		return fmt.Errorf("--bundle: %w", err)
	}
	if len(s.Bad) > 0 {
		return fmt.Errorf("--bundle %s: line %d: %s: check its signature", path, s.Bad[0].Line, s.Bad[0].Reason)
	}
	for _, row := range s.Rows {
		each(row)
	}
	return nil
}

func (o compareOptions) print(out io.Writer, r compare.Report) error {
	switch {
	case o.json:
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			Note string `json:"catatan"`
			compare.Report
		}{exportNote, r})
	case o.csv:
		return printFindings(out, r)
	}
	return printTable(out, r)
}

// numberOrNone is a figure that may be missing.
func numberOrNone(n int) string {
	if n < 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// printFindings writes CSV; bad rows have their line and reason at its end.
func printFindings(out io.Writer, r compare.Report) error {
	w := csv.NewWriter(out)
	rows := [][]string{{"status", "kode_tps", "jenis", "putaran", "row", "here", "there", "line", "reason"}}
	for _, f := range r.Findings {
		rows = append(rows, []string{string(f.Status), f.Station, f.Contest, strconv.Itoa(f.Round), f.Row, numberOrNone(f.Here), numberOrNone(f.There), "", ""})
	}
	for _, b := range r.Bad {
		rows = append(rows, []string{"bad", "", "", "", "", "", "", strconv.Itoa(b.Line), b.Reason})
	}
	return w.WriteAll(rows)
}

func printTable(out io.Writer, r compare.Report) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if len(r.Findings) > 0 {
		fmt.Fprintln(w, "STATION\tCONTEST\tROUND\tROW\tHERE\tTHERE")
	}
	for _, f := range r.Findings {
		what := map[compare.Status]string{compare.MissingHere: "only there", compare.MissingThere: "only here", compare.Agree: "agrees"}[f.Status]
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\n", f.Station, f.Contest, f.Round, f.Row+what, numberOrNone(f.Here), numberOrNone(f.There))
	}
	err := w.Flush()
	for _, b := range r.Bad {
		fmt.Fprintf(out, "line %d cannot be compared: %s\n", b.Line, b.Reason)
	}
	fmt.Fprintf(out, "%s agree, %d differ, %d only there, %d only here, %s not readable\n%s\n",
		counted(r.Agree, "station"), r.Differ, r.MissingHere, r.MissingThere, counted(len(r.Bad), "row"), exportNote)
	return err
}
