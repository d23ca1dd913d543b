package configs

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"tali/parser"
)

//go:embed pemilu-2024-bolmut.yaml pilkada-2024-bolmut.yaml
var profiles embed.FS

//go:embed replies.yaml
var replies []byte

const profileSuffix = ".yaml"

// profileTime is how opening and closing are written: local time of the stations.
const profileTime = "2006-01-02 15:04"

// profileFile is an election as it is written down.
type profileFile struct {
	ID       string `yaml:"id"`
	Name     string `yaml:"name"`
	Version  int    `yaml:"version"`
	Phase    string `yaml:"phase"`
	Round    int    `yaml:"round"`
	Regency  string `yaml:"regency"`
	AuthMode string `yaml:"auth"`

	Zone    string `yaml:"zone"`
	ZoneTag string `yaml:"zone_tag"`
	Opens   string `yaml:"opens"`
	Closes  string `yaml:"closes"`

	ReservePermille int           `yaml:"reserve_permille"`
	QuestionTTL     time.Duration `yaml:"question_ttl"`
	UnknownPerHour  int           `yaml:"unknown_per_hour"`

	Ballots []ballotFile        `yaml:"ballots"`
	Texts   map[string]variants `yaml:"texts"`
}

type ballotFile struct {
	Digit       string   `yaml:"digit"`
	Keyword     string   `yaml:"keyword"`
	Aliases     []string `yaml:"aliases"`
	Title       string   `yaml:"title"`
	Contest     string   `yaml:"contest"`
	Form        string   `yaml:"form"`
	Unit        string   `yaml:"unit"`
	Contestants []string `yaml:"contestants"`
}

// variants are the wordings of one reply, long to short; a single one may
// stand without a list.
type variants []string

func (v *variants) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*v = variants{node.Value}
		return nil
	}
	return node.Decode((*[]string)(v))
}

// Profiles lists the names of the embedded profiles.
func Profiles() []string {
	entries, err := profiles.ReadDir(".")
	if err != nil {
		panic(err) // the embedded folder always lists
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), profileSuffix))
	}
	return names
}

// LoadProfile reads an election profile: an embedded one by its name, any other
// by the path of its file. Reply texts that the profile does not give are the
// embedded ones. An *Error lists what is wrong with the content, one a line.
func LoadProfile(nameOrPath string) (*parser.Profile, error) {
	text, err := ProfileText(nameOrPath)
	if err != nil {
		return nil, err
	}
	var file profileFile
	lines, err := decodeStrict(nameOrPath, text, &file)
	if err != nil {
		return nil, err
	}
	e := &Error{}
	p := file.profile(func(key, value, remedy string) {
		e.Problems = append(e.Problems, Problem{Where: lineOf(nameOrPath, lines, key), Key: key, Value: value, Remedy: remedy})
	})
	if len(e.Problems) > 0 {
		return nil, e
	}
	built, err := parser.NewProfile(p)
	if err != nil {
		key, _, _ := strings.Cut(err.Error(), ":")
		return nil, fmt.Errorf("%s: %w", lineOf(nameOrPath, lines, key), err)
	}
	return built, nil
}

// ProfileText is a profile as it was written, shipped or in a file.
func ProfileText(nameOrPath string) ([]byte, error) {
	if slices.Contains(Profiles(), nameOrPath) {
		return profiles.ReadFile(nameOrPath + profileSuffix)
	}
	if problem := profileProblem(nameOrPath); problem != "" {
		return nil, fmt.Errorf("profile %q %s", nameOrPath, problem)
	}
	return readSmall(nameOrPath)
}

