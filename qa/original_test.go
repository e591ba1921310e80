package qa

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/internal/jsonl"
)

const (
	tal  = "Mira Tal was born in Besk."
	besk = "Besk is a town. It lies on the Orlo."
)

// originals holds what the files of testdata/original say, which are laid out as the data sets' own files are (their
// contents are invented).
var originals = map[string][]Question{
	"hotpotqa.json": {
		{ID: "5a1", Text: "Which river runs through the town where Mira Tal was born?", Answers: []string{"the Orlo"}, Hops: 2,
			Supporting: []Support{{Title: "Mira Tal", Text: tal}, {Title: "Besk", Text: besk}}, SupportKind: "annotated"},
		// Its context lacks a supporting passage, as in the fullwiki setting: then none is given.
		{ID: "5a2", Text: "Are Besk and Orlo both towns?", Answers: []string{"no"}, Hops: 2},
	},
	"hotpotqa.hf.jsonl": {
		{ID: "5a1", Text: "Which river runs through the town where Mira Tal was born?", Answers: []string{"the Orlo"}, Hops: 2,
			Supporting: []Support{{Title: "Mira Tal", Text: tal}, {Title: "Besk", Text: besk}}, SupportKind: "annotated"},
	},
	"2wikimultihopqa.json": {
		{ID: "d8f", Text: "Who is the mother of the director of Pale Harbour?", Answers: []string{"Ada Vey"}, Hops: 2, SupportKind: "annotated",
			Supporting: []Support{{Title: "Pale Harbour", Text: "Pale Harbour is a film. Its director is Jon Vey."},
				{Title: "Jon Vey", Text: "Jon Vey is a son of Ada Vey."}}},
		{ID: "d90", Text: "Do Pale Harbour and Low Tide have directors from the same country?", Answers: []string{"yes"}, Hops: 4},
	},
	"musique_ans.jsonl": {
		{ID: "2hop__1_2", Text: "Where does the river at Besk rise?", Answers: []string{"Hent", "Hent village"}, Hops: 2, SupportKind: "annotated",
			Supporting: []Support{{Title: "Besk", Text: "Besk lies on the Orlo."}, {Title: "Orlo", Text: "The Orlo rises at Hent."}}},
	},
	"nq-open.jsonl": {
		{ID: "line-1", Text: "who built the first lighthouse at besk", Answers: []string{"Ada Vey", "A. Vey"}},
		{ID: "line-2", Text: "when did the orlo last freeze", Answers: []string{"1963"}},
	},
	"triviaqa.json": {
		{ID: "tc_1", Text: "Besk lies on which river?", Answers: []string{"Orlo", "River Orlo", "The Orlo"}},
		{ID: "tc_2", Text: "How long is it?", Answers: []string{"90", "90 km"}},
	},
	"triviaqa.hf.jsonl": {
		{ID: "tc_1", Text: "Besk lies on which river?", Answers: []string{"Orlo", "River Orlo", "The Orlo"}},
	},
	"popQA.tsv": {
		{ID: "4222", Text: "What is Mira Tal's occupation?", Answers: []string{"politician", "political leader"}},
		{ID: "4223", Text: "In what country is Besk?", Answers: []string{"Hent"}},
	},
	"popqa.jsonl": {
		{ID: "4222", Text: "What is Mira Tal's occupation?", Answers: []string{"politician", "political leader"}},
		{ID: "4223", Text: "In what country is Besk?", Answers: []string{"Hent"}},
	},
	"bamboogle.csv": {
		{ID: "record-1", Text: "Who ruled Besk, when the Orlo froze?", Answers: []string{"Ada Vey"}},
		{ID: "record-2", Text: "Who wrote \"Low\nTide\"?", Answers: []string{"Tal, Mira"}},
	},
	"bamboogle.json": {
		{ID: "record-1", Text: "Who ruled Besk, when the Orlo froze?", Answers: []string{"Ada Vey"}},
	},
}

func TestOriginals(t *testing.T) {
	files, err := os.ReadDir("testdata/original")
	require.NoError(t, err)
	require.Len(t, files, len(originals), "every file is expected to be read")
	for name, want := range originals {
		path := filepath.Join("testdata", "original", name)
		got, err := OpenQuestions(path)
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		for shape, text := range map[string]string{"gzip": string(gzipped(t, string(data))), "byte order mark": "\xef\xbb\xbf" + string(data), "blank start": "\n " + string(data)} {
			if got, err = ReadQuestions(strings.NewReader(text)); shape == "blank start" && strings.HasSuffix(name, ".jsonl") {
				continue // other names for questions without one
			}
			require.NoError(t, err, "%s, %s", name, shape)
			require.Equal(t, want, got, "%s, %s", name, shape)
		}
	}
}

// No proper beginning of a list or an object is taken for the whole file.
func TestOriginalsCutOff(t *testing.T) {
	for _, name := range []string{"hotpotqa.json", "2wikimultihopqa.json", "triviaqa.json", "bamboogle.json"} {
		data, err := os.ReadFile(filepath.Join("testdata", "original", name))
		require.NoError(t, err)
		data = bytes.TrimSpace(data)
		for n := 2; n < len(data); n++ {
			questions, err := ReadQuestions(bytes.NewReader(data[:n]))
			require.Error(t, err, "%s, %d bytes", name, n)
			require.Nil(t, questions)
		}
	}
}

