package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"searchrl/verify"
	"searchrl/verify/report"
	"searchrl/verify/suite"
)

// verifyCmd checks what this project claims.
type verifyCmd struct {
	Long bool   `help:"Check many more cases; takes long."`
	Seed uint64 `default:"0" help:"Determines everything random."`
	Only string `placeholder:"GLOB" help:"Check only the claims and planted faults whose ID matches, e.g. 'bound/*'."`
	Out  string `placeholder:"DIR" help:"Folder for the report, new or empty (default: runs/verify-TIME)."`
}

func (c *verifyCmd) Help() string {
	return "Checks every claim about the estimators and losses on the code that trains: exactly where trajectories can be enumerated, " +
		"against oracles, and by sequential tests; and that each of many planted faults is caught. The folder gets report.html " +
		"with plots, result.json and claims.csv. Exit code 1 if a claim is broken or a planted fault lives."
}

// Run checks everything.
func (c *verifyCmd) Run(ctx context.Context, con *console) error {
	return c.check(ctx, con, suite.All())
}

// check runs the suite, writes the report and shows what was found.
func (c *verifyCmd) check(ctx context.Context, con *console, s suite.Suite) error {
	if _, err := s.Select(c.Only); err != nil {
		return unusable(fmt.Errorf("--only: %w", err))
	}
	folder := c.Out
	if folder == "" {
		folder = filepath.Join("runs", "verify-"+time.Now().Format("20060102-150405"))
	}
	if err := report.Create(folder); err != nil {
		return unusable(fmt.Errorf("--out: %w", err))
	}
	info := report.Info{Program: version(), Command: c.again(), Started: time.Now().UTC(),
		Machine: fmt.Sprintf("%s/%s, %d processors", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())}

	view := &verifyView{con: con, bar: con.startBar("checking", verifyUnits)}
	result, err := s.Run(ctx, suite.Options{Long: c.Long, Seed: c.Seed, Only: c.Only}, view.observe)
	view.bar.stop()
	if result == nil {
		return err
	}
	if fault := report.Write(folder, result, info); fault != nil {
		return errors.Join(err, fault)
	}
	showVerification(con.text(), result, columns(con.text()))
	fmt.Fprintf(con.text(), "Report: %s\n", filepath.Join(folder, report.PageFile))
	err = errors.Join(err, con.document(report.NewDocument(result, info, folder)))
	if err != nil || result.OK() {
		return err
	}
	return fmt.Errorf("%d claims are broken, %d planted faults live%s", result.Count(verify.Broken), len(result.Mutants)-result.Caught(),
		map[bool]string{true: "; the variance ratio could not be measured: " + result.RatioError}[result.RatioError != ""])
}

// again is the command line that gives the same result.
func (c *verifyCmd) again() string {
	command := fmt.Sprintf("searchrl verify --seed %d", c.Seed)
	if c.Long {
		command += " --long"
	}
	if c.Only != "" {
		command += " --only '" + strings.ReplaceAll(c.Only, "'", `'\''`) + "'"
	}
	return command
}

// verifyUnits is the length of the progress bar.
const verifyUnits = 1000

// verifyView shows the progress of a verification: a bar on a terminal, a line a check elsewhere.
type verifyView struct {
	con *console
	bar *bar
}

func (v *verifyView) observe(e suite.Event) {
	switch {
	case e.Claim != nil && e.Claim.Status == verify.Broken:
		v.con.note("%d/%d %s is BROKEN: %s", e.Done, e.Total, e.ID, printable(e.Claim.Worst))
	case e.Claim != nil:
		v.bar.line("%d/%d %s %s: %s checks, %.1f s", e.Done, e.Total, e.ID, e.Claim.Status, thousands(e.Claim.Checks), e.Claim.Seconds)
	case e.Mutant != nil && e.Mutant.Alive:
		v.con.note("%d/%d planted fault %s LIVES: %s", e.Done, e.Total, e.ID, printable(e.Mutant.CaughtBy+" "+e.Mutant.Error))
	case e.Mutant != nil:
		v.bar.line("%d/%d planted fault %s caught by %s", e.Done, e.Total, e.ID, e.Mutant.CaughtBy)
	}
	v.bar.set(int(e.Share*verifyUnits), "%d/%d %s", e.Done, e.Total, e.ID)
}

