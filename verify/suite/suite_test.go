package suite_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"searchrl/interval"
	"searchrl/verify"
	"searchrl/verify/suite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type check = func(context.Context, verify.Effort) (verify.Evidence, error)

func claim(id string, f check) verify.Claim {
	return verify.Claim{ID: id, Text: "text of " + id, Source: "definition", Layer: verify.Exact, Check: f}
}

func found(e verify.Evidence) check {
	return func(context.Context, verify.Effort) (verify.Evidence, error) { return e, nil }
}

func mutant(id string, caught bool, err error) verify.Mutant {
	return verify.Mutant{ID: id, Text: "text of " + id, Catch: func(context.Context, verify.Effort) (string, bool, error) {
		return "a/check", caught, err
	}}
}

// What a check does decides its claim's status; nothing that it can do keeps the others from being checked.
func TestStatuses(t *testing.T) {
	var nothing []int
	cases := []struct {
		id     string
		f      check
		status verify.Status
		err    string
	}{
		{"a/holds", found(verify.Evidence{Status: verify.Holds, Checks: 7}), verify.Holds, ""},
		{"limit/shown", found(verify.Evidence{Status: verify.Limit, Checks: 1}), verify.Limit, ""},
		{"limit/holds", found(verify.Evidence{Status: verify.Holds, Checks: 1}), verify.Broken, `status "holds"`},
		{"a/limit", found(verify.Evidence{Status: verify.Limit, Checks: 1}), verify.Broken, `status "fails as stated"`},
		{"a/broken", found(verify.Evidence{Status: verify.Broken, Checks: 3}), verify.Broken, ""},
		{"a/vacuous", found(verify.Evidence{Status: verify.Holds}), verify.Broken, "compared nothing"},
		{"a/odd", found(verify.Evidence{Status: "fine", Checks: 1}), verify.Broken, `status "fine"`},
		{"a/figure", found(verify.Evidence{Status: verify.Holds, Checks: 1, Figures: []verify.Figure{{Title: "t", Series: []verify.Series{{Name: "s", X: []float64{1}}}}}}),
			verify.Broken, "1 x and 0 y"},
		{"a/error", func(context.Context, verify.Effort) (verify.Evidence, error) {
			return verify.Evidence{}, errors.New("no data")
		}, verify.Broken, "no data"},
		{"a/panic", func(context.Context, verify.Effort) (verify.Evidence, error) { panic("out of luck") }, verify.Broken, "panic: out of luck at suite_test.go:"},
		{"a/index", func(context.Context, verify.Effort) (verify.Evidence, error) {
			return verify.Evidence{Checks: nothing[3]}, nil
		}, verify.Broken, "index out of range [3] with length 0 at suite_test.go:"},
		{"a/exit", func(context.Context, verify.Effort) (verify.Evidence, error) {
			runtime.Goexit()
			return verify.Evidence{}, nil
		}, verify.Broken, "without a result"},
	}
	s := suite.Suite{Mutants: []verify.Mutant{mutant("m/caught", true, nil), mutant("m/alive", false, nil), mutant("m/error", true, errors.New("x"))}}
	for _, c := range cases {
		limit := claim(c.id, c.f)
		limit.Limit = strings.HasPrefix(c.id, "limit/")
		limit.FalseAlarm = 1e-9
		s.Claims = append(s.Claims, limit)
	}
	ends := 0
	last := suite.Event{}
	result, err := s.Run(t.Context(), suite.Options{Workers: 3}, func(e suite.Event) {
		if e.Claim != nil || e.Mutant != nil {
			ends++
		}
		last = e
	})
	require.NoError(t, err)
	require.Len(t, result.Claims, len(cases))
	for i, c := range cases {
		row := result.Claims[i]
		require.Equal(t, c.id, row.ID)
		require.Equal(t, c.status, row.Status, c.id)
		require.Contains(t, row.Error, c.err, c.id)
		require.Equal(t, c.err == "", row.Error == "", c.id)
	}
	require.InDelta(t, float64(len(cases))*1e-9, result.FalseAlarmBudget, 1e-15)
	require.Equal(t, []bool{false, true, true}, []bool{result.Mutants[0].Alive, result.Mutants[1].Alive, result.Mutants[2].Alive})
	require.Equal(t, 1, result.Caught())
	require.False(t, result.OK())
	require.Equal(t, len(cases)+3, ends)
	require.Equal(t, [3]float64{float64(ends), float64(ends), 1}, [3]float64{float64(last.Done), float64(last.Total), last.Share})
}

