package comparison

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"searchrl/evaluate"
	"searchrl/internal/pagetest"
	"searchrl/qa"
	"searchrl/report"
	"searchrl/rollout"
)

const hostile = `</script><script>alert("x")</script><img src=x onerror=alert(1)>'"&{{.}}<!--` + "\x00"

// probe is a tree in which every text is the given one.
func probe(text string) *rollout.Tree {
	tree := &rollout.Tree{Question: qa.Question{ID: "q", Text: text, Answers: []string{text}}}
	root := tree.Add(rollout.Segment{Parent: rollout.NoParent, Kind: rollout.Prompt, Tokens: []int{1}, Text: text})
	for i := range 2 {
		query := tree.Add(rollout.Segment{Parent: root, Kind: rollout.Query, Tokens: []int{2, 3}, Text: text, Value: text,
			LogProbs: []float64{-0.1, -0.2}, Advantages: []float64{0.5, float64(i)}, Rewards: []rollout.Reward{{Name: text, Value: 0.25, Source: text}}})
		documents := tree.Add(rollout.Segment{Parent: query, Kind: rollout.Documents, Tokens: []int{4}, Text: text})
		leaf := tree.Add(rollout.Segment{Parent: documents, Kind: rollout.Answer, Tokens: []int{5}, LogProbs: []float64{-1}, Advantages: []float64{-1}})
		tree.Trajectories = append(tree.Trajectories, rollout.Trajectory{Leaf: leaf, End: rollout.Answered, Answer: text, Reward: 1})
	}
	return tree
}

func page(t *testing.T, text string) (string, *Table) {
	t.Helper()
	d := sample(3, 24)
	for _, method := range d.Methods {
		d.Runs[method][0].Probes = map[int][]*rollout.Tree{0: {probe(text)}, 2: {probe(text)}}
	}
	table, err := NewTable(d, "base")
	require.NoError(t, err)
	p, err := Page(table, d, Info{Program: text, Command: text, Machine: text, Task: text, Budget: text,
		Settings: []report.Setting{{Name: text, Value: text}},
		Pieces: func(ids []int) []string {
			out := make([]string, len(ids))
			for i := range out {
				out[i] = text
			}
			return out
		}})
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, p.Write(&b))
	return b.String(), table
}

// Every number on the page is the JSON document's, to the digits that are shown, and no cell of figures is without its key.
func TestPageNumbersAreTheDocuments(t *testing.T) {
	text, table := page(t, "x")
	require.Greater(t, pagetest.Numbers(t, text, table), 80)
}

// Every point of the curves is the JSON document's.
func TestPagePointsAreTheDocuments(t *testing.T) {
	text, table := page(t, "x")
	figure := text[strings.Index(text, "Exact match on the test questions"):]
	figure = figure[:strings.Index(figure, "</figure>")]
	points := regexp.MustCompile(`data-x="([^"]+)" data-y="([^"]+)"(?: data-low="([^"]+)" data-high="([^"]+)")?`).FindAllStringSubmatch(figure, -1)
	for _, method := range table.Order {
		for _, p := range table.Methods[method].Curve {
			require.Equal(t, float64(p.Step), pagetest.Number(t, points[0][1]))
			require.Equal(t, p.EM, pagetest.Number(t, points[0][2]))
			if p.EMCI.Known() {
				require.Equal(t, p.EMCI.Low, pagetest.Number(t, points[0][3]))
				require.Equal(t, p.EMCI.High, pagetest.Number(t, points[0][4]))
			}
			points = points[1:]
		}
	}
	require.Empty(t, points)
}

// elements returns the page's elements with their attributes' names, and fails where they are not nested as they should be.
func elements(t *testing.T, text string) (names []string, scripts []string) {
	t.Helper()
	void := map[string]bool{"meta": true, "br": true, "img": true, "link": true, "input": true}
	var open []string
	tokenizer := html.NewTokenizer(strings.NewReader(text))
	for {
		switch tokenizer.Next() {
		case html.ErrorToken:
			require.ErrorIs(t, tokenizer.Err(), io.EOF)
			require.Empty(t, open, "elements that are never closed")
			return names, scripts
		case html.StartTagToken:
			token := tokenizer.Token()
			name := token.Data
			for _, a := range token.Attr {
				names = append(names, name+"."+a.Key)
			}
			names = append(names, name)
			if !void[token.Data] {
				open = append(open, token.Data)
			}
		case html.SelfClosingTagToken:
			names = append(names, tokenizer.Token().Data)
		case html.EndTagToken:
			name := tokenizer.Token().Data
			require.NotEmpty(t, open, "</%s> closes nothing", name)
			require.Equal(t, open[len(open)-1], name, "closed in another order than opened")
			open = open[:len(open)-1]
		case html.TextToken:
			if len(open) > 0 && open[len(open)-1] == "script" {
				scripts = append(scripts, string(tokenizer.Text()))
			}
		case html.CommentToken:
			require.Fail(t, "a comment", tokenizer.Token().Data)
		}
	}
}

// Whatever texts say, the page has the same elements, attributes and scripts, and its trees arrive whole.
func TestPageEscapesEverything(t *testing.T) {
	plain, _ := page(t, "plain")
	evil, _ := page(t, hostile)
	wantNames, wantScripts := elements(t, plain)
	names, scripts := elements(t, evil)
	require.Equal(t, wantNames, names)
	require.Len(t, scripts, 2, "the trees, and the page's own")
	require.Equal(t, wantScripts[1], scripts[1])
	var trees []report.Tree
	require.NoError(t, json.Unmarshal([]byte(scripts[0]), &trees))
	require.Len(t, trees, 6)
	require.Equal(t, hostile, trees[0].Segments[0].Pieces[0])
	require.Equal(t, []float64{0.5, 1}, trees[0].Segments[4].Advantages)
	require.Equal(t, []float64{-1}, trees[0].Segments[3].Advantages)
	for _, forbidden := range []string{"http://", "https://", " src=", "<link", "@import", "url(", "ZgotmplZ", "innerHTML"} {
		require.NotContains(t, strings.ReplaceAll(evil, "img src=x", ""), forbidden)
	}
}

func TestRunPage(t *testing.T) {
	d := sample(1, 24)
	r := d.Runs["good"][0]
	r.Probes = map[int][]*rollout.Tree{0: {probe(hostile)}}
	before, after := evaluate.Summarise(d.Before), evaluate.Summarise(r.Answers)
	r.Before, r.After = &before, &after
	p, err := RunPage(&r, Info{Pieces: func(ids []int) []string { return make([]string, len(ids)) }})
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, p.Write(&b))
	_, scripts := elements(t, b.String())
	require.Len(t, scripts, 2)
	require.Greater(t, pagetest.Numbers(t, b.String(), r.Result), 5)
	require.Contains(t, b.String(), fmt.Sprintf(`<span data-key="sampled_tokens">%d</span>`, r.SampledTokens))
}
