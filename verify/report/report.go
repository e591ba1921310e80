package report

import (
	"embed"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

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

//go:embed page.html page.css page.js
var files embed.FS

// Page writes the page.
func Page(w io.Writer, r *suite.Result, info Info) error {
	page, err := template.New("page.html").Funcs(template.FuncMap{
		"plot":      newPlot,
		"thousands": thousands,
		"anchor":    func(id string) string { return "claim-" + strings.ReplaceAll(id, "/", "-") },
		"small":     func(x float64) string { return strconv.FormatFloat(x, 'g', 3, 64) },
		"seconds":   func(x float64) string { return strconv.FormatFloat(x, 'f', 1, 64) },
		"mark":      func(s verify.Status) string { return marks[s] },
		"class":     func(s verify.Status) string { return classes[s] },
		"style":     func() (template.CSS, error) { text, err := files.ReadFile("page.css"); return template.CSS(text), err },
		"script":    func() (template.JS, error) { text, err := files.ReadFile("page.js"); return template.JS(text), err },
	}).ParseFS(files, "page.html")
	if err != nil {
		return err
	}
	return page.Execute(w, struct {
		*suite.Result
		Info                 Info
		Holds, Limit, Broken int
		Layers               []verify.Layer
		Statuses             []verify.Status
	}{r, info, r.Count(verify.Holds), r.Count(verify.Limit), r.Count(verify.Broken),
		[]verify.Layer{verify.Exact, verify.Kernel, verify.Sampled}, []verify.Status{verify.Holds, verify.Limit, verify.Broken}})
}

// A status is told by its mark and words, not by colour alone.
var (
	marks   = map[verify.Status]string{verify.Holds: "✓", verify.Limit: "△", verify.Broken: "✗"}
	classes = map[verify.Status]string{verify.Holds: "holds", verify.Limit: "limit", verify.Broken: "broken"}
)

// thousands writes a number in groups of three digits.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
