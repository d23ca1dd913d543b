package feed_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// contract is the document that the server hands out.
type contract struct {
	t        *testing.T
	doc      map[string]any
	compiler *jsonschema.Compiler
}

func newContract(s *site) contract {
	s.t.Helper()
	body, _ := s.get("/v1/openapi.json", http.StatusOK, "Authorization", "")
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	c := contract{s.t, doc.(map[string]any), jsonschema.NewCompiler()}
	c.compiler.DefaultDraft(jsonschema.Draft2020) // what OpenAPI 3.1 builds on
	c.compiler.AssertFormat()
	if err := c.compiler.AddResource("mem:///openapi.json", doc); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// at follows a pointer, and references where it meets them.
func (c contract) at(pointer ...string) (found map[string]any, place string) {
	c.t.Helper()
	node := any(c.doc)
	path := ""
	for _, name := range pointer {
		m, ok := node.(map[string]any)
		if !ok || m[name] == nil {
			c.t.Fatalf("the document has no %s", strings.Join(pointer, " > "))
		}
		node = m[name]
		path += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
		if ref, ok := node.(map[string]any)["$ref"].(string); ok && strings.HasPrefix(ref, "#/") {
			node, path = any(c.doc), strings.TrimPrefix(ref, "#")
			for _, part := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
				node = node.(map[string]any)[part]
			}
		}
	}
	return node.(map[string]any), path
}

// valid holds a value against a schema of the document.
func (c contract) valid(what string, value any, pointer ...string) {
	c.t.Helper()
	_, place := c.at(pointer...)
	schema, err := c.compiler.Compile("mem:///openapi.json#" + place)
	if err != nil {
		c.t.Fatalf("%s: %v", place, err)
	}
	if err := schema.Validate(value); err != nil {
		c.t.Errorf("%s is not what the document says: %v", what, err)
	}
}

// answer holds a whole answer against the document.
func (c contract) answer(s *site, path, address string, headers ...string) {
	c.t.Helper()
	r := s.request(http.MethodGet, address, headers...)
	body := new(bytes.Buffer)
	if _, err := body.ReadFrom(r.Body); err != nil {
		c.t.Fatal(err)
	}
	what := address + " " + r.Status
	status := strconv.Itoa(r.StatusCode)
	response, _ := c.at("paths", path, "get", "responses", status)
	for name := range asMap(response["headers"]) {
		value := r.Header.Get(name)
		if value == "" && name != "Link" {
			c.t.Errorf("%s lacks header %s", what, name)
		}
		if value != "" {
			var typed any = value
			if n, err := strconv.Atoi(value); err == nil {
				typed = json.Number(strconv.Itoa(n))
			}
			c.valid(what+" "+name, typed, "paths", path, "get", "responses", status, "headers", name, "schema")
		}
	}
	if r.StatusCode == http.StatusNotModified {
		return
	}
	form, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	schema := []string{"paths", path, "get", "responses", status, "content", form, "schema"}
	if form == "text/csv" {
		c.valid(what, body.String(), schema...)
		c.csv(path, body.String())
		return
	}
	value, err := jsonschema.UnmarshalJSON(body)
	if err != nil {
		c.t.Fatalf("%s: %v", what, err)
	}
	c.valid(what, value, schema...)
	c.nothingElse(what, value, schema)
}

func asMap(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// nothingElse: a field that is answered is in the document.
func (c contract) nothingElse(what string, value any, schema []string) {
	c.t.Helper()
	s, _ := c.at(schema...)
	properties := asMap(s["properties"])
	if properties == nil {
		return
	}
	for name, inner := range asMap(value) {
		if properties[name] == nil {
			c.t.Errorf("%s has %s, of which the document knows nothing", what, name)
		}
		list, _ := inner.([]any)
		for _, row := range list {
			if _, object := row.(map[string]any); object {
				c.nothingElse(what, row, append(slices.Clone(schema), "properties", name, "items"))
			}
		}
	}
}

// csv: the columns are those of the rows in JSON.
func (c contract) csv(path, text string) {
	c.t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		c.t.Fatal(err)
	}
	row, _ := c.at("paths", path, "get", "responses", "200", "content", "application/json", "schema", "properties", "data", "items")
	want := slices.Sorted(maps.Keys(asMap(row["properties"])))
	if got := slices.Sorted(slices.Values(rows[0])); !slices.Equal(got, want) {
		c.t.Errorf("%s has the columns %v, the document %v", path, got, want)
	}
}

