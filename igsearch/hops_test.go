package igsearch_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/checkpoint"
	"searchrl/igsearch"
	"searchrl/plain"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
	"searchrl/tinyworld"
)

// appraisals are the gains of searches in the embedded world, and what the searches were good for.
type appraisals struct {
	useful  map[int][]float64 // gains of searches that brought the fact needed next, by how many facts are still missing then
	useless []float64         // those of the others
	z       [][]float64       // z as it is clipped, by normalisations
	good    []float64         // 1 for a useful search, in the order of z
}

// appraiseBatches samples training batches of 12 questions and 5 trajectories each.
func appraiseBatches(t testing.TB, env *rollout.Env, questions []qa.Question, batches int, opening string) appraisals {
	m := igsearch.Paper()
	m.Modulation.Alpha = 0
	m.Likelihood.Opening = opening
	out := appraisals{useful: map[int][]float64{}, z: make([][]float64, len(normalisations))}
	for i := range batches {
		trees, _, err := m.Collect(context.Background(), env, questions[i*12:][:12], rand.New(rand.NewPCG(uint64(i), 1)))
		require.NoError(t, err)
		var steps []igsearch.Step
		for g, tree := range trees {
			for s := range tree.Segments {
				gain, left, helps := appraise(t, tree, s)
				if left < 0 {
					continue
				}
				steps = append(steps, igsearch.Step{Group: g, Turn: tree.Count(s).Searches, Gain: gain})
				if helps {
					out.useful[left], out.good = append(out.useful[left], gain), append(out.good, 1)
				} else {
					out.useless, out.good = append(out.useless, gain), append(out.good, 0)
				}
			}
		}
		for k, n := range normalisations {
			for _, x := range igsearch.Normalise(steps, n) {
				out.z[k] = append(out.z[k], min(max(x, -3), 3))
			}
		}
	}
	return out
}

func (a appraisals) log(t testing.TB) {
	t.Logf("useless: %d searches, mean gain %+.2f", len(a.useless), mean(a.useless))
	for left := range 4 {
		t.Logf("useful, %d facts left: %d, mean gain %+.2f, AUC %.2f", left, len(a.useful[left]), mean(a.useful[left]), auc(a.useful[left], a.useless))
	}
	for k, n := range normalisations {
		t.Logf("centre %-5s scale %-5s floor %g: correlation of z with usefulness %+.3f", n.Centre, n.Scale, n.Floor, correlation(a.z[k], a.good))
	}
}

// standard is the embedded standard world with its base policy in the plain decoder, and 96 of its questions.
func standard(t testing.TB) (*rollout.Env, []qa.Question) {
	files, err := tinyworld.Base(tinyworld.Standard)
	require.NoError(t, err)
	config, weights, err := checkpoint.Load(files)
	require.NoError(t, err)
	tok, err := tinyworld.Tokenizer(tinyworld.Standard)
	require.NoError(t, err)
	policy, err := plain.New(config, weights, tok)
	require.NoError(t, err)
	world, err := tinyworld.New(tinyworld.Standard, tinyworld.Seed(tinyworld.Train, 0))
	require.NoError(t, err)
	index, err := retrieval.NewBM25(world.Documents())
	require.NoError(t, err)
	env := &rollout.Env{Policy: policy, Searcher: index, Tokenizer: tok, Protocol: tinyworld.Protocol(tinyworld.Standard)}
	return env, world.Questions(rand.New(rand.NewPCG(world.Seed(), 1)), 96)
}

// TestGainByHopsLeft: a search that brings the last fact has more gain than useless ones, as a rule. How far before the end
// gains still tell is logged (go test -v), with how much z has to do with usefulness by each normalisation.
//
//	AUC: the probability that a useful search has a larger gain than a useless one; 0.5 is chance
func TestGainByHopsLeft(t *testing.T) {
	env, questions := standard(t)
	a := appraiseBatches(t, env, questions, 8, "")
	a.log(t)
	require.Greater(t, auc(a.useful[0], a.useless), .8)
	// This policy never answers without a thought: after a bare answer tag it is not itself, and the gain tells less.
	bare := appraiseBatches(t, env, questions, 2, "<answer> ")
	bare.log(t)
	require.Less(t, auc(bare.useful[0], bare.useless), auc(a.useful[0], a.useless))
}

// appraise reads the gain of a query and whether its documents bring the fact that is needed next; left counts the facts
// still missing then, −1 if the segment is no query with a gain.
func appraise(t testing.TB, tree *rollout.Tree, documents int) (gain float64, left int, useful bool) {
	d := &tree.Segments[documents]
	if d.Kind != rollout.Documents || len(tree.Segments[d.Parent].Rewards) == 0 {
		return 0, -1, false
	}
	_, before := viewed(t, tree, d.Parent)
	view, after := viewed(t, tree, documents)
	return tree.Segments[d.Parent].Rewards[0].Value, view.Chain.Len() - after, after > before
}

// viewed is what has been seen on the path to a segment, and how many facts of the chain are known then.
func viewed(t testing.TB, tree *rollout.Tree, segment int) (view tinyworld.View, known int) {
	text := ""
	for _, s := range tree.Path(segment) {
		text += tree.Segments[s].Text
	}
	view, err := tinyworld.ReadView(text)
	require.NoError(t, err)
	known, _ = view.Progress()
	return view, known
}

func auc(high, low []float64) float64 {
	wins := 0.0
	for _, h := range high {
		for _, l := range low {
			switch {
			case h > l:
				wins++
			case h == l:
				wins += .5
			}
		}
	}
	return wins / float64(len(high)*len(low))
}

func mean(xs []float64) float64 {
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	return sum / float64(len(xs))
}

var normalisations = []igsearch.Normalisation{
	{Centre: igsearch.Group, Scale: igsearch.Group},
	{Centre: igsearch.Turn, Scale: igsearch.Turn},
	{Centre: igsearch.None, Scale: igsearch.Group},
	{Centre: igsearch.Group, Scale: igsearch.Group, Floor: 1},
	{Centre: igsearch.Group, Scale: igsearch.Group, Floor: 3},
	{Centre: igsearch.Group, Scale: igsearch.Batch},
	{Centre: igsearch.Turn, Scale: igsearch.Batch},
	{Centre: igsearch.None, Scale: igsearch.Batch},
	{Centre: igsearch.Batch, Scale: igsearch.Batch},
}

func correlation(x, y []float64) float64 {
	mx, my := mean(x), mean(y)
	var xy, xx, yy float64
	for i := range x {
		xy, xx, yy = xy+(x[i]-mx)*(y[i]-my), xx+(x[i]-mx)*(x[i]-mx), yy+(y[i]-my)*(y[i]-my)
	}
	return xy / math.Sqrt(xx*yy)
}
