package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

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

// Any figure is drawn inside its frame, whatever its numbers and the lengths of its slices.
func TestPlotStaysInside(t *testing.T) {
	number := rapid.OneOf(rapid.Float64(), rapid.Float64Range(-10, 10), rapid.Just(math.NaN()), rapid.Just(math.Inf(1)), rapid.Just(3.0), rapid.Just(math.MaxFloat64), rapid.Just(-1e299))
	numbers := rapid.SliceOfN(number, 0, 12)
	rapid.Check(t, func(t *rapid.T) {
		f := verify.Figure{Title: "t"}
		for range rapid.IntRange(0, 8).Draw(t, "series") {
			f.Series = append(f.Series, verify.Series{X: numbers.Draw(t, "x"), Y: numbers.Draw(t, "y"), Low: numbers.Draw(t, "low"),
				High: numbers.Draw(t, "high"), Points: rapid.Bool().Draw(t, "points")})
		}
		p := newPlot(f)
		for _, tick := range append(p.XTicks, p.YTicks...) {
			require.True(t, tick.At >= 0 && tick.At <= width, "tick at %v", tick.At)
		}
		require.NotEmpty(t, p.XTicks)
		for _, c := range p.Curves {
			for _, at := range c.Points {
				require.True(t, at.X >= p.Left-1e-6 && at.X <= p.Right+1e-6 && at.Y >= p.Top-1e-6 && at.Y <= p.Bottom+1e-6, "%+v", at)
			}
			require.NotContains(t, strings.Join(append(c.Lines, c.Bands...), " "), "NaN")
		}
	})
}

func TestPlotGeometry(t *testing.T) {
	p := newPlot(verify.Figure{X: "x", Y: "y", Series: []verify.Series{
		{Name: "gap", X: []float64{0, 1, 2, 3, 4}, Y: []float64{0, 1, math.NaN(), 3, 4}},
		{Name: "band", X: []float64{0, 4}, Y: []float64{2, 2}, Low: []float64{1, 1}, High: []float64{3, 3}},
	}})
	require.Len(t, p.Curves[0].Lines, 2, "what is no number interrupts the line")
	require.Len(t, p.Curves[1].Bands, 1)
	require.Greater(t, p.Curves[0].Points[0].Y, p.Curves[0].Points[3].Y, "upwards is more")
	require.Equal(t, "y from 0 to 4 against x from 0 to 4. Series: gap; band.", p.Summary)

	p = newPlot(verify.Figure{Series: []verify.Series{{Name: "a, exact"}, {Name: "b"}, {Name: "a, measured", Points: true, Low: []float64{1}}, {Name: "a, other"}}})
	require.Equal(t, "s0 s1 s0 dots hollow s2", p.Curves[0].Class+" "+p.Curves[1].Class+" "+p.Curves[2].Class+" "+p.Curves[3].Class)

	var long verify.Series
	for i := range 100_000 {
		long.X, long.Y = append(long.X, float64(i)), append(long.Y, 0)
	}
	long.Y[77_777] = 5
	kept := thin(long)
	require.LessOrEqual(t, len(kept), mostPoints)
	require.Contains(t, kept, 77_777, "a peak is not lost")
	require.IsIncreasing(t, kept)
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      string
	}{
		{0, 10, "0 2 4 6 8 10"}, {0, 1, "0 0.2 0.4 0.6 0.8 1.0"}, {-1, 1, "−1.0 −0.5 0 0.5 1.0"}, {0, 200_000, "0 50k 100k 150k 200k"},
		{3, 3, "2.5 3.0 3.5"}, {0, 3e6, "0 1M 2M 3M"}, {1e-9, 4e-9, "1e-09 2e-09 3e-09 4e-09"}, {0, 5000, "0 1000 2000 3000 4000 5000"},
	} {
		var got []string
		for _, tick := range newAxis(span{c.low, c.high, 2}, 0, 1).ticks() {
			got = append(got, tick.Text)
		}
		require.Equal(t, c.want, strings.Join(got, " "))
	}
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