func TestOriginalsRefused(t *testing.T) {
	const good = `{"question": "x", "answer": "y"}`
	for name, c := range map[string]struct{ data, want string }{
		"list: no question":        {"[" + good + ",\n" + `{"_id": "b", "answer": "y"}]`, `questions record 2 (line 2): no "question"`},
		"list: not JSON":           {"[" + good + ",\n\n oops]", "record 2 (line 3): invalid character 'o'"},
		"list: a number":           {"[" + good + ", 7]", `record 2 (line 1): json: cannot unmarshal number`},
		"list: no comma":           {"[" + good + good + "]", "after array element"},
		"list: cut off":            {"[" + good + ",", "the file breaks off"},
		"list: more after it":      {"[" + good + "]\n[]", "record 1 (line 1): [ after the end of the list"},
		"list: same id":            {`[{"_id": "a", "question": "x", "answer": "y"}, {"_id": "a", "question": "x", "answer": "y"}]`, `record 2 (line 1): id "a" is taken by record 1 (line 1)`},
		"hidden answers":           {`[{"_id": "a", "question": "x", "answer": "", "supporting_facts": [], "context": []}]`, `record 1 (line 1): no answer in`},
		"odd context":              {`{"question": "x", "answer": "y", "supporting_facts": [["t", 0]], "context": [["t", "text"]]}`, `line 1: "context", passage 1: json: cannot unmarshal string`},
		"odd context columns":      {`{"question": "x", "answer": "y", "supporting_facts": {"title": ["t"]}, "context": {"title": ["t"], "sentences": []}}`, `"context" has 1 titles and 0 passages`},
		"odd paragraphs":           {`{"question": "x", "answer": "y", "question_decomposition": [{}], "paragraphs": ["t"]}`, `"paragraphs": json: cannot unmarshal string`},
		"odd decomposition":        {`{"question": "x", "answer": "y", "question_decomposition": ["q"], "paragraphs": []}`, `"question_decomposition", sub-question 1: json`},
		"unanswerable":             {`{"question": "x", "answer": "y", "answerable": false}`, `"answerable" is false; expected the file MuSiQue-Ans`},
		"full Natural Questions":   {`{"question_text": "x", "document_text": "y"}`, "expected NQ-open"},
		"TriviaQA: no Data":        {`{"Domain": "Web", "Version": 1.0}`, `no "Data", where a TriviaQA file has its questions`},
		"TriviaQA: Data is text":   {`{"Data": "x"}`, `"Data" is no list`},
		"TriviaQA: Data twice":     {`{"Data": [], "Data": []}`, `"Data" is there twice`},
		"TriviaQA: other answer":   {`{"Data": [{"Question": "x", "Answer": {"Text": "y"}}]}`, `found an object without "Value" and "Aliases"`},
		"PopQA: list of Python":    {`{"question": "x", "possible_answers": "['y']"}`, `found "['y']"; expected a text or a JSON list`},
		"table: no question":       {"id\ttext\n1\tx\n", `line 1: found "id text"; expected an object like`},
		"table: no answer":         {"question,comment\nx,y\n", `line 1: found "question comment"; expected an object like`},
		"table: missing cell":      {"question,answer\nx,y\n\nx\n", "line 4: 1 columns; expected 2 as in the first line"},
		"table: blank answer":      {"question,answer\nx,\n", "line 2: no answer"},
		"table: open quote":        {"question,answer\nx,y\nx,\"y\nz,y\n", `line 3: column`},
		"table: quote in a cell":   {"question,answer\nx,y\"z\n", `line 2: column 4: bare "`},
		"table: answers of Python": {"question,golden_answers\nx,['y']\n", `line 2: column golden_answers: found "['y']"; expected a text or a JSON list`},
		"table: cut gzip":          {string(gzipped(t, "question,answer\n"+strings.Repeat("who is it,nobody\n", 99))[:50]), "the gzip stream is damaged or cut off"},
		"list: cut gzip":           {string(gzipped(t, "["+strings.Repeat(good+",", 99)+good+"]")[:50]), "the gzip stream is damaged or cut off"},
		"text":                     {"<html>", `line 1: found "<html>"; expected an object like`},
	} {
		questions, err := ReadQuestions(strings.NewReader(c.data))
		require.ErrorContains(t, err, c.want, name)
		require.Nil(t, questions, name)
	}
}

// What other data sets call by these names is not taken for the data sets' own fields.
func TestOriginalsLeaveOthersAlone(t *testing.T) {
	questions, err := ReadQuestions(strings.NewReader(`{"question": "x", "answer": "y", "context": "a text", "supporting_facts": ["a", "b"], "paragraphs": "z"}`))
	require.NoError(t, err)
	require.Equal(t, []Question{{ID: "line-1", Text: "x", Answers: []string{"y"}}}, questions)
}

// endless is a list whose records never end.
type endless struct{ begun bool }

func (e *endless) Read(p []byte) (int, error) {
	if !e.begun {
		e.begun = true
		return copy(p, `[{"question": "x", "answer": "y"}, {"question": "`), nil
	}
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// A list is read in a stream: what follows a wrong record is not read, and a record without end fills no memory.
func TestListsAreStreamed(t *testing.T) {
	r, err := jsonl.NewReader(&endless{}, "questions")
	require.NoError(t, err)
	file := newList(r, "")
	file.in.limit = 1 << 20
	_, err = file.next()
	require.NoError(t, err)
	_, err = file.next()
	require.ErrorContains(t, err, "longer than 1048576 bytes")

	_, err = ReadQuestions(io.MultiReader(strings.NewReader(`[{"question": "x"},`), strings.NewReader(strings.Repeat(" ", 1<<20)), unread{t}))
	require.ErrorContains(t, err, "record 1 (line 1): no answer")
}

// unread must not be read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("read on after a wrong record")
	return 0, io.EOF
}
