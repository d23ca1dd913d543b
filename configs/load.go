package configs

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/viper"
	"go.yaml.in/yaml/v3"
)

const (
	envPrefix = "TALI_"
	envTests  = "TALI_TEST_" // read by tests, never by Load
	modemsKey = "gateway.modems"
	maxFile   = 1 << 20 // bytes of a configuration or profile file
)

// Load reads the configuration: defaults, then the file, then the environment;
// an empty path means no file, an empty variable counts as absent. The result
// is validated. An error of wrong content is an *Error that lists every
// problem, one a line; nothing has been opened then.
func Load(path string) (Config, error) {
	l := &loader{path: path, lines: map[string]int{}}
	root, err := l.read()
	if err != nil {
		return Config{}, err
	}
	c := Default()
	l.settings(&c, root)
	l.strangers()
	c.validate(l.report)
	if len(l.problems) > 0 {
		sort.SliceStable(l.problems, func(i, j int) bool { return l.rank(i) < l.rank(j) })
		return Config{}, &Error{Problems: l.problems}
	}
	return c, nil
}

// Validate checks a configuration that did not come from Load.
func (c Config) Validate() error {
	l := &loader{}
	c.validate(l.report)
	if len(l.problems) > 0 {
		return &Error{Problems: l.problems}
	}
	return nil
}

// loader gathers what stands where, so that every problem names its line.
type loader struct {
	path     string
	lines    map[string]int  // key -> line in the file
	env      map[string]bool // keys that the environment decides
	refused  map[string]bool // keys already reported: their value means nothing to validate
	problems []Problem
}

// read parses the file into one mapping node; nil when there is nothing.
func (l *loader) read() (*yaml.Node, error) {
	if l.path == "" {
		return nil, nil
	}
	text, err := readSmall(l.path)
	if err != nil {
		return nil, err
	}
	return parseYAML(l.path, text)
}

// settings fills c from the file's node and the environment.
func (l *loader) settings(c *Config, root *yaml.Node) {
	l.env, l.refused = map[string]bool{}, map[string]bool{}
	file, modems := map[string]any{}, (*yaml.Node)(nil)
	if root != nil {
		modems = l.section(root, "", reflect.TypeFor[Config](), file)
	}
	v := viper.New()
	if err := v.MergeConfigMap(file); err != nil {
		l.report("", "", err.Error())
	}
	for _, k := range leaves(reflect.TypeFor[Config](), "") {
		name := envName(k.key)
		if err := v.BindEnv(k.key, name); err != nil {
			panic(err) // only a call without a key fails
		}
		l.env[k.key] = os.Getenv(name) != ""
		if !v.IsSet(k.key) || k.key == modemsKey {
			continue
		}
		l.set(reflect.ValueOf(c).Elem().FieldByIndex(k.index), k.key, v.GetString(k.key))
	}
	if l.env[modemsKey] {
		c.Gateway.Modems = l.envModems(os.Getenv(envName(modemsKey)))
	} else if modems != nil {
		c.Gateway.Modems = l.modems(modems)
	}
}

// section copies the scalars of a mapping into out, as text and unread: YAML
// would make a number of a PIN with a leading zero or of a phone with a plus.
// It returns the node of the modems where it meets it.
func (l *loader) section(node *yaml.Node, prefix string, t reflect.Type, out map[string]any) (modems *yaml.Node) {
	for _, pair := range l.pairs(node, prefix, t) {
		key, field, value := prefix+pair.name, pair.field, pair.value
		switch {
		case value.Tag == "!!null":
		case key == modemsKey:
			modems = value
		case field.Type.Kind() == reflect.Struct:
			inner := map[string]any{}
			if m := l.section(value, key+".", field.Type, inner); m != nil {
				modems = m
			}
			out[pair.name] = inner
		case value.Kind != yaml.ScalarNode:
			l.refuse(key, "", "one value is expected here, not a list or a section")
		default:
			out[pair.name] = value.Value
		}
	}
	return modems
}

type pair struct {
	name  string
	field reflect.StructField
	value *yaml.Node
}

