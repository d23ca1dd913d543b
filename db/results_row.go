package db

import (
	"bytes"
	"encoding/json"
	"strings"
)

// ResultsFields are a row of the results interface, a JSON object, as fields of
// a CSV: NULL is empty, a list has blanks between its numbers.
func ResultsFields(columns []string, object []byte) ([]string, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(object, &fields); err != nil {
		return nil, err
	}
	out := make([]string, len(columns))
	for i, c := range columns {
		switch raw := fields[c]; {
		case len(raw) == 0 || bytes.Equal(raw, []byte("null")):
		case raw[0] == '"':
			if err := json.Unmarshal(raw, &out[i]); err != nil {
				return nil, err
			}
		default:
			out[i] = strings.ReplaceAll(strings.Trim(string(raw), "[]"), ",", " ")
		}
	}
	return out, nil
}
