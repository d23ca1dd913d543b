package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tali/gsm"
)

func newModem() *cobra.Command {
	return groupOf(&cobra.Command{
		Use: "modem", Short: "Look at modems, send one SMS, ask a USSD code",
		Long: `modem has the tools for setting up and checking GSM modems. A port belongs to one
program at a time: while "tali serve" runs, it holds the ports of its modems, and
these commands say so and leave them alone.`,
		Example: `  tali modem list
  tali modem ussd --config /etc/tali/tali.yaml --modem telkomsel-1 '*888#'
  tali modem send --config /etc/tali/tali.yaml --modem telkomsel-1 +6281234567890 "uji coba"`,
	}, newModemList(), newModemSend(), newModemUSSD())
}

// modemTool is what the tools for one modem share.
type modemTool struct {
	config, modem string
	baud          int
	asJSON        bool
	dataDir       string // of the configuration, once it was read
}

func (t *modemTool) flags(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&t.config, "config", "", "configuration file that names the modems")
	c.Flags().StringVar(&t.modem, "modem", "", "name of a configured modem, or the path of a device (may be left out where there is only one)")
	c.Flags().IntVar(&t.baud, "baud", 115200, "line speed, of a device that is not configured")
	c.Flags().BoolVar(&t.asJSON, "json", false, "print JSON")
	return c
}

// settings finds the modem that is meant.
func (t *modemTool) settings() (gsm.Settings, error) {
	if strings.HasPrefix(t.modem, "/") {
		return gsm.Settings{Name: t.modem, Device: t.modem, Baud: t.baud}, nil
	}
	cfg, _, err := loadConfig(t.config)
	if err != nil {
		return gsm.Settings{}, err
	}
	t.dataDir = cfg.DataDir
	modems := gatewaySettings(cfg).Modems
	var names []string
	for _, m := range modems {
		if m.Name == t.modem || t.modem == "" && len(modems) == 1 {
			return m, nil
		}
		names = append(names, m.Name)
	}
	if len(names) == 0 {
		return gsm.Settings{}, errors.New("--modem: no modem is configured: give --config FILE, or the path of a device from tali modem list")
	}
	return gsm.Settings{}, fmt.Errorf("--modem %q: name one of %s, or the path of a device", t.modem, strings.Join(names, ", "))
}

func newModemSend() *cobra.Command {
	var t modemTool
	c := &cobra.Command{
		Use: "send [--modem NAME] NUMBER TEXT", Short: "Send one SMS", Args: cobra.ExactArgs(2),
		Long: `send gives one SMS of at most 160 characters of the GSM alphabet to the network
and says whether it was taken. SMS that wait on the SIM stay there; flash SMS that
come meanwhile are put into the spool. The SIM's PIN is given as serve would: once.`,
		Example: `  tali modem send --config /etc/tali/tali.yaml --modem telkomsel-1 +6281234567890 "uji coba"
  tali modem send --modem /dev/ttyUSB0 +6281234567890 "uji coba"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := t.settings()
			if err != nil {
				return err
			}
			s.Direct = flashKeeper{t.dataDir, cmd.ErrOrStderr()}.keep
			var sent gsm.Sent
			begun := time.Now()
			err = gsm.Call(cmd.Context(), s, toolLog(), func(v *gsm.Visit) (err error) {
				sent, err = v.Send(args[0], args[1])
				return err
			})
			if err != nil {
				return toolError(s, err)
			}
			if t.asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{"modem": s.Name, "sent": true, "reference": sent.Reference})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: the network took it after %v, reference %d\n", s.Name, time.Since(begun).Round(10*time.Millisecond), sent.Reference)
			return err
		},
	}
	return t.flags(c)
}

func newModemUSSD() *cobra.Command {
	var t modemTool
	c := &cobra.Command{
		Use: "ussd [--modem NAME] CODE", Short: "Ask the operator by a USSD code, such as *888# for the balance", Args: oneArg("one CODE, in quotes"),
		Long: `ussd gives a code to the operator and prints the operator's text. A menu is
closed again: nothing is chosen from it. Put the code in quotes, the shell reads
* and # itself.`,
		Example: `  tali modem ussd --config /etc/tali/tali.yaml --modem telkomsel-1 '*888#'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := t.settings()
			if err != nil {
				return err
			}
			s.Direct = flashKeeper{t.dataDir, cmd.ErrOrStderr()}.keep
			var text string
			err = gsm.Call(cmd.Context(), s, toolLog(), func(v *gsm.Visit) (err error) {
				text, err = v.USSD(cmd.Context(), args[0])
				return err
			})
			if err != nil {
				return toolError(s, err)
			}
			if t.asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{"modem": s.Name, "code": args[0], "text": text})
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), text)
			return err
		},
	}
	return t.flags(c)
}

// toolLog tells what must not pass unseen.
func toolLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func quietLog() *slog.Logger { return slog.New(slog.DiscardHandler) }

// toolError says what to do where the tool cannot know the way out.
func toolError(s gsm.Settings, err error) error {
	switch gsm.TroubleOf(err) {
	case gsm.TroubleBusy:
		return fmt.Errorf("modem %s: %w: stop that program first; a running \"tali serve\" holds its modems (systemctl stop tali)", s.Name, err)
	case gsm.TroubleAbsent, gsm.TroubleSilent, gsm.TroubleNoModem, gsm.TroubleGarbled, gsm.TroubleNotSerial, gsm.TroublePermission:
		return fmt.Errorf("modem %s: %w: tali doctor says more, tali modem list shows the ports", s.Name, err)
	}
	return fmt.Errorf("modem %s: %w", s.Name, err)
}