// pairs lists the known keys of a mapping and reports the others.
func (l *loader) pairs(node *yaml.Node, prefix string, t reflect.Type) []pair {
	if node.Kind != yaml.MappingNode {
		l.lines[strings.TrimSuffix(prefix, ".")] = node.Line
		l.refuse(strings.TrimSuffix(prefix, "."), "", "lines of the form \"key: value\" are expected here")
		return nil
	}
	var out []pair
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		k, value := node.Content[i], node.Content[i+1]
		key := prefix + k.Value
		if first, twice := seen[k.Value]; twice {
			l.problems = append(l.problems, Problem{Where: fmt.Sprintf("%s:%d", l.path, k.Line), Key: key,
				Remedy: fmt.Sprintf("stands here a second time, first in line %d: keep one", first)})
			continue
		}
		seen[k.Value] = k.Line
		l.lines[key] = k.Line
		field, ok := fieldByKey(t, k.Value)
		if !ok {
			l.refuse(key, "", "unknown key: "+didYouMean(key, knownKeys(prefix)))
			continue
		}
		if value.Kind == yaml.AliasNode || value.Anchor != "" {
			l.refuse(key, "", "anchors and aliases are not read: write the value itself")
			continue
		}
		out = append(out, pair{k.Value, field, value})
	}
	return out
}

// modems reads the list of gateway.modems.
func (l *loader) modems(node *yaml.Node) []Modem {
	if node.Kind != yaml.SequenceNode {
		l.refuse(modemsKey, "", "a list is expected here, each modem beginning with \"- name: ...\"")
		return nil
	}
	var out []Modem
	for i, item := range node.Content {
		m, prefix := defaultModem(), fmt.Sprintf("%s[%d].", modemsKey, i)
		l.lines[strings.TrimSuffix(prefix, ".")] = item.Line
		values := map[string]any{}
		l.section(item, prefix, reflect.TypeFor[Modem](), values)
		for _, k := range leaves(reflect.TypeFor[Modem](), "") {
			if text, ok := values[k.key].(string); ok {
				l.set(reflect.ValueOf(&m).Elem().FieldByIndex(k.index), prefix+k.key, text)
			}
		}
		out = append(out, m)
	}
	return out
}

// envModems reads the same list as JSON, which is YAML too.
func (l *loader) envModems(text string) []Modem {
	root, err := parseYAML(envName(modemsKey), []byte(text))
	if err != nil || root == nil || root.Kind != yaml.SequenceNode {
		l.refuse(modemsKey, "", `is not a JSON list: write [{"name":"m1","device":"/dev/serial/by-id/..."}]`)
		return nil
	}
	return l.modems(root)
}

// set reads a text into a field of its type.
func (l *loader) set(field reflect.Value, key, text string) {
	switch field.Interface().(type) {
	case string:
		field.SetString(text)
	case int:
		n, err := strconv.Atoi(text)
		if err != nil {
			l.refuse(key, text, "is not a whole number: write digits only")
			return
		}
		field.SetInt(int64(n))
	case time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			l.refuse(key, text, "is not a duration: write a number and its unit, such as 30s, 5m or 1h")
			return
		}
		field.SetInt(int64(d))
	default:
		panic("configs: no reader for the type of " + key)
	}
}

// strangers reports variables that look like ours and are not.
func (l *loader) strangers() {
	var known []string
	for _, k := range leaves(reflect.TypeFor[Config](), "") {
		known = append(known, envName(k.key))
	}
	vars := os.Environ()
	sort.Strings(vars)
	for _, v := range vars {
		name, _, _ := strings.Cut(v, "=")
		if !strings.HasPrefix(name, envPrefix) || strings.HasPrefix(name, envTests) || slices.Contains(known, name) {
			continue
		}
		remedy := "unknown environment variable"
		if near := nearest(name, known, func(k string) string { return k }); near != "" {
			remedy += ": did you mean " + near + "?"
		}
		l.problems = append(l.problems, Problem{Where: name, Remedy: remedy + ", otherwise unset it"})
	}
}

// refuse reports a key whose value cannot be read at all.
func (l *loader) refuse(key, value, remedy string) {
	l.report(key, value, remedy)
	l.refused[key] = true
}

// report adds a problem and finds out where its key stands.
func (l *loader) report(key, value, remedy string) {
	for k := key; k != ""; k, _ = splitKey(k) {
		if l.refused[k] {
			return
		}
	}
	p := Problem{Key: key, Value: mask(key, value), Remedy: remedy}
	switch {
	case l.env[key], strings.HasPrefix(key, modemsKey) && l.env[modemsKey]:
		p.Where = envName(strings.SplitN(key, "[", 2)[0])
	default:
		p.Where = lineOf(l.path, l.lines, key)
	}
	l.problems = append(l.problems, p)
}

// rank orders problems as they stand in the file; the environment comes last.
func (l *loader) rank(i int) int {
	where := l.problems[i].Where
	if where == l.path {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimPrefix(where, l.path+":"))
	if err != nil {
		return 1 << 30
	}
	return n
}
