package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"searchrl/interval"
	"searchrl/verify"
	"searchrl/verify/suite"
)

// verified runs verify on a suite of one claim and one mutant and returns the exit code and both outputs.
func verified(t *testing.T, asJSON bool, status verify.Status, caught bool) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	con := newConsole(&out, &errs)
	con.json = asJSON
	s := suite.Suite{
		Claims: []verify.Claim{{ID: "a/x", Text: "x is so", Source: "definition", Layer: verify.Exact, FalseAlarm: 2e-9, Limit: status == verify.Limit,
			Check: func(context.Context, verify.Effort) (verify.Evidence, error) {
				return verify.Evidence{Status: status, Checks: 1234, Worst: "none\x1b[31m"}, nil
			}}},
		Mutants: []verify.Mutant{{ID: "m/y", Text: "y is wrong", Catch: func(context.Context, verify.Effort) (string, bool, error) {
			return "a/x", caught, nil
		}}},
		Ratio: func(context.Context, verify.Effort) (suite.Ratio, error) {
			return suite.Ratio{T: 4, Measured: 4.02, Exact: 4, CI: interval.Interval{Low: 3.9, High: 4.1}}, nil
		},
	}
	command := verifyCmd{Out: filepath.Join(t.TempDir(), "report")}
	code = con.fail(command.check(t.Context(), con, s))
	_, err := os.Stat(filepath.Join(command.Out, "report.html"))
	require.NoError(t, err, "the report is written whatever was found")
	return code, out.String(), errs.String()
}

func TestVerifyExitCodes(t *testing.T) {
	for _, c := range []struct {
		status verify.Status
		caught bool
		code   int
	}{
		{verify.Holds, true, exitDone}, {verify.Limit, true, exitDone}, {verify.Broken, true, exitFailed}, {verify.Holds, false, exitFailed},
	} {
		code, stdout, stderr := verified(t, true, c.status, c.caught)
		require.Equal(t, c.code, code)
		require.Equal(t, 1, strings.Count(stdout, "\n"), "one document, also if something is broken")
		var document struct {
			Claims []struct {
				ID, Source, Status, Worst string
				Checks                    int
			}
			Mutants struct{ Planted, Caught int }
			Budget  float64 `json:"false_alarm_budget"`
			Ratio   struct {
				T               int
				Measured, Exact float64
				CI              []float64
			}
		}
		require.NoError(t, json.Unmarshal([]byte(stdout), &document))
		require.Equal(t, string(c.status), document.Claims[0].Status)
		require.Equal(t, 1234, document.Claims[0].Checks)
		require.Equal(t, 1, document.Mutants.Planted)
		require.Equal(t, c.caught, document.Mutants.Caught == 1)
		require.Equal(t, 2e-9, document.Budget)
		require.Equal(t, []float64{3.9, 4.1}, document.Ratio.CI)
		require.Equal(t, c.code != exitDone, strings.Contains(stderr, "\nsearchrl: "), stderr)
		require.NotContains(t, stderr, "\x1b", "no claim drives the terminal")
	}
	_, stdout, _ := verified(t, false, verify.Holds, false)
	require.Contains(t, stdout, "Planted faults: 1 planted, 0 caught.\n  lives: m/y: y is wrong\n")
	require.Contains(t, stdout, "Variance ratio: measured 4.020 [3.900, 4.100] (95 %), exact 4.000, T = 4.\n")
}

// The table fits every terminal, and is whole where there is none.
func TestVerifyTableFits(t *testing.T) {
	rows := []suite.Row{
		{ID: "bound/ratio-at-least-T", Status: verify.Holds, Checks: 100_000, Worst: strings.Repeat("worst ", 20), Source: strings.Repeat("source ", 9)},
		{ID: "bound/counter-example", Status: verify.Limit, Checks: 1, Worst: "ratio 0·T", Source: "ours", FalseAlarm: 1e-9},
	}
	for width := 45; width < 260; width++ {
		var b bytes.Buffer
		showClaims(&b, rows, width)
		for line := range strings.Lines(b.String()) {
			require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), width, line)
		}
		require.Contains(t, b.String(), "bound/ratio-at-least-T")
		require.Contains(t, b.String(), "fails as stated")
	}
	var b bytes.Buffer
	showClaims(&b, rows, 0)
	require.Contains(t, b.String(), strings.TrimSpace(rows[0].Worst))
	require.NotContains(t, b.String(), "…")
}
