package qa

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const file = `{"id": "q1", "question": "Who?", "golden_answers": ["A", "B"], "source": "nq", "hops": 2, "extra": {}}

{"question": "Where?", "answer": "Here"}
{"_id": 7, "question": "When?", "answers": ["1990", 1991], "answer": "ignored", "decomposition": [["x", "y"], ["z", "u"]]}
{"id": "q4", "question": "What?", "golden_answers": null, "answer": ["", "That"], "supporting": [{"id": "d", "title": "t", "text": "x"}], "keys": [["a", "b"], ["c"]]}`

var parsed = []Question{
	{ID: "q1", Text: "Who?", Answers: []string{"A", "B"}, Source: "nq", Hops: 2},
	{ID: "line-3", Text: "Where?", Answers: []string{"Here"}},
	{ID: "7", Text: "When?", Answers: []string{"1990", "1991"}, Hops: 2},
	{ID: "q4", Text: "What?", Answers: []string{"That"}, Supporting: []Support{{ID: "d", Title: "t", Text: "x"}},
		Keys: [][]string{{"a", "b"}, {"c"}}},
}

func gzipped(t testing.TB, text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestReadQuestions(t *testing.T) {
	for name, data := range map[string][]byte{"plain": []byte(file), "gzip": gzipped(t, file)} {
		questions, err := ReadQuestions(bytes.NewReader(data))
		require.NoError(t, err, name)
		require.Equal(t, parsed, questions, name)
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, data, 0o600))
		questions, err = OpenQuestions(path)
		require.NoError(t, err, name)
		require.Equal(t, parsed, questions, name)
	}
	none, err := ReadQuestions(strings.NewReader("\n \n"))
	require.NoError(t, err)
	require.Empty(t, none)
}

func TestReadQuestionsRefuses(t *testing.T) {
	const good = `{"id":"q","question":"x","answer":"y"}` + "\n"
	for name, c := range map[string]struct{ data, want string }{
		"not JSON":          {good + "\n{oops", "questions line 3: invalid character 'o'"},
		"says what is":      {"x", `expected an object like {"id": "q1", "question": "…", "golden_answers": ["…"]}`},
		"no question":       {`{"answer":"y"}`, `line 1: no "question"`},
		"blank question":    {`{"question":" ","answer":"y"}`, `line 1: no "question"`},
		"no answer":         {good + `{"question":"x"}`, `line 2: no answer in "golden_answers", "answers", "answer" or "possible_answers"`},
		"no answers":        {`{"question":"x","golden_answers":[]}`, "line 1: no answer"},
		"blank answers":     {`{"question":"x","golden_answers":["", " "]}`, "line 1: no answer"},
		"answer is object":  {`{"question":"x","answer":{"text":"y"}}`, "line 1: found an object"},
		"answers of lists":  {`{"question":"x","answers":[["y"]]}`, `line 1: found ["y"] where`},
		"answer is true":    {`{"question":"x","answer":true}`, "line 1: found true where a string or a number"},
		"id is a list":      {`{"id":["q"],"question":"x","answer":"y"}`, "line 1: found"},
		"same id":           {good + good, `line 2: id "q" is taken by line 1; expected ids to be unique`},
		"id of another":     {`{"question":"x","answer":"y"}` + "\n" + `{"id":"line-1","question":"x","answer":"y"}`, `line 2: id "line-1" is taken`},
		"negative hops":     {`{"question":"x","answer":"y","hops":-1}`, `"hops" is -1`},
		"cut gzip":          {string(gzipped(t, file)[:60]), "line 1: the gzip stream is damaged or cut off"},
		"keys without one":  {`{"question":"x","answer":"y","keys":[["a"],[]]}`, `"keys" has no wording for fact 2`},
		"supporting is odd": {`{"question":"x","answer":"y","supporting":["d"]}`, "line 1: json: cannot unmarshal string"},
	} {
		questions, err := ReadQuestions(strings.NewReader(c.data))
		require.ErrorContains(t, err, c.want, name)
		require.Nil(t, questions, name)
	}
	path := filepath.Join(t.TempDir(), "broken.jsonl")
	require.NoError(t, os.WriteFile(path, []byte(good+"x"), 0o600))
	_, err := OpenQuestions(path)
	require.ErrorContains(t, err, path+" line 2:")
	_, err = OpenQuestions(filepath.Join(t.TempDir(), "absent"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestWriteQuestions(t *testing.T) {
	text := rapid.StringN(1, 8, -1).Filter(func(s string) bool { return strings.TrimSpace(s) != "" })
	question := rapid.Custom(func(t *rapid.T) Question {
		return Question{
			ID: text.Draw(t, "id"), Text: text.Draw(t, "text"), Answers: rapid.SliceOfNDistinct(text, 1, 3, rapid.ID[string]).Draw(t, "answers"),
			Keys:   rapid.SliceOfN(rapid.SliceOfN(rapid.String(), 1, 3), 1, 3).Draw(t, "keys"),
			Source: rapid.String().Draw(t, "source"), Hops: rapid.IntRange(0, 4).Draw(t, "hops"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		questions := rapid.SliceOfNDistinct(question, 1, 5, func(q Question) string { return q.ID }).Draw(t, "questions")
		var b bytes.Buffer
		require.NoError(t, WriteQuestions(&b, questions))
		back, err := ReadQuestions(&b)
		require.NoError(t, err)
		require.Equal(t, questions, back)
	})
}

func TestAnswersAreKeptOnce(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, WriteQuestions(&b, []Question{{ID: "q", Text: "x", Answers: []string{"b", "a", " ", "b", "B"}}}))
	questions, err := ReadQuestions(&b)
	require.NoError(t, err)
	require.Equal(t, []string{"b", "a", "B"}, questions[0].Answers)
}

func TestWriteQuestionsRefuses(t *testing.T) {
	q := Question{ID: "q", Text: "x", Answers: []string{"y"}}
	require.ErrorContains(t, WriteQuestions(&bytes.Buffer{}, []Question{q, q}), `question 1: id "q" is taken by question 0`)
	require.ErrorContains(t, WriteQuestions(&bytes.Buffer{}, []Question{{ID: "r", Text: "x"}}), `question 0 (id "r"): no answer`)
	require.ErrorContains(t, WriteQuestions(full{}, []Question{q}), "disk full")
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func FuzzReadQuestions(f *testing.F) {
	f.Add([]byte(file))
	f.Add(gzipped(f, file))
	f.Add([]byte(`{"id":1e400,"question":"x","answer":-0}`))
	f.Add([]byte("\xef\xbb\xbf{}"))
	for name := range originals {
		data, err := os.ReadFile(filepath.Join("testdata", "original", name))
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		questions, err := ReadQuestions(bytes.NewReader(data))
		if err != nil {
			require.Nil(t, questions)
			require.NotContains(t, err.Error(), "%!")
			return
		}
		var b bytes.Buffer
		require.NoError(t, WriteQuestions(&b, questions), "what was read can be written")
		back, err := ReadQuestions(&b)
		require.NoError(t, err)
		require.Equal(t, questions, back)
	})
}