// A check's seed depends on the run's seed and its own ID alone.
func TestSeeds(t *testing.T) {
	seeds := func(only string, seed uint64) map[string]uint64 {
		got := map[string]uint64{}
		s := suite.Suite{}
		for _, id := range []string{"a/x", "a/y", "b/x"} {
			s.Claims = append(s.Claims, claim(id, func(_ context.Context, e verify.Effort) (verify.Evidence, error) {
				got[id] = e.Seed
				return verify.Evidence{Status: verify.Holds, Checks: 1}, nil
			}))
		}
		result, err := s.Run(t.Context(), suite.Options{Only: only, Seed: seed, Workers: 1}, nil)
		require.NoError(t, err)
		require.True(t, result.OK())
		return got
	}
	all := seeds("", 1)
	require.Len(t, all, 3)
	require.NotEqual(t, all["a/x"], all["a/y"])
	require.Equal(t, map[string]uint64{"a/x": all["a/x"], "b/x": all["b/x"]}, seeds("*x", 1))
	require.Equal(t, map[string]uint64{"a/y": all["a/y"]}, seeds("a?y", 1))
	require.NotEqual(t, all["a/x"], seeds("", 2)["a/x"])
}

func TestSelectNamesWhatIsKnown(t *testing.T) {
	s := suite.Suite{Claims: []verify.Claim{claim("a/x", found(verify.Evidence{}))}, Mutants: []verify.Mutant{mutant("m/y", true, nil)}}
	for _, only := range []string{"a", "x", "a.x", "a/x*y", "[a]/x"} {
		_, err := s.Run(t.Context(), suite.Options{Only: only}, nil)
		var unknown *suite.UnknownError
		require.ErrorAs(t, err, &unknown, only)
		require.ErrorContains(t, err, "known are a/x, m/y")
	}
	_, err := suite.Run(t.Context(), suite.Options{Only: "nothing"}, nil)
	require.ErrorContains(t, err, " bound/*, ")
	require.Less(t, len(err.Error()), 600, "one line")
}

func TestValidate(t *testing.T) {
	x := claim("a/x", found(verify.Evidence{}))
	for name, s := range map[string]suite.Suite{
		"twice":        {Claims: []verify.Claim{x, x}},
		"claim=mutant": {Claims: []verify.Claim{x}, Mutants: []verify.Mutant{mutant("a/x", true, nil)}},
		"no check":     {Claims: []verify.Claim{{ID: "a/y", Text: "t", Source: "s", Layer: verify.Exact}}},
		"no layer":     {Claims: []verify.Claim{{ID: "a/y", Text: "t", Source: "s", Check: x.Check}}},
		"no ID":        {Mutants: []verify.Mutant{mutant("", true, nil)}},
		"no rate":      {Claims: []verify.Claim{{ID: "a/y", Text: "t", Source: "s", Layer: verify.Exact, Check: x.Check, FalseAlarm: math.NaN()}}},
	} {
		_, err := s.Run(t.Context(), suite.Options{}, nil)
		require.Error(t, err, name)
	}
}

// A cancelled run ends with what had ended, whether its checks listen or not: one that does not would be waited for for ever.
func TestCancellation(t *testing.T) {
	first, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := suite.Suite{Claims: []verify.Claim{
		claim("a/first", found(verify.Evidence{Status: verify.Holds, Checks: 1})),
		claim("a/deaf", func(context.Context, verify.Effort) (verify.Evidence, error) {
			<-first
			cancel()
			<-release
			return verify.Evidence{}, nil
		}),
		claim("a/listens", func(ctx context.Context, _ verify.Effort) (verify.Evidence, error) {
			<-ctx.Done()
			return verify.Evidence{}, ctx.Err()
		}),
		claim("a/later", found(verify.Evidence{Status: verify.Holds, Checks: 1})),
	}}
	result, err := s.Run(ctx, suite.Options{Workers: 2}, func(e suite.Event) {
		if e.ID == "a/first" {
			close(first)
		}
	})
	require.ErrorIs(t, err, context.Canceled)
	require.True(t, result.Interrupted)
	require.False(t, result.OK())
	require.Len(t, result.Claims, 1)
	require.Equal(t, "a/first", result.Claims[0].ID)
}

