package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"sort"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"tali/gsm"
)

// probesAtOnce bounds how many ports are asked at the same time.
const probesAtOnce = 16

func newModemList() *cobra.Command {
	var config string
	var baud int
	var asJSON bool
	c := &cobra.Command{
		Use: "list [DEVICE ...]", Short: "Find the serial ports and say which of them are modems",
		Long: `list asks every serial port (/dev/serial/by-id, by-path, ttyUSB, ttyACM), or those
that are named, who is there. It changes nothing, reads no SMS and gives no PIN.

A USB modem shows several ports; one of them answers AT. Write the name in the
first column into the configuration: it stays the same when the modem is plugged
in again. Ports behind an = belong to the modem of that name.`,
		Example: `  tali modem list
  tali modem list --baud 9600 /dev/ttyS0
  tali modem list --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			ports := candidates(args)
			rows := probeAll(cmd.Context(), ports, baud, configured(config))
			if asJSON {
				return printJSON(cmd.OutOrStdout(), rows)
			}
			return printPorts(cmd.OutOrStdout(), rows)
		},
	}
	c.Flags().StringVar(&config, "config", "", "configuration file, to name the modems that are in it")
	c.Flags().IntVar(&baud, "baud", 115200, "line speed of ports that are not configured")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a port")
	return c
}

// portRow is one port as it is shown.
type portRow struct {
	Device   string `json:"device"`
	Name     string `json:"name,omitempty"` // in the configuration
	Usable   bool   `json:"usable"`
	Trouble  string `json:"trouble,omitempty"`
	Why      string `json:"why,omitempty"`
	Maker    string `json:"maker,omitempty"`
	Model    string `json:"model,omitempty"`
	IMEI     string `json:"imei,omitempty"`
	IMSI     string `json:"imsi,omitempty"`
	ICCID    string `json:"iccid,omitempty"`
	Operator string `json:"operator,omitempty"`
	Signal   int    `json:"signal_dbm,omitempty"`
	Used     int    `json:"slots_used"`
	Total    int    `json:"slots_total"`
	SameAs   string `json:"same_as,omitempty"` // another port of the same modem
}

// candidates are the ports that may be modems, each once, under the name that
// survives replugging best.
func candidates(named []string) []string {
	if len(named) > 0 {
		return named
	}
	var out []string
	seen := map[string]bool{}
	for _, pattern := range []string{"/dev/serial/by-id/*", "/dev/serial/by-path/*", "/dev/ttyUSB*", "/dev/ttyACM*"} {
		found, _ := filepath.Glob(pattern) // the pattern is right
		sort.Strings(found)
		for _, device := range found {
			real, err := filepath.EvalSymlinks(device)
			if err != nil || seen[real] {
				continue
			}
			seen[real] = true
			out = append(out, device)
		}
	}
	return out
}

// configured maps real devices to the entries of a configuration that loads; a
// wrong one must not keep anybody from looking for ports.
func configured(path string) map[string]gsm.Settings {
	out := map[string]gsm.Settings{}
	cfg, _, err := loadConfig(path)
	if err != nil {
		return out
	}
	for _, m := range gatewaySettings(cfg).Modems {
		if real, err := filepath.EvalSymlinks(m.Device); err == nil {
			out[real] = m
		}
	}
	return out
}

func probeAll(ctx context.Context, ports []string, baud int, known map[string]gsm.Settings) []portRow {
	rows := make([]portRow, len(ports))
	var group errgroup.Group
	group.SetLimit(probesAtOnce)
	for i, device := range ports {
		group.Go(func() error {
			s := gsm.Settings{Name: device, Device: device, Baud: baud}
			if real, err := filepath.EvalSymlinks(device); err == nil && known[real].Name != "" {
				s = known[real]
			}
			rows[i] = rowOf(device, s, gsm.Look(ctx, s, quietLog()))
			return nil
		})
	}
	_ = group.Wait() // a port that fails is a row
	first := map[string]string{}
	for i := range rows {
		imei := rows[i].IMEI
		if imei != "" && first[imei] != "" {
			rows[i].SameAs = first[imei]
		} else {
			first[imei] = rows[i].Device
		}
	}
	return rows
}

func rowOf(device string, s gsm.Settings, p gsm.Probe) portRow {
	r := portRow{
		Device: device, Trouble: string(p.Trouble), Why: p.Why, Maker: p.Maker, Model: p.Model, IMEI: p.IMEI, IMSI: p.IMSI,
		ICCID: p.ICCID, Operator: p.Operator, Signal: p.SignalDBm, Used: p.SlotsUsed, Total: p.SlotsTotal,
	}
	if s.Name != device {
		r.Name = s.Name
	}
	r.Usable = p.IMSI != ""
	return r
}

func printJSON(out io.Writer, rows []portRow) error {
	encoder := json.NewEncoder(out)
	for _, r := range rows {
		if err := encoder.Encode(r); err != nil {
			return err
		}
	}
	return nil
}

func printPorts(out io.Writer, rows []portRow) error {
	if len(rows) == 0 {
		_, err := fmt.Fprintln(out, "no serial port that could be a modem: plug one in, or name a DEVICE")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "DEVICE\tNAME\tMODEM\tIMEI\tSIM\tOPERATOR\tSIGNAL\tSLOTS\tNOTE")
	for _, r := range rows {
		cells := []string{r.Device, r.Name, strings.TrimSpace(r.Maker + " " + r.Model), r.IMEI, r.IMSI, r.Operator, "", "", r.note()}
		if r.Signal != 0 {
			cells[6] = fmt.Sprintf("%d dBm", r.Signal)
		}
		if r.Total > 0 {
			cells[7] = fmt.Sprintf("%d/%d", r.Used, r.Total)
		}
		for i, c := range cells {
			if c == "" {
				cells[i] = "-"
			}
		}
		fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
	return table.Flush()
}

func (r portRow) note() string {
	switch {
	case r.SameAs != "":
		return "= " + r.SameAs
	case r.Why != "":
		return r.Why
	}
	return "ready to use"
}
