package docs_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// row is one equation of the index, with what computes and what checks it.
type row struct {
	equation     string
	names, tests []string
}

var quoted = regexp.MustCompile("`([^`]+)`")

// index reads the tables of equations, by section; a section's title quotes the packages it is about.
func index(t *testing.T) (rows map[string][]row) {
	t.Helper()
	text, err := os.ReadFile("paper-index.md")
	require.NoError(t, err)
	rows = map[string][]row{}
	var packages []string
	equations := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "## "):
			packages, equations = codes(line), false
		case strings.HasPrefix(line, "| equation "):
			equations = true
		case !strings.HasPrefix(line, "|"):
			equations = false
		case equations && !strings.HasPrefix(line, "|--"):
			cells := strings.Split(strings.ReplaceAll(line, `\|`, "\x00"), "|")
			require.Len(t, cells, 5, line)
			r := row{strings.ReplaceAll(codes(cells[1])[0], "\x00", "|"), codes(cells[2]), codes(cells[3])}
			require.NotEmpty(t, r.names, line)
			require.NotEmpty(t, r.tests, line)
			for _, p := range packages {
				rows[p] = append(rows[p], r)
			}
		}
	}
	return rows
}

func codes(text string) []string {
	var out []string
	for _, match := range quoted.FindAllStringSubmatch(text, -1) {
		out = append(out, match[1])
	}
	return out
}

// declared returns the functions and methods of a package's folder, tests apart.
func declared(dir string) (functions, tests map[string]bool, err error) {
	functions, tests = map[string]bool{}, map[string]bool{}
	files, err := filepath.Glob(filepath.Join("..", dir, "*.go"))
	if err != nil || len(files) == 0 {
		return nil, nil, fmt.Errorf("package %s has no files: %w", dir, err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			return nil, nil, err
		}
		for _, declaration := range parsed.Decls {
			f, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			name := f.Name.Name
			if f.Recv != nil {
				receiver := f.Recv.List[0].Type
				if star, ok := receiver.(*ast.StarExpr); ok {
					receiver = star.X
				}
				if id, ok := receiver.(*ast.Ident); ok {
					name = id.Name + "." + name
				}
			}
			if strings.HasSuffix(file, "_test.go") {
				tests[name] = true
			} else {
				functions[name] = true
			}
		}
	}
	return functions, tests, nil
}

// lookUp reports what is wrong with a name such as baseline/gigpo.Credit.Advantages.
func lookUp(name string, test bool) error {
	slash := strings.LastIndex(name, "/") + 1
	dot := strings.Index(name[slash:], ".")
	if dot < 0 {
		return fmt.Errorf("%s: expected package.Name", name)
	}
	dir, symbol := name[:slash+dot], name[slash+dot+1:]
	functions, tests, err := declared(dir)
	switch {
	case err != nil:
		return err
	case test && (!tests[symbol] || !strings.HasPrefix(symbol, "Test")):
		return fmt.Errorf("%s: the package has no such test", name)
	case !test && !functions[symbol]:
		return fmt.Errorf("%s: the package has no such function", name)
	}
	return nil
}

// equations returns the equations of a package's documentation: the indented lines below a heading that says equations,
// with spaces made single.
func equations(doc string) []string {
	var out []string
	inside := false
	for line := range strings.Lines(doc) {
		line = strings.TrimRight(strings.TrimPrefix(line, "//"), "\n")
		switch {
		case strings.HasPrefix(line, " # "):
			inside = strings.Contains(strings.ToLower(line), "equations")
		case inside && strings.HasPrefix(line, "\t") && (strings.Contains(line, " = ") || strings.Contains(line, " ~ ") || strings.Contains(line, " ← ")):
			out = append(out, strings.Join(strings.Fields(line), " "))
		}
	}
	return out
}

func TestEntriesPointAtSomething(t *testing.T) {
	for section, rows := range index(t) {
		for _, r := range rows {
			for _, name := range r.names {
				require.NoError(t, lookUp(name, false), "%s: %s", section, r.equation)
			}
			for _, name := range r.tests {
				require.NoError(t, lookUp(name, true), "%s: %s", section, r.equation)
			}
		}
	}
}

func TestEveryEquationHasAnEntry(t *testing.T) {
	rows := index(t)
	var documented []string // every quoted equation must be among these
	require.NoError(t, filepath.WalkDir("..", func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.Name() != "doc.go" {
			return err
		}
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		name := filepath.ToSlash(filepath.Dir(strings.TrimPrefix(path, "../")))
		for _, equation := range equations(string(text)) {
			documented = append(documented, equation)
			require.True(t, slices.ContainsFunc(rows[name], func(r row) bool { return strings.Contains(equation, r.equation) }),
				"docs/paper-index.md has no entry for %s: %s", name, equation)
		}
		return nil
	}))
	require.Greater(t, len(documented), 30)
	for section, rows := range rows {
		for _, r := range rows {
			require.True(t, slices.ContainsFunc(documented, func(e string) bool { return strings.Contains(e, r.equation) }),
				"%s: no documentation of a package has the equation %s", section, r.equation)
		}
	}
}

// Every package that has a method has equations to index.
func TestEveryMethodHasEquations(t *testing.T) {
	collects := regexp.MustCompile(`\) Collect\((ctx )?(context\.Context|_ context\.Context)`)
	found := 0
	require.NoError(t, filepath.WalkDir("..", func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
			strings.HasPrefix(path, filepath.Join("..", "verify")) || strings.HasPrefix(path, filepath.Join("..", "internal")) {
			return err
		}
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		if !collects.Match(text) || filepath.Base(filepath.Dir(path)) == "grpo" {
			return nil
		}
		doc, err := os.ReadFile(filepath.Join(filepath.Dir(path), "doc.go"))
		require.NoError(t, err)
		require.NotEmpty(t, equations(string(doc)), "%s has a method, and its package's documentation no equations", path)
		found++
		return nil
	}))
	require.Greater(t, found, 5)
}

func TestLookUpFindsFaults(t *testing.T) {
	require.NoError(t, lookUp("grpo.GroupAdvantages", false))
	require.NoError(t, lookUp("grpo.Surrogate.Loss", false))
	require.Error(t, lookUp("grpo.GroupAdvantage", false))
	require.Error(t, lookUp("grpo.GroupAdvantages", true))
	require.Error(t, lookUp("nowhere.F", false))
	require.Error(t, lookUp("grpo", false))
	require.Equal(t, []string{"a = b", "x c ~ d"}, equations("// text = no\n//\n// # Equations\n//\n//\ta   = b\n//\tx   c ~ d\n//\tno equation\n// # Rules\n//\te = f\n"))
}