// profileProblem says why a name or path leads to no profile.
func profileProblem(nameOrPath string) string {
	known := Profiles()
	if slices.Contains(known, nameOrPath) {
		return ""
	}
	info, err := os.Stat(nameOrPath)
	switch {
	case nameOrPath == "":
		return "is missing: write one of " + strings.Join(known, ", ") + " or the path of a profile file"
	case err == nil && !info.Mode().IsRegular():
		return "is not a file: give the profile file itself"
	case err == nil:
		return ""
	case strings.ContainsRune(nameOrPath, '/') || strings.HasSuffix(nameOrPath, profileSuffix):
		return "is no file that can be read: give the path of an existing profile file"
	}
	return "is neither an embedded profile nor a file: " + didYouMean(nameOrPath, known)
}

// profile turns what was written into what the parser builds on, and reports
// what the parser cannot see.
func (f *profileFile) profile(report reporter) parser.Profile {
	p := parser.Profile{
		ID: f.ID, Name: f.Name, Version: f.Version,
		Phase: parser.Phase(f.Phase), Round: f.Round, Regency: f.Regency, Auth: parser.AuthMode(f.AuthMode),
		Zone: zone(f.Zone, report), ZoneTag: f.ZoneTag,
		ReservePermille: f.ReservePermille, QuestionTTL: f.QuestionTTL, UnknownPerHour: f.UnknownPerHour,
		Texts: texts(f.Texts, report),
	}
	p.Opens = localTime("opens", f.Opens, p.Zone, report)
	p.Closes = localTime("closes", f.Closes, p.Zone, report)
	if f.Version < 1 {
		report("version", strconv.Itoa(f.Version), "is no version: write 1, and one more after each change")
	}
	report.between("question_ttl", f.QuestionTTL, time.Minute, 24*time.Hour)
	for i, b := range f.Ballots {
		if len(b.Digit) != 1 {
			report(fmt.Sprintf("ballots[%d].digit", i), b.Digit, "is no ballot digit: write 1 to 8")
			continue
		}
		p.Ballots = append(p.Ballots, b.ballot())
	}
	p.Digest = digest(&p)
	return p
}

func (b *ballotFile) ballot() *parser.Ballot {
	return &parser.Ballot{
		Digit: b.Digit[0], Keyword: b.Keyword, Aliases: b.Aliases, Title: b.Title,
		Contest: b.Contest, Form: parser.Form(b.Form), Unit: b.Unit, Contestants: b.Contestants,
	}
}

// zone finds a time zone; UTC stands in for one that is refused.
func zone(name string, report reporter) *time.Location {
	loc, err := time.LoadLocation(name)
	if name == "" || name == "Local" || err != nil {
		report("zone", name, "is no time zone: write Asia/Jakarta, Asia/Makassar or Asia/Jayapura")
		return time.UTC
	}
	return loc
}

func localTime(key, value string, loc *time.Location, report reporter) time.Time {
	t, err := time.ParseInLocation(profileTime, value, loc)
	if err != nil {
		report(key, value, "is no time: write it as 2024-11-27 13:00, in the time of the stations")
	}
	return t
}

// texts are the embedded replies with those of the profile in their place.
func texts(own map[string]variants, report reporter) map[string][]string {
	var all map[string]variants
	if _, err := decodeStrict("replies.yaml", replies, &all); err != nil {
		panic(err) // embedded and tested
	}
	out := make(map[string][]string, len(all))
	known := make([]string, 0, len(all))
	for name, v := range all {
		out[name], known = v, append(known, name)
	}
	slices.Sort(known)
	for name, v := range own {
		if _, ok := all[name]; !ok {
			report("texts."+name, "", "unknown reply text: "+didYouMean(name, known))
			continue
		}
		out[name] = v
	}
	return out
}

