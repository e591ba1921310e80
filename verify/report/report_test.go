package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"searchrl/internal/pagetest"
	"searchrl/interval"
	"searchrl/verify"
	"searchrl/verify/suite"
)

const hostile = `<script>alert("x")</script>'"&{{.}}` + "\x00</style></title>"

func sample(text string) (*suite.Result, Info) {
	figure := verify.Figure{Title: text, X: text, Y: text, Text: text, Series: []verify.Series{
		{Name: text, X: []float64{1, 2, 3}, Y: []float64{1, 4, 9}, Low: []float64{0, 3, 8}, High: []float64{2, 5, 10}},
		{Name: text, X: []float64{1, 2}, Y: []float64{2, 3}, Points: true, Low: []float64{1, 2}, High: []float64{3, 4}},
	}}
	return &suite.Result{
		Claims: []suite.Row{
			{ID: text, Text: text, Source: text, Layer: verify.Exact, Status: verify.Holds, Checks: 123456, Worst: text, Power: text, Figures: []verify.Figure{figure}},
			{ID: "b/y", Text: "t", Layer: verify.Sampled, Status: verify.Broken, Error: text, FalseAlarm: 1e-9},
		},
		Mutants:          []suite.MutantRow{{ID: text, Text: text, CaughtBy: text}, {ID: "m/alive", Text: "t", CaughtBy: "c", Alive: true, Error: text}},
		FalseAlarmBudget: 1e-9, Ratio: &suite.Ratio{T: 4, Measured: 4.1, Exact: 4, CI: interval.Interval{Low: 3.9, High: 4.3}}, Only: text, Seed: 7,
	}, Info{Program: text, Command: text, Machine: text, Started: time.Unix(0, 0)}
}

// Whatever claims say, the page keeps its structure: no element, script or attribute comes from data.
func TestPageEscapesEverything(t *testing.T) {
	elements := func(text string) string {
		r, info := sample(text)
		var b bytes.Buffer
		require.NoError(t, Page(&b, r, info))
		return strings.Join(regexp.MustCompile(`</?[a-zA-Z!][a-zA-Z0-9]*`).FindAllString(b.String(), -1), "")
	}
	require.Equal(t, elements("plain"), elements(hostile))
}

// Every number of the tiles and tables is the document's.
func TestPageNumbersAreTheDocuments(t *testing.T) {
	r, info := sample("x")
	var b bytes.Buffer
	require.NoError(t, Page(&b, r, info))
	require.Greater(t, pagetest.Numbers(t, b.String(), NewDocument(r, info, "")), 7)
}

func TestPageIsSelfContained(t *testing.T) {
	r, info := sample("x")
	var b bytes.Buffer
	require.NoError(t, Page(&b, r, info))
	page := b.String()
	for _, forbidden := range []string{"http://", "https://", "src=", "<link", "@import", "url("} {
		require.NotContains(t, page, forbidden)
	}
	for _, expected := range []string{"default-src 'none'", "prefers-color-scheme: dark", "viewport", "123,456", "4.1", "✗ lives", "Something is broken", "<desc>x from"} {
		require.Contains(t, page, expected)
	}
	require.NotContains(t, page, "ZgotmplZ", "html/template refused a value")
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	require.NoError(t, Create(dir))
	r, info := sample(hostile)
	require.NoError(t, Write(dir, r, info))
	require.ErrorContains(t, Create(dir), "not empty")

	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 3, "and nothing temporary")
	text, err := os.ReadFile(filepath.Join(dir, ResultFile))
	require.NoError(t, err)
	var got Document
	require.NoError(t, json.Unmarshal(text, &got))
	require.Equal(t, 2, got.Mutants.Planted)
	require.Equal(t, 1, got.Mutants.Caught)
	require.Equal(t, r.Ratio, got.Ratio)
	text, err = os.ReadFile(filepath.Join(dir, ClaimsFile))
	require.NoError(t, err)
	lines, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	require.NoError(t, err)
	require.Len(t, lines, 3)
	require.Equal(t, hostile, lines[1][0])

	require.Error(t, Write(filepath.Join(dir, "nowhere"), r, info))
	require.Error(t, Create(filepath.Join(dir, PageFile)))
}

// The document's keys are a promise to scripts.
func TestDocumentKeys(t *testing.T) {
	text, err := json.Marshal(NewDocument(&suite.Result{Claims: []suite.Row{{ID: "a/x", Status: verify.Limit}}}, Info{}, ""))
	require.NoError(t, err)
	var got map[string]any
	require.NoError(t, json.Unmarshal(text, &got))
	require.Contains(t, got, "false_alarm_budget")
	require.Nil(t, got["ratio"])
	require.Subset(t, got["mutants"], map[string]any{"planted": 0.0, "caught": 0.0})
	require.Subset(t, got["claims"].([]any)[0], map[string]any{"id": "a/x", "source": "", "status": "fails as stated", "checks": 0.0, "worst": ""})
}

// The drawing is well-formed XML, so that it can be taken out of the page.
func TestPlotIsXML(t *testing.T) {
	r, info := sample(`<&">`)
	var b bytes.Buffer
	require.NoError(t, Page(&b, r, info))
	drawings := regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(b.String(), -1)
	require.Len(t, drawings, 3, "the plot, and two in its legend")
	for _, drawing := range drawings {
		decoder := xml.NewDecoder(strings.NewReader(drawing))
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else {
				require.NoError(t, err)
			}
		}
	}
}
