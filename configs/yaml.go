package configs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readSmall reads a file that is known to be small and says what to do when it
// is not there.
func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: no such file: give the path of an existing file: %w", path, os.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s: larger than %d bytes: this is not a file of settings", path, maxFile)
	}
	return text, nil
}

// parseYAML yields the one document of a text; nil for an empty one.
func parseYAML(name string, text []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, yamlError(name, err)
	}
	if err := dec.Decode(&more); err == nil {
		return nil, yamlError(name, fmt.Errorf("line %d: a second document begins here, keep one", more.Line))
	} else if !errors.Is(err, io.EOF) {
		return nil, yamlError(name, err)
	}
	return doc.Content[0], nil
}

var yamlLine = regexp.MustCompile(`^line (\d+): `)

// yamlError folds the library's message into one line.
func yamlError(name string, err error) error {
	text := strings.Join(strings.Fields(strings.TrimPrefix(err.Error(), "yaml: ")), " ")
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		name, text = name+":"+m[1], text[len(m[0]):]
	}
	return &Error{Problems: []Problem{{Where: name,
		Remedy: "not readable as YAML: " + text + ": indent with spaces, one \"key: value\" a line"}}}
}
