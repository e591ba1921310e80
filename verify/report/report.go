package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"searchrl/report"
	"searchrl/runfolder"
	"searchrl/verify"
	"searchrl/verify/suite"
)

// Names of the files that Write makes.
const (
	PageFile   = "report.html"
	ResultFile = "result.json"
	ClaimsFile = "claims.csv"
)

// Info says where a result comes from.
type Info struct {
	Program string    `json:"program"` // name, version and commit, as far as known
	Command string    `json:"command"` // what gives this result again
	Machine string    `json:"machine"`
	Started time.Time `json:"started"`
}

// Document is a result for scripts. Its fields stay; new ones may come.
type Document struct {
	Claims  []suite.Row `json:"claims"`
	Mutants struct {
		Planted int               `json:"planted"`
		Caught  int               `json:"caught"`
		List    []suite.MutantRow `json:"list"`
	} `json:"mutants"`
	FalseAlarmBudget float64      `json:"false_alarm_budget"`
	TestBudget       float64      `json:"test_budget"` // the same of all random checks in one go test ./...
	Ratio            *suite.Ratio `json:"ratio"`       // null if it was not measured
	RatioError       string       `json:"ratio_error,omitempty"`
	Seed             uint64       `json:"seed"`
	Long             bool         `json:"long"`
	Only             string       `json:"only,omitempty"`
	Seconds          float64      `json:"seconds"`
	Interrupted      bool         `json:"interrupted,omitempty"`
	Folder           string       `json:"folder,omitempty"`
	Info
}

// NewDocument returns the result as a document; folder is where the report is, "" for nowhere.
func NewDocument(r *suite.Result, info Info, folder string) *Document {
	d := &Document{Claims: r.Claims, FalseAlarmBudget: r.FalseAlarmBudget, TestBudget: r.TestBudget, Ratio: r.Ratio, RatioError: r.RatioError,
		Seed: r.Seed, Long: r.Long, Only: r.Only, Seconds: r.Seconds, Interrupted: r.Interrupted, Folder: folder, Info: info}
	d.Mutants.Planted, d.Mutants.Caught, d.Mutants.List = len(r.Mutants), r.Caught(), r.Mutants
	return d
}

// Create makes the folder dir, and those above it. It may exist if it is empty: a report never replaces another.
func Create(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("report folder: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("report folder: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("report folder %s: it is not empty (it holds %s); name another one, or remove it", dir, entries[0].Name())
	}
	return nil
}

// Write writes the files into the folder dir, which must exist. Each appears whole or not at all; the page comes last.
func Write(dir string, r *suite.Result, info Info) error {
	for _, file := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{ResultFile, func(w io.Writer) error {
			enc := json.NewEncoder(w)
			enc.SetIndent("", "  ")
			enc.SetEscapeHTML(false)
			return enc.Encode(NewDocument(r, info, ""))
		}},
		{ClaimsFile, func(w io.Writer) error { return writeCSV(w, r.Claims) }},
		{PageFile, func(w io.Writer) error { return Page(w, r, info) }},
	} {
		if err := runfolder.WriteFile(filepath.Join(dir, file.name), file.write); err != nil {
			return fmt.Errorf("report folder %s: %w", dir, err)
		}
	}
	return nil
}

func writeCSV(w io.Writer, rows []suite.Row) error {
	out := csv.NewWriter(w)
	out.Write([]string{"id", "layer", "status", "checks", "worst", "false_alarm", "power", "seconds", "source", "text", "error"})
	for _, r := range rows {
		out.Write([]string{r.ID, string(r.Layer), string(r.Status), strconv.Itoa(r.Checks), r.Worst,
			strconv.FormatFloat(r.FalseAlarm, 'g', -1, 64), r.Power, strconv.FormatFloat(r.Seconds, 'f', 3, 64), r.Source, r.Text, r.Error})
	}
	out.Flush()
	return out.Error()
}

// Page writes the page.
func Page(w io.Writer, r *suite.Result, info Info) error {
	page := report.Page{
		Title:   "What searchrl claims, checked",
		Verdict: verdict(r),
		Tiles: []report.Tile{
			{Name: "claims", Value: number("", strconv.Itoa(len(r.Claims))), Note: fmt.Sprintf("%d hold, %d fail as stated, %d broken",
				r.Count(verify.Holds), r.Count(verify.Limit), r.Count(verify.Broken))},
			{Name: "planted faults", Value: number("mutants/planted", strconv.Itoa(len(r.Mutants))), Note: fmt.Sprintf("%d caught", r.Caught())},
			{Name: "false-alarm budget", Value: number("false_alarm_budget", small(r.FalseAlarmBudget)), Note: budgetNote(r)},
		},
		Intro: "A claim holds if no check contradicted it. It fails as stated if it is about a limit of the theory, and the failure that " +
			"it names was shown on purpose. exact: enumerated in rational numbers, with no tolerance. kernel: the code that trains " +
			"against an oracle. sampled: the real path, by a sequential test whose probability of a false alarm is set.",
	}
	if r.Ratio != nil {
		page.Tiles = append(page.Tiles, report.Tile{Name: fmt.Sprintf("variance ratio, T = %d", r.Ratio.T), Value: number("ratio/measured", small(r.Ratio.Measured)),
			Note: fmt.Sprintf("95 %%: %s to %s; exact %s", small(r.Ratio.CI.Low), small(r.Ratio.CI.High), small(r.Ratio.Exact))})
	}
	claims := report.Section{ID: "claims", Title: "Claims", Table: claimTable(r)}
	if r.RatioError != "" {
		claims.Error = "The variance ratio could not be measured: " + r.RatioError
	}
	page.Sections = append(page.Sections, claims, report.Section{ID: "figures", Title: "Figures", Gallery: gallery(r)})
	if len(r.Mutants) > 0 {
		page.Sections = append(page.Sections, report.Section{ID: "mutants", Title: "Planted faults",
			Text: "Each is a wrong version of one function, and the check that must notice.", Table: mutantTable(r)})
	}
	page.Sections = append(page.Sections, report.Section{ID: "settings", Title: "This run", Settings: settings(r, info)})
	return page.Write(w)
}