// Progress never falls and reports what checks say of themselves.
func TestProgress(t *testing.T) {
	s := suite.Suite{Claims: []verify.Claim{claim("a/slow", func(_ context.Context, e verify.Effort) (verify.Evidence, error) {
		for _, share := range []float64{0.5, math.NaN(), 7} {
			e.Progress(share)
		}
		return verify.Evidence{Status: verify.Holds, Checks: 1}, nil
	})}}
	var shares []float64
	_, err := s.Run(t.Context(), suite.Options{}, func(e suite.Event) { shares = append(shares, e.Share) })
	require.NoError(t, err)
	require.Equal(t, []float64{0.5, 1}, shares)
}

func TestRatio(t *testing.T) {
	want := suite.Ratio{T: 4, Measured: 4.01, Exact: 4, CI: interval.Interval{Low: 3.9, High: 4.1}}
	s := suite.Suite{Ratio: func(context.Context, verify.Effort) (suite.Ratio, error) { return want, nil }}
	result, err := s.Run(t.Context(), suite.Options{}, nil)
	require.NoError(t, err)
	require.Equal(t, &want, result.Ratio)
	s.Ratio = func(context.Context, verify.Effort) (suite.Ratio, error) { panic("no ratio") }
	result, err = s.Run(t.Context(), suite.Options{}, nil)
	require.NoError(t, err)
	require.Contains(t, result.RatioError, "no ratio")
	require.False(t, result.OK())
}

// A part of the real catalogue through Run. All of it is checked by the tests of its packages.
func TestPartOfTheCatalogue(t *testing.T) {
	result, err := suite.Run(t.Context(), suite.Options{Only: "*truncated*"}, nil)
	require.NoError(t, err)
	require.True(t, result.OK(), "%+v", result)
	require.Len(t, result.Claims, 1)
	require.Greater(t, len(result.Mutants), 5)
	for _, row := range result.Mutants {
		require.Equal(t, "kernel/truncated", row.CaughtBy)
	}
}

// Every package below verify with claims is in the catalogue, and its own test checks them and its planted faults.
func TestCatalogueIsComplete(t *testing.T) {
	s := suite.All()
	require.NoError(t, s.Validate())
	require.GreaterOrEqual(t, len(s.Mutants), 40)
	catalogue, err := os.ReadFile("catalogue.go")
	require.NoError(t, err)
	folders, err := os.ReadDir("..")
	require.NoError(t, err)
	for _, folder := range folders {
		if !folder.IsDir() || folder.Name() == "suite" {
			continue
		}
		code, tests := sources(t, filepath.Join("..", folder.Name()))
		for _, what := range []string{"Claims", "Mutants"} {
			if !strings.Contains(code, "\nfunc "+what+"() []verify.") {
				continue
			}
			require.Contains(t, string(catalogue), "\t"+folder.Name()+"."+what+"(),\n")
			require.Contains(t, tests, "verifytest."+what+"(", "the tests of %s", folder.Name())
		}
	}
}

// sources are the Go files of a folder, without its tests and these alone.
func sources(t *testing.T, folder string) (code, tests string) {
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		if strings.HasSuffix(file, "_test.go") {
			tests += string(text)
		} else {
			code += string(text)
		}
	}
	return code, tests
}

func ExampleSuite_Run() {
	s := suite.Suite{Claims: []verify.Claim{{
		ID: "sum/commutes", Text: "a+b = b+a for all bytes.", Source: "definition", Layer: verify.Exact,
		Check: func(context.Context, verify.Effort) (verify.Evidence, error) {
			e := verify.Evidence{Status: verify.Holds, Worst: "equal"}
			for a := range 256 {
				for b := range 256 {
					e.Checks++
					if a+b != b+a {
						return verify.Evidence{Status: verify.Broken, Checks: e.Checks, Worst: fmt.Sprint(a, "+", b)}, nil
					}
				}
			}
			return e, nil
		},
	}}}
	result, err := s.Run(context.Background(), suite.Options{}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Claims[0].ID, result.Claims[0].Status, result.Claims[0].Checks)
	// Output: sum/commutes holds 65536
}