// Every answer of the running server is what its document says, and the document
// says nothing that the server does not do.
func TestDocumentIsTheServer(t *testing.T) {
	t.Parallel()
	s := newSite(t, options{stations: 12})
	s.run(`INSERT INTO results.change_feed (urutan, waktu, peristiwa, election, kode_tps, jenis, putaran, versi)
		VALUES (13, now(), 'penarikan', 'pilkada-uji', '7108012001001', 'pkwkp', 1, 3)`)
	c := newContract(s)
	if c.doc["openapi"] != "3.1.0" {
		t.Errorf("openapi = %v", c.doc["openapi"])
	}
	c.answer(s, "/v1/openapi.json", "/v1/openapi.json", "Authorization", "")
	for path := range asMap(c.doc["paths"]) {
		if path == "/v1/openapi.json" {
			continue
		}
		c.parameters(s, path)
		_, head := s.get(path, http.StatusOK)
		c.answer(s, path, path+"?limit=5")
		c.answer(s, path, path)
		c.answer(s, path, path+"?format=csv")
		c.answer(s, path, path, "If-None-Match", head.Get("ETag"))
		c.answer(s, path, path+"?limit=0")
		c.answer(s, path, path, "Accept", "image/png")
		c.answer(s, path, path, "Authorization", "")
	}
	c.answer(s, "/v1/changes", "/v1/changes?after=99")
	s.run(`ALTER FUNCTION feed.moment() RENAME TO moment_away`)
	c.answer(s, "/v1/areas", "/v1/areas")
}

// parameters: each that is documented is taken.
func (c contract) parameters(s *site, path string) {
	c.t.Helper()
	usual := map[string]string{"election": "pilkada-uji", "jenis": "pkwkk", "putaran": "1", "area": "7108", "tingkat": "desa",
		"cursor": "7108012001001.pkwkk.1.pilkada-uji", "limit": "3", "format": "json", "after": "2", "wait": "0"}
	get, _ := c.at("paths", path, "get")
	for i, p := range get["parameters"].([]any) {
		name := p.(map[string]any)["$ref"].(string)
		name = name[strings.LastIndexByte(name, '/')+1:]
		parameter, _ := c.at("components", "parameters", name)
		if parameter["name"] != name || parameter["in"] != "query" || usual[name] == "" {
			c.t.Errorf("parameter %d of %s: %v", i, path, parameter)
		}
		c.answer(s, path, path+"?"+name+"="+usual[name])
	}
}

// The columns of the documentation are those of the document.
func TestDocumentHasEveryColumn(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/results.md")
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, options{stations: 1})
	c := newContract(s)
	for table, schema := range map[string]string{"station_result": "Station", "area_total": "Area", "progress": "Progress", "change_feed": "Change"} {
		_, section, ok := strings.Cut(string(text), "\n## "+table+"\n")
		if !ok {
			t.Fatalf("docs/results.md has no section %s", table)
		}
		section, _, _ = strings.Cut(section, "\n## ")
		found, _ := c.at("components", "schemas", schema)
		for name := range asMap(found["properties"]) {
			if !strings.Contains(section, "\n| `"+name+"` |") {
				t.Errorf("docs/results.md lacks %s.%s", table, name)
			}
		}
		if n := strings.Count(section, "\n| `"); n != len(asMap(found["properties"])) {
			t.Errorf("%s has %d columns in docs/results.md and %d in the document", table, n, len(asMap(found["properties"])))
		}
	}
}