func verdict(r *suite.Result) *report.Verdict {
	switch {
	case r.OK() && r.Only != "":
		return &report.Verdict{OK: true, Text: "Nothing is broken in the part " + r.Only + "."}
	case r.OK():
		return &report.Verdict{OK: true, Text: "Nothing is broken."}
	case r.Interrupted:
		return &report.Verdict{Text: "The run was interrupted."}
	}
	return &report.Verdict{Text: "Something is broken."}
}

func budgetNote(r *suite.Result) string {
	note := "of this run"
	if r.TestBudget > 0 {
		note += "; " + small(r.TestBudget) + " for go test ./..."
	}
	return note
}

// statuses say a status by a mark and by words.
var statuses = map[verify.Status]report.Status{
	verify.Holds:  {Class: "holds", Text: "✓ " + string(verify.Holds)},
	verify.Limit:  {Class: "limit", Text: "△ " + string(verify.Limit)},
	verify.Broken: {Class: "broken", Text: "✗ " + string(verify.Broken)},
}

func claimTable(r *suite.Result) *report.Table {
	t := &report.Table{
		Columns: []report.Column{{Title: "claim"}, {Title: "layer"}, {Title: "status"}, {Title: "worst case seen"},
			{Title: "checks", Number: true}, {Title: "false alarm", Number: true}, {Title: "s", Number: true}},
		Filters: []report.Filter{
			{Name: "layer", Values: []string{string(verify.Exact), string(verify.Kernel), string(verify.Sampled)}},
			{Name: "status", Values: []string{string(verify.Holds), string(verify.Limit), string(verify.Broken)}},
		},
		Counted: "claims",
	}
	for i, c := range r.Claims {
		name := report.Cell{Code: c.ID, Text: c.Text, Note: c.Source, Error: c.Error}
		if len(c.Figures) > 0 {
			name.Link, name.LinkText = anchor(c.ID), "figure"
		}
		worst := report.Cell{Text: c.Worst}
		if c.Power != "" {
			worst.Note = "power: " + c.Power
		}
		key := func(of string) string { return fmt.Sprintf("claims/%d/%s", i, of) }
		status := statuses[c.Status]
		t.Rows = append(t.Rows, report.Row{Tags: []string{string(c.Layer), string(c.Status)}, Cells: []report.Cell{
			name, {Text: string(c.Layer)}, {Status: &status}, worst,
			numbered(key("checks"), report.Thousands(c.Checks)), numbered(key("false_alarm"), small(c.FalseAlarm)),
			numbered(key("seconds"), report.Decimals(1)(c.Seconds)),
		}})
	}
	return t
}

func gallery(r *suite.Result) []report.Entry {
	var entries []report.Entry
	for _, c := range r.Claims {
		if len(c.Figures) > 0 {
			entries = append(entries, report.Entry{ID: anchor(c.ID), Code: c.ID, Figures: c.Figures})
		}
	}
	return entries
}

func mutantTable(r *suite.Result) *report.Table {
	t := &report.Table{Columns: []report.Column{{Title: "fault"}, {Title: "outcome"}, {Title: "by"}}}
	for _, m := range r.Mutants {
		outcome := report.Status{Class: "holds", Text: "✓ caught"}
		if m.Alive {
			outcome = report.Status{Class: "broken", Text: "✗ lives"}
		}
		t.Rows = append(t.Rows, report.Row{Cells: []report.Cell{{Code: m.ID, Text: m.Text, Error: m.Error}, {Status: &outcome}, {Code: m.CaughtBy}}})
	}
	return t
}

func settings(r *suite.Result, info Info) []report.Setting {
	mode := "short"
	if r.Long {
		mode = "long"
	}
	if r.Only != "" {
		mode += ", only " + r.Only
	}
	return []report.Setting{
		{Name: "program", Value: info.Program}, {Name: "again", Value: info.Command, Code: true},
		{Name: "seed", Value: strconv.FormatUint(r.Seed, 10)}, {Name: "mode", Value: mode}, {Name: "machine", Value: info.Machine},
		{Name: "started", Value: report.Time(info.Started) + ", " + report.Decimals(1)(r.Seconds) + " s"},
	}
}

// anchor is the ID of a claim's figures in the page.
func anchor(id string) string { return "claim-" + strings.ReplaceAll(id, "/", "-") }

func small(x float64) string { return strconv.FormatFloat(x, 'g', 3, 64) }

func number(key, text string) report.Number { return report.Number{Key: key, Text: text} }

func numbered(key, text string) report.Cell {
	return report.Cell{Number: &report.Number{Key: key, Text: text}}
}
