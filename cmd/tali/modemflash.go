package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tali/cmd/tali/gateway"
	"tali/db/spool"
	"tali/gsm"
)

// flashKeeper brings to safety what comes while a tool has the port: an SMS of
// class 0 lies in no slot where "tali serve" would find it.
type flashKeeper struct {
	dir  string    // data_dir; empty where no configuration is known
	says io.Writer // where they are
}

// keep puts them into the spool, from where serve takes them; where that is in
// use, or none is configured, into a file.
func (k flashKeeper) keep(rows []gsm.Stored) error {
	path := filepath.Join(k.dir, "spool", "spool.db")
	err := errors.New("no data_dir is known")
	if k.dir != "" {
		err = spoolRows(path, rows)
	}
	if err == nil {
		_, err = fmt.Fprintf(k.says, "%d flash SMS came meanwhile: kept in the spool %s, tali serve takes them from there\n", len(rows), path)
		return err
	}
	file, writeErr := k.write(rows)
	if writeErr != nil {
		return errors.Join(err, writeErr)
	}
	_, err = fmt.Fprintf(k.says, "%d flash SMS came meanwhile: kept in %s, as they are not in the spool (%v). No gateway reads that file: "+
		"hand its texts to the staff\n", len(rows), file, err)
	return err
}

// spoolRows takes its time though the command was interrupted: nothing else holds these rows.
func spoolRows(path string, rows []gsm.Stored) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	journal, err := spool.Open(ctx, path, quietLog())
	if err != nil {
		return err
	}
	pdus := make([]spool.PDU, len(rows))
	for i, row := range rows {
		pdus[i] = gateway.Journal(row)
	}
	_, err = journal.Keep(ctx, pdus)
	return errors.Join(err, journal.Close())
}

// write makes a file that only its owner may read, durable before it returns.
func (k flashKeeper) write(rows []gsm.Stored) (string, error) {
	dir := k.dir
	if info, err := os.Stat(dir); dir == "" || err != nil || !info.IsDir() {
		dir = "."
	}
	f, err := os.CreateTemp(dir, "tali-flash-*.txt")
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, row := range rows {
		p := gateway.Journal(row)
		fmt.Fprintf(&b, "modem %s, IMSI %s, read %s, from %s: %s\n%s\n", row.Modem, row.IMSI, row.ReadAt.Format(time.RFC3339), p.Sender, p.Text, row.PDU)
	}
	_, err = f.WriteString(b.String())
	path, absErr := filepath.Abs(f.Name())
	return path, errors.Join(err, f.Sync(), f.Close(), absErr)
}
