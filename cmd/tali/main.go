// Command tali takes polling-station tallies in by SMS where there is no data
// coverage, checks them and writes them to the central results database.
//
// One binary, one file per subcommand: flags and wiring only. The work is done
// by the packages that are wired here.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // the zone of the stations, on machines that have none

	"github.com/spf13/cobra"
)

// version is stamped by the build.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// run is main with its arguments, for tests that need the real thing.
func run(ctx context.Context, args []string) int {
	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	code := 1
	var failed *checkFailed
	var exit *exitError
	if errors.As(err, &exit) {
		code = exit.code
	}
	switch {
	case err == nil:
		return 0
	case errors.As(err, &failed): // already told, line by line
	default:
		fmt.Fprintln(os.Stderr, "tali:", err)
	}
	return code
}

// exitError ends a command with an exit code that tells more than 1 does.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// checkFailed ends a command whose findings have been printed already.
type checkFailed struct{ what string }

func (e *checkFailed) Error() string { return e.what }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "tali",
		Short: "SMS intake of polling-station tallies",
		Long: `tali takes the tallies of polling stations (TPS) in by SMS where nothing but
SMS gets out, checks them against the registered phone, the station, a typing
check and the form's own arithmetic, answers the officer, and writes them to the
central PostgreSQL database.

Try it without a modem:     tali demo
See what a text would do:   tali try --profile pilkada-2024-bolmut "PILBUP 10013505 ..."
Run it for real:            tali serve --config /etc/tali/tali.yaml`,
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(
		newServe(), newDemo(), newTry(), newCode(), newImport(), newMigrate(), newAudit(), newExport(), newConfig(), newBench(), newCards(), newKey(), newUser(),
		newReprocess(), newModem(), newDoctor(), newBackup(), newRestore(), newFeed(), newCompare(), newArchive(), newRetain(),
	)
	return root
}
