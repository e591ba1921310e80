package igsearch

import (
	"fmt"
	"math"

	"searchrl/grpo"
	"searchrl/rollout"
)

// Names of the metrics that IG-Search reports beside those of every method; docs/metrics.md explains each.
const (
	MetricSteps       = "ig_steps"        // searches with a gain
	MetricUnknown     = "ig_unknown"      // share of the searches without one
	MetricMean        = "ig_mean"         // mean gain
	MetricStd         = "ig_std"          // its standard deviation
	MetricPositive    = "ig_positive"     // share of gains over 0
	MetricGroups      = "ig_groups"       // share of the groups with a z that is not 0
	MetricOutcomeDead = "ig_outcome_dead" // share of groups whose outcomes carry no signal
	// MetricTurn and MetricLength, followed by a number, are mean gains of the searches with that number in their
	// trajectory (4 stands for all from 4 on), and of questions whose first gold answer has that many tokens (likewise).
	MetricTurn   = "ig_turn_"
	MetricLength = "ig_length_"
)

// open is the number from which MetricTurn and MetricLength count together.
const open = 4

// gainMetrics returns the figures; those that have nothing to be a mean of are left out. z belongs to gained.
func gainMetrics(env *rollout.Env, trees []*rollout.Tree, all, gained []*search, z []float64) grpo.Metrics {
	out := grpo.Metrics{MetricSteps: float64(len(gained))}
	if len(all) > 0 {
		out[MetricUnknown] = float64(len(all)-len(gained)) / float64(len(all))
	}
	if n := float64(len(gained)); n > 0 {
		sum, squares := 0.0, 0.0
		parts, counts := map[string]float64{}, map[string]float64{}
		out[MetricPositive] = 0
		for _, s := range gained {
			sum, squares = sum+s.gain, squares+s.gain*s.gain
			if s.gain > 0 {
				out[MetricPositive] += 1 / n
			}
			length := len(env.Tokenizer.Encode(" " + trees[s.tree].Question.Answers[0]))
			for _, name := range []string{part(MetricTurn, s.turn), part(MetricLength, length)} {
				parts[name] += s.gain
				counts[name]++
			}
		}
		out[MetricMean] = sum / n
		out[MetricStd] = math.Sqrt(max(squares/n-sum/n*sum/n, 0))
		for name := range parts {
			out[name] = parts[name] / counts[name]
		}
	}
	signal := map[int]bool{}
	for i, s := range gained {
		if z[i] != 0 {
			signal[s.tree] = true
		}
	}
	out[MetricGroups] = float64(len(signal)) / float64(len(trees))
	out[grpo.MetricDeadGroups] = float64(deadTrees(trees)) / float64(len(trees))
	return out
}

func part(name string, n int) string { return fmt.Sprint(name, min(n, open)) }

// deadTrees counts the trees without any advantage.
func deadTrees(trees []*rollout.Tree) int {
	dead := 0
	for _, tree := range trees {
		moves := false
		for s := range tree.Segments {
			for _, a := range tree.Segments[s].Advantages {
				moves = moves || a != 0
			}
		}
		if !moves {
			dead++
		}
	}
	return dead
}