// columns is the width of the terminal w; 0 where w is none.
func columns(w io.Writer) int {
	if f, ok := w.(*os.File); ok && terminal(w) {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil {
			return n
		}
	}
	return 0
}

// showVerification prints the table of claims and the sums, in lines of at most width columns; 0 for no limit.
func showVerification(w io.Writer, r *suite.Result, width int) {
	style := styled(w)
	fmt.Fprintln(w)
	if len(r.Claims) > 0 {
		showClaims(w, r.Claims, width)
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "Claims: %d hold, %d fail as stated, %d broken.\n", r.Count(verify.Holds), r.Count(verify.Limit), r.Count(verify.Broken))
	fmt.Fprintf(w, "Planted faults: %d planted, %d caught.\n", len(r.Mutants), r.Caught())
	for _, m := range r.Mutants {
		if m.Alive {
			fmt.Fprintf(w, "  %s %s: %s\n", style(red, "lives:"), m.ID, printable(strings.TrimSpace(m.Text+" "+m.Error)))
		}
	}
	fmt.Fprintf(w, "False-alarm budget: %.2g in this run, %.2g in one go test ./... of all.\n", r.FalseAlarmBudget, r.TestBudget)
	if r.Ratio != nil {
		fmt.Fprintf(w, "Variance ratio: measured %.3f %v (95 %%), exact %.3f, T = %d.\n", r.Ratio.Measured, r.Ratio.CI, r.Ratio.Exact, r.Ratio.T)
	}
}

// claimStyles are the colours of the statuses.
var claimStyles = map[verify.Status]string{verify.Holds: green, verify.Limit: cyan, verify.Broken: red}

// showClaims prints the table of claims in at most width columns, 0 for no limit: the worst case and the source are
// shortened, and where they would keep too little room, each claim takes two lines.
func showClaims(w io.Writer, rows []suite.Row, width int) {
	const gap, worst, source, least = "  ", 4, 5, 40
	cells := [][]string{{"claim", "status", "checks", "false alarm", "worst case seen", "source"}}
	for _, r := range rows {
		cells = append(cells, []string{r.ID, string(r.Status), thousands(r.Checks), fmt.Sprintf("%.2g", r.FalseAlarm), oneLine(r.Worst), oneLine(r.Source)})
	}
	widths := make([]int, len(cells[0]))
	for _, row := range cells {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	style := styled(w)
	if width > 0 {
		free := width - 5*len(gap) - widths[0] - widths[1] - widths[2] - widths[3]
		if free < least {
			for i, row := range cells[1:] {
				fmt.Fprintf(w, "%s%s%s\n", shortened(row[0], width-len(gap)-len(row[1])), gap, style(claimStyles[rows[i].Status], row[1]))
				facts := fmt.Sprintf("%s checks, false alarm %s; %s (%s)", row[2], row[3], row[worst], row[source])
				fmt.Fprintln(w, style(faint, gap+shortened(facts, width-len(gap))))
			}
			return
		}
		if free < widths[worst]+widths[source] {
			widths[source] = min(widths[source], max(free/3, free-widths[worst]))
			widths[worst] = free - widths[source]
		}
	}
	for i, row := range cells {
		look := faint
		if i > 0 {
			look = claimStyles[rows[i-1].Status]
		}
		line := strings.Join([]string{padded(row[0], widths[0]), style(look, padded(row[1], widths[1])), leftPadded(row[2], widths[2]), leftPadded(row[3], widths[3]),
			padded(shortened(row[worst], widths[worst]), widths[worst]), style(faint, shortened(row[source], widths[source]))}, gap)
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
}

func oneLine(text string) string { return printable(strings.Join(strings.Fields(text), " ")) }

func padded(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

func leftPadded(text string, width int) string {
	return strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text))) + text
}

// shortened cuts a text that is longer than width.
func shortened(text string, width int) string {
	if runes := []rune(text); len(runes) > width {
		return string(runes[:max(0, width-1)]) + "…"
	}
	return text
}
