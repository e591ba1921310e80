package gain

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"testing/fstest"

	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
	"searchrl/tokenizer"
)

// world is a policy and a searcher about which everything is known: what is written, found and how likely it is are
// functions of the texts and of a seed. Each question is about a word that stands in its queries and documents, so that one
// can see whose documents are shown.
type world struct {
	env    *rollout.Env
	seed   uint64
	steady bool // one search a trajectory, one document each, all of one length
	asked  map[string]bool
}

func newWorld(seed uint64, refine, steady bool) (*world, error) {
	tags := rollout.DefaultTags()
	if refine {
		tags.Refine = "refine"
	}
	var added []string
	for _, tag := range []rollout.Tag{tags.Think, tags.Search, tags.Information, tags.Answer, "refine"} {
		added = append(added, tag.Open(), tag.Close())
	}
	file, err := tokenizer.BuildWords(nil, added)
	if err != nil {
		return nil, fmt.Errorf("building the tokenizer: %w", err)
	}
	tok, err := tokenizer.Load(fstest.MapFS{"tokenizer.json": {Data: file}})
	if err != nil {
		return nil, fmt.Errorf("loading the tokenizer: %w", err)
	}
	protocol := rollout.Bare()
	protocol.Tags, protocol.MaxTurns, protocol.TopK, protocol.MaxStepTokens = tags, 4, 2, 80
	w := &world{seed: seed, steady: steady, asked: map[string]bool{}}
	w.env = &rollout.Env{Policy: w, Searcher: w, Tokenizer: tok, Protocol: protocol}
	return w, nil
}

// question is the i-th one.
func question(i int) qa.Question {
	return qa.Question{ID: fmt.Sprint("q", i), Text: fmt.Sprintf("What about w%d?", i), Answers: []string{fmt.Sprintf("yes w%d", i), fmt.Sprintf("it is %d", i)}}
}

// subject is the word that a text is about first.
func subject(text string) string {
	_, rest, _ := strings.Cut(text, "about ")
	word, _, _ := strings.Cut(rest, "?")
	return word
}

// number is a number in [0, n) that depends on the seed and the parts.
func (w *world) number(n int, parts ...any) int {
	h := fnv.New64a()
	fmt.Fprint(h, w.seed, parts) //nolint:errcheck // a hash never fails
	return int(h.Sum64() >> 1 % uint64(n))
}

// key is a context as the key of a map.
func key(tokens []int) string {
	var b []byte
	for _, t := range tokens {
		b = binary.AppendVarint(b, int64(t))
	}
	return string(b)
}

// Generate implements rollout.Policy.
func (w *world) Generate(_ context.Context, reqs []rollout.GenerateRequest) ([][]rollout.Completion, error) {
	out := make([][]rollout.Completion, len(reqs))
	for i, req := range reqs {
		prefix := w.env.Tokenizer.Decode(req.Prefix)
		for n := range req.N {
			mark := w.number(1e15, prefix, req.Seed, n) // so many that no two steps are alike
			text := fmt.Sprintf("<think>%d</think>", mark)
			if tags := w.env.Protocol.Tags; tags.Refine != "" && strings.HasSuffix(prefix, tags.Information.Close()) {
				text = fmt.Sprintf("<refine>so %d</refine>", mark) + text
			}
			search := mark%5 < 3
			if w.steady {
				search = !strings.Contains(prefix, "</search>")
			}
			if search {
				text += fmt.Sprintf("<search>%s %d</search>", subject(prefix), mark/5%6)
			} else {
				text += fmt.Sprintf("<answer>%s</answer>", []string{"yes " + subject(prefix), "no"}[mark/5%2])
			}
			c := rollout.Completion{Tokens: w.env.Tokenizer.EncodeTrusted(text)}
			for _, stop := range req.Stop {
				if strings.HasSuffix(text, stop) {
					c.Stop = stop
				}
			}
			c.LogProbs = slices.Repeat([]float64{-1}, len(c.Tokens))
			out[i] = append(out[i], c)
		}
	}
	return out, nil
}

// Score implements rollout.Policy, and remembers what it was asked.
func (w *world) Score(_ context.Context, reqs []rollout.ScoreRequest) ([][][]float64, error) {
	out := make([][][]float64, len(reqs))
	for i, req := range reqs {
		w.asked[key(req.Prefix)] = true
		for _, target := range req.Targets {
			out[i] = append(out[i], w.logProbs(req.Prefix, target))
		}
	}
	return out, nil
}

// logProbs are numbers in (−5, 0], of so many that two answers never have the same likelihood: a tie would be decided by the
// last bit of a sum, which an oracle that adds in another order does not share.
func (w *world) logProbs(prefix, target []int) []float64 {
	out := make([]float64, len(target))
	context, scored := key(prefix), key(target)
	for j := range out {
		out[j] = -5 * float64(w.number(1e15, context, scored, j)) / 1e15
	}
	return out
}

// Search implements retrieval.Searcher: none, one or two documents about the query, of various lengths.
func (w *world) Search(_ context.Context, queries []string, k int) ([][]retrieval.Hit, error) {
	out := make([][]retrieval.Hit, len(queries))
	for i, query := range queries {
		n, long := min(w.number(8, query)/2, 2), w.number(12, query, "length")
		if w.steady {
			n, long = 1, 0
		}
		for d := range min(n, k) {
			text := fmt.Sprintf("of %s #%d%s", query, d, strings.Repeat("!", long))
			out[i] = append(out[i], retrieval.Hit{Document: retrieval.Document{ID: text, Text: text}, Score: 1})
		}
	}
	return out, nil
}

// drawQuestions draws two to four questions, at least two different ones; often one stands there twice.
func drawQuestions(rng *rand.Rand) []qa.Question {
	questions := []qa.Question{question(0), question(1)}
	for range rng.IntN(3) {
		questions = append(questions, question(rng.IntN(3)))
	}
	rng.Shuffle(len(questions), func(i, j int) { questions[i], questions[j] = questions[j], questions[i] })
	return questions
}