// digest fingerprints everything of a profile but its texts. Gateways and the
// centre compare it: the encoding must never depend on map order, the local
// zone or a new field of parser.Profile.
func digest(p *parser.Profile) string {
	type ballot struct {
		Digit, Keyword       string
		Aliases              []string
		Title, Contest, Form string
		Unit                 string
		Contestants          []string
	}
	canonical := struct {
		ID, Name, Phase, Regency, Auth, Zone, ZoneTag, Opens, Closes string
		Version, Round, ReservePermille, QuestionSeconds             int
		UnknownPerHour                                               int
		Ballots                                                      []ballot
	}{
		ID: p.ID, Name: p.Name, Phase: string(p.Phase), Regency: p.Regency, Auth: string(p.Auth),
		Zone: p.Zone.String(), ZoneTag: p.ZoneTag,
		Opens: p.Opens.UTC().Format(time.RFC3339), Closes: p.Closes.UTC().Format(time.RFC3339),
		Version: p.Version, Round: p.Round, ReservePermille: p.ReservePermille,
		QuestionSeconds: int(p.QuestionTTL / time.Second), UnknownPerHour: p.UnknownPerHour,
	}
	for _, b := range p.Ballots {
		canonical.Ballots = append(canonical.Ballots, ballot{
			string(b.Digit), b.Keyword, append([]string{}, b.Aliases...), b.Title, b.Contest,
			string(b.Form), b.Unit, append([]string{}, b.Contestants...),
		})
	}
	text, err := json.Marshal(canonical)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

var (
	unknownField = regexp.MustCompile(`^line (\d+): field (\S+) not found in type configs\.(\w+)$`)
	otherError   = regexp.MustCompile(`^line (\d+): (.*)$`)
)

// decodeStrict reads YAML into a struct and tells where each key stands. Every
// unknown key and wrong type is a problem with its line.
func decodeStrict(name string, text []byte, into any) (lines map[string]int, err error) {
	root, err := parseYAML(name, text)
	if err != nil {
		return nil, err
	}
	if root == nil {
		return nil, &Error{Problems: []Problem{{Where: name, Remedy: "is empty"}}}
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	err = dec.Decode(into)
	var wrong *yaml.TypeError
	switch {
	case errors.As(err, &wrong):
		e := &Error{}
		for _, line := range wrong.Errors {
			e.Problems = append(e.Problems, strictProblem(name, line))
		}
		return nil, e
	case err != nil:
		return nil, yamlError(name, err)
	}
	lines = map[string]int{}
	addLines(root, "", lines)
	return lines, nil
}

// addLines notes the line of every key below a node.
func addLines(node *yaml.Node, key string, lines map[string]int) {
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			inner := strings.TrimPrefix(key+"."+node.Content[i].Value, ".")
			lines[inner] = node.Content[i].Line
			addLines(node.Content[i+1], inner, lines)
		}
	case yaml.SequenceNode:
		for i, item := range node.Content {
			inner := fmt.Sprintf("%s[%d]", key, i)
			lines[inner] = item.Line
			addLines(item, inner, lines)
		}
	}
}

// lineOf names the line of a key or, when it is missing, of what it belongs to.
func lineOf(name string, lines map[string]int, key string) string {
	for k := key; k != ""; k, _ = splitKey(k) {
		if line := lines[k]; line > 0 {
			return fmt.Sprintf("%s:%d", name, line)
		}
	}
	return name
}

// strictProblem turns a line of the YAML library into one for operators.
func strictProblem(name, line string) Problem {
	if m := unknownField.FindStringSubmatch(line); m != nil {
		known := profileKeys
		if m[3] == "ballotFile" {
			known = ballotKeys
		}
		return Problem{Where: name + ":" + m[1], Key: m[2], Remedy: "unknown key: " + didYouMean(m[2], strings.Fields(known))}
	}
	if m := otherError.FindStringSubmatch(line); m != nil {
		return Problem{Where: name + ":" + m[1], Remedy: m[2] + ": see an embedded profile for the form"}
	}
	return Problem{Where: name, Remedy: line}
}

const (
	profileKeys = "id name version phase round regency auth zone zone_tag opens closes reserve_permille question_ttl unknown_per_hour ballots texts"
	ballotKeys  = "digit keyword aliases title contest form unit contestants"
)
