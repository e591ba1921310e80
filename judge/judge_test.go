package judge

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/qa"
)

// fixed is a judge that says the same of every step.
type fixed struct {
	verdict Verdict
	err     error
	seen    [][]Step
	extra   int
}

func (f *fixed) Name() string { return "fixed" }
func (f *fixed) Judge(_ context.Context, steps []Step) ([]Verdict, error) {
	f.seen = append(f.seen, steps)
	if f.err != nil {
		return nil, f.err
	}
	return slices.Repeat([]Verdict{f.verdict}, len(steps)+f.extra), nil
}

func known(v float64) Score { return Score{Value: v, Known: true, Source: "fixed"} }

func TestAnswers(t *testing.T) {
	aliases := []string{"William Shakespeare", "Shakespeare", "the Bard"}
	for _, c := range []struct {
		answer string
		em, f1 float64
	}{
		{"William Shakespeare", 1, 1},
		{"shakespeare.", 1, 1}, // the second alias
		{"The Bard!", 1, 1},    // the third
		{"Shakespeare William", -1, 1},
		{"William of Orange", -1, 0},
		{"Marlowe", -1, -1},
		{"", -1, -1},
		{"the", -1, -1},
		{`{"score": 1}`, -1, -1},
	} {
		step := Step{Question: qa.Question{ID: "q", Answers: aliases}, Thought: "x", Answer: c.answer, IsAnswer: true}
		for metric, want := range map[Metric]float64{EM: c.em, F1: c.f1} {
			j, err := NewAnswers(metric)
			require.NoError(t, err)
			got, err := j.Judge(context.Background(), []Step{step, {Query: c.answer}})
			require.NoError(t, err)
			require.NoError(t, Check(got, 2))
			require.True(t, got[0].Action.Known)
			require.Equal(t, want, got[0].Action.Value, "%s %q", metric, c.answer)
			require.False(t, got[0].Thought.Known || got[1].Thought.Known || got[1].Action.Known)
		}
	}
	_, err := NewAnswers("bleu")
	require.ErrorContains(t, err, "bleu")
	j, _ := NewAnswers(EM)
	got, err := j.Judge(context.Background(), []Step{{Answer: "x", IsAnswer: true}})
	require.NoError(t, err)
	require.False(t, got[0].Action.Known)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = j.Judge(ctx, nil)
	require.ErrorIs(t, err, context.Canceled)
}

func TestCombine(t *testing.T) {
	a := &fixed{verdict: Verdict{known(1), known(0)}}
	b := &fixed{verdict: Verdict{known(-1), known(-1)}}
	j, err := Combine(a, b)
	require.NoError(t, err)
	require.Equal(t, "fixed+fixed", j.Name())
	got, err := j.Judge(context.Background(), []Step{{Query: "a"}, {Answer: "b", IsAnswer: true}, {Query: "c"}})
	require.NoError(t, err)
	require.Equal(t, []Verdict{{known(1), known(0)}, {known(1), known(-1)}, {known(1), known(0)}}, got)
	require.Equal(t, [][]Step{{{Answer: "b", IsAnswer: true}}}, b.seen)
	_, err = j.Judge(context.Background(), []Step{{Query: "a"}})
	require.NoError(t, err)
	require.Len(t, b.seen, 1, "no answers, no question")

	for _, broken := range []*fixed{{err: errors.New("down")}, {extra: 1}, {extra: -1}, {verdict: Verdict{Thought: known(0.5)}},
		{verdict: Verdict{Action: known(math.NaN())}}} {
		for _, pair := range [][2]Judge{{broken, b}, {a, broken}} {
			j, err := Combine(pair[0], pair[1])
			require.NoError(t, err)
			_, err = j.Judge(context.Background(), []Step{{IsAnswer: true}})
			require.Error(t, err)
		}
	}
	_, err = Combine(nil, a)
	require.Error(t, err)
}

func TestCheckIgnoresUnknownValues(t *testing.T) {
	require.NoError(t, Check([]Verdict{{Thought: Score{Value: math.Inf(1)}}}, 1))
}

func TestNoise(t *testing.T) {
	for _, p := range []float64{0, 0.3, 1} {
		inner := &fixed{verdict: Verdict{Thought: known(1), Action: known(-1)}}
		j, err := NewNoise(inner, p, rand.New(rand.NewPCG(1, 2)))
		require.NoError(t, err)
		steps := make([]Step, 6000)
		for i := range steps {
			steps[i].Query = fmt.Sprint(i)
		}
		got, err := j.Judge(context.Background(), steps)
		require.NoError(t, err)
		require.NoError(t, Check(got, len(steps)))
		wrong := [2]float64{}
		both := 0.0
		for _, v := range got {
			if v.Thought.Value != 1 {
				wrong[0]++
			}
			if v.Action.Value != -1 {
				wrong[1]++
			}
			if v.Thought.Value != 1 && v.Action.Value != -1 {
				both++
			}
		}
		n := float64(len(steps))
		// 6000 draws: the deviation of a share is below 0.0065; the seed is fixed, so this does not flake.
		require.InDelta(t, p*2/3, wrong[0]/n, 0.03)
		require.InDelta(t, p*2/3, wrong[1]/n, 0.03)
		require.InDelta(t, p*2/3*p*2/3, both/n, 0.03, "components err independently")
	}
	for _, p := range []float64{-0.1, 1.1, math.NaN()} {
		_, err := NewNoise(&fixed{}, p, rand.New(rand.NewPCG(1, 2)))
		require.Error(t, err)
	}
	_, err := NewNoise(nil, 0, rand.New(rand.NewPCG(1, 2)))
	require.Error(t, err)
	_, err = NewNoise(&fixed{}, 0, nil)
	require.Error(t, err)
}

// Noise depends on the steps before, and an action's not on whether the thought could be judged. The seed is fixed.
func TestNoiseOfAComponent(t *testing.T) {
	noisy := func(v Verdict, steps ...Step) []Verdict {
		j, err := NewNoise(&fixed{verdict: v}, 1, rand.New(rand.NewPCG(1, 2)))
		require.NoError(t, err)
		got, err := j.Judge(context.Background(), steps)
		require.NoError(t, err)
		return got
	}
	var steps []Step
	for i := range 20 {
		steps = append(steps, Step{Past: []Past{{Query: fmt.Sprint(i)}}})
	}
	values := map[float64]bool{}
	both, alone := noisy(Verdict{known(0), known(0)}, steps...), noisy(Verdict{Action: known(0)}, steps...)
	for i := range steps {
		values[both[i].Action.Value] = true
		require.Equal(t, both[i].Action, alone[i].Action)
	}
	require.Len(t, values, 3)
}

// Noise depends on what is judged, not on when or beside what; unknown stays unknown.
func TestNoiseIsDeterministic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		texts := rapid.SliceOfN(rapid.String(), 1, 8).Draw(t, "texts")
		j, err := NewNoise(&fixed{verdict: Verdict{Thought: known(0)}}, 0.5, rand.New(rand.NewPCG(seed, 0)))
		require.NoError(t, err)
		var steps []Step
		for _, text := range texts {
			steps = append(steps, Step{Thought: text})
		}
		together, err := j.Judge(context.Background(), steps)
		require.NoError(t, err)
		for i := len(steps) - 1; i >= 0; i-- {
			alone, err := j.Judge(context.Background(), steps[i:i+1])
			require.NoError(t, err)
			require.Equal(t, together[i], alone[0])
			require.False(t, alone[0].Action.Known)
		}
	})
}
