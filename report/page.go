package report

import (
	"embed"
	"html/template"
	"io"
	"strconv"
	"strings"
	"time"

	"searchrl/interval"
)

// Page is what a reader sees.
type Page struct {
	Title    string
	Verdict  *Verdict // one line below the title, or nil
	Tiles    []Tile
	Intro    string
	Sections []Section
}

// Verdict is the page in one line.
type Verdict struct {
	OK   bool
	Text string
}

// Tile is a figure to be seen first.
type Tile struct {
	Name  string
	Value Number
	Note  string
}

// Section is a part of a page; of its contents, those that are set are shown in this order.
type Section struct {
	ID, Title string // ID is what links name
	Text      string
	Error     string
	Table     *Table
	Gallery   []Entry
	Browser   *Browser
	Settings  []Setting
}

// Entry is a group of figures under a name.
type Entry struct {
	ID, Code string
	Figures  []Figure
}

// Setting is a name and what it is set to.
type Setting struct {
	Name, Value string
	Code        bool
}

// Table has columns with titles. On a phone, each row becomes a card in which every cell but the first names its column.
type Table struct {
	Columns []Column
	Rows    []Row
	// Filters let the reader choose rows; what is counted has the name Counted.
	Filters []Filter
	Counted string
}

// Column is a column of a table. Numbers are set to the right.
type Column struct {
	Title  string
	Number bool
}

// Filter offers the values of the rows' tag of that name.
type Filter struct {
	Name   string
	Values []string
}

// Row is a row of a table.
type Row struct {
	Tags  []string // the values that filters look at, in the order of Table.Filters
	Cells []Cell
}

// Joined returns the tags in one text.
func (r Row) Joined() string { return strings.Join(r.Tags, "\n") }

// Cell holds, as far as set, a name in fixed type with a link, a status, a number with its interval, a text, a remark and an
// error, in this order.
type Cell struct {
	Code   string
	Link   string // ID of an entry or a section; LinkText is what it shows
	Status *Status
	Number *Number
	CI     [2]*Number
	Text   string
	Note   string
	Error  string

	LinkText string
}

// Status is told by its mark and words, not by colour alone; Class is "holds", "limit" or "broken".
type Status struct{ Class, Text string }

// Number is a number as it is shown, and the path of keys, with slashes, at which the JSON document has it ("" for none).
type Number struct{ Key, Text string }

// Figured returns a cell with the number value as format shows it times scale, and its interval, if known. The
// document has them under key, and with "/0" and "/1" appended to ciKey. A nil value is a dash.
func Figured(key, ciKey string, value *float64, ci interval.Interval, scale float64, format func(float64) string) Cell {
	if value == nil {
		return Cell{Text: "–"}
	}
	c := Cell{Number: &Number{key, format(scale * *value)}}
	if ci.Known() {
		c.CI = [2]*Number{{ciKey + "/0", format(scale * ci.Low)}, {ciKey + "/1", format(scale * ci.High)}}
	}
	return c
}

// Decimals returns a format with n decimals and a true minus sign.
func Decimals(n int) func(float64) string {
	return func(x float64) string {
		text := strconv.FormatFloat(x, 'f', n, 64)
		if strings.Trim(text, "-0.") == "" {
			text = strings.TrimPrefix(text, "-")
		}
		return strings.Replace(text, "-", "−", 1)
	}
}

// Signed is Decimals with a plus sign.
func Signed(n int) func(float64) string {
	plain := Decimals(n)
	return func(x float64) string {
		text := plain(x)
		if x > 0 {
			text = "+" + text
		}
		return text
	}
}

// Thousands writes a whole number in groups of three digits.
func Thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Time writes a moment to the minute.
func Time(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

//go:embed page.html page.css page.js
var files embed.FS

// Write writes the page as HTML.
func (p *Page) Write(w io.Writer) error {
	page, err := template.New("page.html").Funcs(template.FuncMap{
		"plot":   newPlot,
		"style":  func() (template.CSS, error) { text, err := files.ReadFile("page.css"); return template.CSS(text), err },
		"script": func() (template.JS, error) { text, err := files.ReadFile("page.js"); return template.JS(text), err },
	}).ParseFS(files, "page.html")
	if err != nil {
		return err
	}
	return page.Execute(w, p)
}

// Classes returns the classes of a cell in this column.
func (c Column) Classes() string {
	if c.Number {
		return "n"
	}
	return ""
}

// Long reports whether the cell needs a line of its own on a phone.
func (c Cell) Long() bool { return len(c.Text) > 24 }
