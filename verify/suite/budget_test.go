package suite_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/verify/suite"
)

func TestBudget(t *testing.T) {
	total := suite.Total(suite.Budget())
	t.Logf("false-alarm budget: %.2g", total)
	require.LessOrEqual(t, total, suite.Limit)
	for _, c := range suite.Budget() {
		require.NotEmpty(t, c.Why, c.Check)
		require.True(t, c.Where != "" || c.Rate > 0, c.Check)
		if c.Where != "" {
			require.FileExists(t, filepath.Join("../..", c.Where), c.Check)
		}
	}
}

// TestBudgetIsComplete: a test file that takes random numbers from the runtime's own generator has a line in the budget.
func TestBudgetIsComplete(t *testing.T) {
	listed := map[string]bool{}
	for _, c := range suite.Budget() {
		listed[c.Where] = true
	}
	random := regexp.MustCompile(`\brand\.(Uint64|Uint32|Int|Int64|Int32|IntN|Int64N|Uint64N|N|Float64|Float32|NormFloat64|ExpFloat64|Perm|Shuffle)\(|verifytest\.Seed\(|UnixNano\(\)`)
	root := filepath.Join("..", "..")
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		where, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if match := random.Find(text); match != nil && !listed[filepath.ToSlash(where)] && filepath.Base(path) != "budget_test.go" {
			t.Errorf("%s calls %s…): a test with a random seed needs a line in verify/suite/budget.go with its false-alarm rate", where, match)
		}
		return nil
	}))
}
