package warmstart

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"searchrl/checkpoint"
	"searchrl/qa"
	"searchrl/rollout"
	"searchrl/tinyworld"
	"searchrl/tokenizer"
)

// reviewBatch makes one lesson of n own drafts and n demonstrations, and sums up its weights.
func reviewBatch(t *testing.T, n int, noise float64) (trees []*rollout.Tree, own map[int]bool, weight map[rollout.Kind]float64) {
	t.Helper()
	level := tinyworld.Standard
	school, err := NewSchool(level, 1) // one world, so that a scripted agent of it can be asked
	require.NoError(t, err)
	policy := tinyworld.NewAgent(school.tokenizer, Demonstrator(school.classes[0].world, Habits(level, Medium)))
	r := Review{Phase: Phase{Mixture: Skill(level, .7)}, Noise: noise}
	batch, err := school.reviews(context.Background(), policy, rand.New(rand.NewPCG(1, 2)), n, r)
	require.NoError(t, err)
	own, weight = map[int]bool{}, map[rollout.Kind]float64{}
	for _, target := range batch.Targets {
		s := &batch.Trees[target.Tree].Segments[target.Segment]
		require.True(t, s.Sampled())
		if s.Kind != rollout.Decision {
			own[target.Tree] = true
		}
		weight[s.Kind] += target.Weight
	}
	return batch.Trees, own, weight
}

func TestReviewerKnowsTheFirstUselessStep(t *testing.T) {
	trees, own, weight := reviewBatch(t, 60, 0)
	require.Len(t, trees, 120)
	require.Len(t, own, 60, "only the policy's own drafts are imitated")
	require.InDelta(t, .5, weight[rollout.Decision], 1e-9)
	total := 0.0
	for _, w := range weight {
		total += w
	}
	require.InDelta(t, 1, total, 1e-9)
	p := tinyworld.Protocol(tinyworld.Standard)
	accepted, revised := 0, 0
	for _, tree := range trees {
		require.NoError(t, tree.Validate())
		draft := tree.Trajectories[0]
		steps := len(tree.Steps(draft.Leaf))
		last := tree.Segments[len(tree.Segments)-1]
		require.Equal(t, rollout.Decision, last.Kind)
		ruling := p.ParseDecision(last.Text, steps)
		require.False(t, ruling.Unreadable, last.Text)
		if qa.ExactMatch(draft.Answer, tree.Question.Answers) == 1 {
			accepted++
			require.True(t, ruling.Accept)
			continue
		}
		revised++
		require.False(t, ruling.Accept)
		chain, err := tinyworld.ParseQuestion(tree.Question.Text)
		require.NoError(t, err)
		// Everything before the cut brought the chain forward, by the view that the scripted agents have.
		known := 0
		for c, step := range tree.Steps(draft.Leaf)[:ruling.Keep] {
			var read []tinyworld.Fact
			for _, s := range tree.Path(step.Last) {
				if tree.Segments[s].Kind == rollout.Documents {
					read = append(read, tinyworld.ReadFacts(tree.Segments[s].Text)...)
				}
			}
			now, _ := tinyworld.Progress(chain, read)
			require.Greater(t, now, known, "step %d", c+1)
			known = now
		}
	}
	require.Greater(t, accepted, 10)
	require.Greater(t, revised, 10)
}

func TestReviewerErrs(t *testing.T) {
	trees, _, _ := reviewBatch(t, 60, 1)
	p := tinyworld.Protocol(tinyworld.Standard)
	wrong := 0
	for _, tree := range trees {
		draft := tree.Trajectories[0]
		ruling := p.ParseDecision(tree.Segments[len(tree.Segments)-1].Text, len(tree.Steps(draft.Leaf)))
		if ruling.Accept != (qa.ExactMatch(draft.Answer, tree.Question.Answers) == 1) {
			wrong++
		}
	}
	require.Greater(t, wrong, 20)
}

func TestAdoptCarriesTokensOverByTheirSpelling(t *testing.T) {
	level := tinyworld.Standard
	words := tinyworld.Vocabulary(level)
	file, err := tokenizer.BuildWords(append([]string{" zebra"}, words[:len(words)-2]...), append([]string{tinyworld.EndOfText}, tinyworld.Tags[:8]...))
	require.NoError(t, err)
	own, err := tokenizer.Load(fstest.MapFS{
		"tokenizer.json":        {Data: file},
		"tokenizer_config.json": {Data: []byte(`{"eos_token": "<|endoftext|>"}`)},
	})
	require.NoError(t, err)
	cfg, err := Config(level)
	require.NoError(t, err)
	cfg.VocabSize = own.VocabSize()
	from := checkpoint.Init(cfg, rand.New(rand.NewPCG(1, 1)))
	adoptedCfg, adopted, err := Adopt(level, cfg, from, own, rand.New(rand.NewPCG(1, 2)))
	require.NoError(t, err)
	tok, err := tinyworld.Tokenizer(level)
	require.NoError(t, err)
	require.Equal(t, tok.VocabSize(), adoptedCfg.VocabSize)
	const name = "model.embed_tokens.weight"
	row := func(w checkpoint.Weights, id int) []float32 { return w[name].Data[id*64 : (id+1)*64] }
	for _, spelling := range []string{"</answer>", "<|endoftext|>", " mentor", "Question"} {
		before := own.EncodeTrusted(spelling)
		after := tok.EncodeTrusted(spelling)
		require.Len(t, after, 1)
		require.Equal(t, row(from, before[0]), row(adopted, after[0]), spelling)
	}
	require.Equal(t, from["model.norm.weight"], adopted["model.norm.weight"])
	eos, _ := tok.EOS()
	require.Equal(t, []int{eos}, adoptedCfg.EOS)
	cfg.TieEmbeddings = false
	_, _, err = Adopt(level, cfg, from, own, rand.New(rand.NewPCG(1, 2)))
	require.ErrorContains(t, err, "tied embeddings")
}
