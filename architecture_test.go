package tali_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// everything stands for "all" in the table of ARCHITECTURE.md.
const everything = "*"

// source is one file of the program, tests left out.
type source struct {
	path string // from the root, with slashes
	file *ast.File
	set  *token.FileSet
}

func (s source) folder() string { return path.Dir(s.path) }

func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	set := token.NewFileSet()
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && p != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bin" || name == "zz") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(set, p, nil, parser.SkipObjectResolution|parser.ParseComments)
		out = append(out, source{filepath.ToSlash(p), f, set})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// table reads the package table of ARCHITECTURE.md: folder -> what it may import
// of ours. The document cannot drift from the code without failing here.
func table(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `([a-z/]+)` \\|.*\\| ([^|]+) \\|$")
	quoted := regexp.MustCompile("`([a-z/]+)`")
	out := make(map[string][]string)
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		allowed := []string{}
		if m[2] == "all" {
			allowed = append(allowed, everything)
		}
		for _, name := range quoted.FindAllStringSubmatch(m[2], -1) {
			allowed = append(allowed, name[1])
		}
		out[m[1]] = allowed
	}
	if len(out) < 10 {
		t.Fatalf("ARCHITECTURE.md has a table of %d packages; has its form changed?", len(out))
	}
	return out
}

// TestImports holds every import of ours against the table.
func TestImports(t *testing.T) {
	t.Parallel()
	allowed := table(t)
	for _, s := range sources(t) {
		list, known := allowed[s.folder()]
		if !known {
			t.Errorf("%s: folder %s is not in the table of ARCHITECTURE.md", s.path, s.folder())
			continue
		}
		for _, name := range imports(t, s) {
			ours, ok := strings.CutPrefix(name, "tali/")
			if ok && !slices.Contains(list, ours) && !slices.Contains(list, everything) {
				t.Errorf("%s imports %s; ARCHITECTURE.md lets %s import %v", s.path, name, s.folder(), list)
			}
		}
	}
}

// TestOwners: what only one part of the house may speak to.
func TestOwners(t *testing.T) {
	t.Parallel()
	owners := map[string][]string{
		"github.com/spf13/viper":      {"configs"},
		"github.com/spf13/cobra":      {"cmd/tali"},
		"github.com/jmoiron/sqlx":     {"db", "db/dbtest"},
		"github.com/lib/pq":           {"db", "db/cluster", "db/dbtest"},
		"github.com/pressly/goose/v3": {"db"},
		"modernc.org/sqlite":          {"db/spool"},

		"github.com/prometheus/client_golang/prometheus":          {"cmd/tali", "cmd/tali/gateway"},
		"github.com/prometheus/client_golang/prometheus/promhttp": {"cmd/tali"},

		"github.com/chromedp/chromedp": {"web/browsertest"},

		"github.com/warthog618/modem/at":     {"gsm"},
		"github.com/warthog618/sms":          {"gsm", "gsm/modemsim"},
		"github.com/xuri/excelize/v2":        {"cmd/tali/sheet", "web"},
		"github.com/warthog618/modem/gsm":    {},
		"github.com/warthog618/modem/serial": {},
		"unsafe":                             {"gsm", "gsm/modemsim"},
	}
	for _, s := range sources(t) {
		for _, name := range imports(t, s) {
			if list, ok := owners[name]; ok && !slices.Contains(list, s.folder()) {
				t.Errorf("%s imports %s, which only %v may", s.path, name, list)
			}
		}
	}
}

// TestManners: no behaviour at import, no sleeping, every package introduced.
func TestManners(t *testing.T) {
	t.Parallel()
	introduced := make(map[string]bool)
	for _, s := range sources(t) {
		introduced[s.folder()] = introduced[s.folder()] || s.file.Doc != nil
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Name.Name == "init" && n.Recv == nil {
					t.Errorf("%s: func init", s.set.Position(n.Pos()))
				}
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && n.Sel.Name == "Sleep" {
					t.Errorf("%s: time.Sleep does not hear its context", s.set.Position(n.Pos()))
				}
			}
			return true
		})
	}
	for folder, ok := range introduced {
		if !ok {
			t.Errorf("package in %s has no comment that says what it owns", folder)
		}
	}
}

func imports(t *testing.T, s source) []string {
	t.Helper()
	var names []string
	for _, i := range s.file.Imports {
		name, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}
