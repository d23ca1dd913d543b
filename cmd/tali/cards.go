package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"tali/cards"
	"tali/configs"
	"tali/db"
	"tali/parser"
	"tali/verify"
)

// firstGeneration is that of a station's first card.
const firstGeneration = 1

func newCards() *cobra.Command {
	var o cardOptions
	c := &cobra.Command{
		Use:   "cards --out DIR",
		Short: "Print the cards of the stations, with their offline pages",
		Long: `cards writes two files for every station of the registry, or for one: an A5 card
to print on both sides (CODE.pdf) and an offline page for phones (CODE.html).
CODE is the 13 digits of the station. Both lead the officer to the right SMS; the
numbers to send to are those of gateway.modems, in their order.

With auth.master_key_file, a sealed sheet with one-time codes and the key of the
page follows the card: print, fold and staple it in one room. DIR is made for you
alone (0700), as are the files (0600). A second run writes the same files.

A card that is lost or was opened: --reissue makes another one for the station.
The codes and the key of the old one are dead at once, at every gateway. The
registry keeps who did it and when. The new files are called CODE-2, CODE-3 and so
on, and every later run writes the newest.`,
		Example: `  tali cards --out kartu --config /etc/tali/tali.yaml
  tali cards --out kartu --station 7108012001003 --config /etc/tali/tali.yaml
  tali cards --out kartu --reissue --station 7108012001003 --config /etc/tali/tali.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.out = cmd.OutOrStdout()
			return printCards(cmd.Context(), o)
		},
	}
	c.Flags().StringVar(&o.dir, "out", "", "directory for the files")
	c.Flags().StringVar(&o.station, "station", "", "one station: its 13 digits or the 8 digits of its TPS code")
	c.Flags().BoolVar(&o.reissue, "reissue", false, "declare the card of --station dead and make another one")
	c.Flags().BoolVar(&o.keyInPage, "key-in-page", false, "build the key into each page; without it, officers type it once from the card")
	c.Flags().StringVar(&o.config, "config", "", "configuration file, for its election, database, modems and key")
	_ = c.MarkFlagRequired("out") // the flag exists: defined above
	return c
}

type cardOptions struct {
	dir, station, config string
	keyInPage, reissue   bool
	out                  io.Writer
}

func printCards(ctx context.Context, o cardOptions) error {
	cfg, profile, err := loadConfig(o.config)
	if err != nil {
		return err
	}
	press := cardPress{dir: o.dir, profile: profile, keyInPage: o.keyInPage}
	if press.gateways, err = cardGateways(cfg.Gateway.Modems); err != nil {
		return err
	}
	if press.regencyKey, err = readRegencyKey(cfg.Auth, profile); err != nil {
		return err
	}
	if err := o.check(press.regencyKey != nil, profile); err != nil {
		return err
	}
	stations, err := cardStations(ctx, cfg, profile, o)
	if err != nil {
		return err
	}
	if err := press.all(ctx, stations); err != nil {
		if o.reissue {
			return fmt.Errorf("%w; card %d is in force already: run it again without --reissue", err, stations[0].Generation)
		}
		return err
	}
	if o.reissue {
		fmt.Fprintf(o.out, "station %s: card %d is dead, card %d is in %s\n", stations[0].Code, stations[0].Generation-1, stations[0].Generation, o.dir)
		return nil
	}
	fmt.Fprintf(o.out, "%s in %s: a PDF to print and an HTML page for each station\n", counted(len(stations), "card"), o.dir)
	return nil
}

// cardGateways are the numbers that officers send to. The registry does not
// know which gateway a station reaches best, so the operator's order counts.
func cardGateways(modems []configs.Modem) ([]cards.Gateway, error) {
	var out []cards.Gateway
	for _, m := range modems {
		if number, kind := parser.ParsePhone(m.Number); kind == parser.PhoneNumber {
			out = append(out, cards.Gateway{Number: number, Operator: m.Operator})
		}
	}
	if len(out) == 0 {
		return nil, errors.New("gateway.modems: no modem has a number: a card must say where to send, so write number: \"+62...\" for each SIM")
	}
	return out, nil
}

// check says what does not go together, before anything is opened. Without a key
// cards carry no secret.
func (o cardOptions) check(withKey bool, p *parser.Profile) error {
	switch {
	case o.reissue && o.station == "":
		return errors.New("--reissue: name the station with --station: only its card is to die")
	case withKey:
		return nil
	case o.reissue:
		return errors.New("--reissue: there is no key: name one in auth.master_key_file; a card without codes need not be issued again")
	case o.keyInPage:
		return errors.New("--key-in-page: there is no key: name one in auth.master_key_file, or leave the flag out")
	case p.Auth == parser.AuthRequired:
		return fmt.Errorf("auth.master_key_file is empty, and %s counts no tally without a code: name the key, so that the cards have codes", p.ID)
	}
	return nil
}

// cardStations reads the registry, all of it or one station, and makes the
// directory. What cannot go wrong any more comes last: a card that is declared
// dead must have a place for the next one.
func cardStations(ctx context.Context, cfg configs.Config, p *parser.Profile, o cardOptions) (found []verify.Station, err error) {
	if err := refuseDemo(cfg.DataDir); err != nil {
		return nil, err
	}
	centre, err := openCentre(ctx, cfg, p, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, centre.Close()) }()
	registry, err := centre.desk.Registry(ctx, p)
	if errors.Is(err, db.ErrNotOpened) {
		return nil, fmt.Errorf("%w: run tali migrate with this configuration first", err)
	}
	if err != nil {
		return nil, err
	}
	if found, err = chooseStations(registry.Stations, o.station); err != nil {
		return nil, err
	}
	if err := ownDir(o.dir); err != nil {
		return nil, err
	}
	if o.reissue {
		if found[0].Generation, err = centre.desk.ReissueCard(ctx, p, found[0], whoAmI()); err != nil {
			return nil, fmt.Errorf("--reissue: %w", err)
		}
	}
	return found, nil
}

// chooseStations is all of them, or the one that which names.
func chooseStations(all []verify.Station, which string) ([]verify.Station, error) {
	if len(all) == 0 {
		return nil, errors.New("the registry has no station: run tali import stations first")
	}
	if which == "" {
		return all, nil
	}
	i := slices.IndexFunc(all, func(s verify.Station) bool { return s.Code == which || s.TPS == which })
	if i < 0 {
		return nil, fmt.Errorf("--station %q: no such station in the registry: write its 13 digits or the 8 digits of its TPS code", which)
	}
	return all[i : i+1], nil
}

// whoAmI is the user of this machine, for the registry's history.
func whoAmI() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "uid " + strconv.Itoa(os.Getuid())
}

// ownDir makes a directory for secrets, or takes one that nobody else enters.
func ownDir(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("--out %s has mode %04o, others could read the cards: run chmod 0700 %s, or name a new directory", path, mode, path)
	}
	return nil
}

// cardPress makes the files.
type cardPress struct {
	dir        string
	profile    *parser.Profile
	gateways   []cards.Gateway
	regencyKey []byte // nil: no secrets
	keyInPage  bool
}

func (p *cardPress) all(ctx context.Context, stations []verify.Station) error {
	bar := newBar("cards")
	defer bar.done()
	for i, s := range stations {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("stopped after %s of %d: run it again", counted(i, "card"), len(stations))
		}
		if err := p.one(s); err != nil {
			return err
		}
		bar.set(i+1, len(stations))
	}
	return nil
}

func (p *cardPress) one(s verify.Station) error {
	card := p.card(s)
	for suffix, write := range map[string]func(io.Writer, cards.Card) error{".pdf": cards.PDF, ".html": cards.Page} {
		var out bytes.Buffer
		if err := write(&out, card); err != nil {
			return err
		}
		if err := replaceFile(filepath.Join(p.dir, cardName(s)+suffix), out.Bytes()); err != nil {
			return fmt.Errorf("card of station %s: %w", s.Code, err)
		}
	}
	return nil
}

// cardName is that of a card's files: no card takes the place of another.
func cardName(s verify.Station) string {
	if s.Generation > firstGeneration {
		return fmt.Sprintf("%s-%d", s.Code, s.Generation)
	}
	return s.Code
}

func (p *cardPress) card(s verify.Station) cards.Card {
	card := cards.Card{
		Profile: p.profile, Station: fmt.Sprintf("%s TPS %03d", s.Village, s.Number), District: s.District,
		TPS: parser.TPSCode(s.TPS), Gateways: p.gateways, Generation: s.Generation,
	}
	if p.regencyKey != nil {
		id := parser.StationID{Election: p.profile.ID, Round: p.profile.Round, Code: s.Code, Generation: s.Generation}
		card.Secret = &cards.Secret{
			Key:  parser.StationKey(p.regencyKey, id),
			TANs: parser.TANs(p.regencyKey, id, cards.TANsPerCard), InPage: p.keyInPage,
		}
	}
	return card
}

// replaceFile writes a file of mode 0600 at once: a run that is stopped leaves
// whole cards only.
func replaceFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".card-*") // 0600 by itself
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
