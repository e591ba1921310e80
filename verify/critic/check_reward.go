package critic

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"searchrl/baseline/ppo"
	"searchrl/gae"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
	"searchrl/verify"
	"searchrl/verify/exact"
)

var outcome = Check{
	ID: "critic/ppo-outcome",
	Text: "Through the agent loop, PPO rewards a trajectory with 1 if it answered rightly and else with 0, also where the prompt shows a " +
		"right answer and the trajectory none; with γ = λ = 1 every sampled token's advantage and value add up to that.",
	Source: "Search-R1, §3.4; unlike its released reward, which reads the prompt",
	Layer:  verify.Kernel, Status: verify.Holds, Cases: 300,
	test: func(k Kernels, rng *rand.Rand, t *tally) error {
		env, err := exact.NewEnv(exact.Draw(exact.Random(rng), exact.Shape{Steps: 3, Actions: 3, Documents: 2, Nodes: 8, Whole: true}))
		if err != nil {
			return err
		}
		env.Protocol.MaxTurns = 1 + rng.IntN(3)
		env.Protocol.Prompt = "As in <answer>right</answer> and <answer>right</answer>: {question}\n"
		value := uniform(rng, -1, 1)
		m := ppo.Method{Group: 3, Sampling: rollout.Sampling{Temperature: 1}, Outcome: ppo.ExactMatch, Estimator: gae.Estimator{Gamma: 1, Lambda: 1}}
		trees, err := k.PPO(m, table(func(int, int, int) float64 { return value }), env.Env, []qa.Question{env.Question}, rng)
		if err != nil {
			return err
		}
		for _, tree := range trees {
			for _, trajectory := range tree.Trajectories {
				want := 0.0
				if last := tree.Segments[trajectory.Leaf]; last.Kind == rollout.Answer && strings.Contains(last.Text, "right") {
					want = 1
				}
				t.require(trajectory.Reward == want, "a trajectory that ends with %q has the reward %v, expected %v", tree.Segments[trajectory.Leaf].Text, trajectory.Reward, want)
				for _, s := range tree.Path(trajectory.Leaf) {
					for _, a := range tree.Segments[s].Advantages {
						t.within(a+value, want, 1, 1e-9, "advantage and value")
					}
				}
			}
		}
		return nil
	},
}

// vocabulary is small, so that texts overlap.
var vocabulary = strings.Fields("the of is mayor capital river boss lunia marrow okafor dole brook")

func sentence(rng *rand.Rand) string {
	words := make([]string, rng.IntN(6))
	for i := range words {
		words[i] = vocabulary[rng.IntN(len(vocabulary))]
	}
	return strings.Join(words, " ")
}

var stop = map[string]bool{"the": true, "of": true, "is": true}

// similarity is the TF-IDF cosine of two texts, with inverse document frequencies of the gold passages alone.
func similarity(a, b string, gold []string) float64 {
	dot, lengthA, lengthB := 0.0, 0.0, 0.0
	for _, word := range vocabulary {
		if stop[word] {
			continue
		}
		df := 0.0
		for _, g := range gold {
			if count(g, word) > 0 {
				df++
			}
		}
		idf := math.Log((1+float64(len(gold)))/(1+df)) + 1
		x, y := count(a, word)*idf, count(b, word)*idf
		dot, lengthA, lengthB = dot+x*y, lengthA+x*x, lengthB+y*y
	}
	if dot == 0 {
		return 0
	}
	return dot / math.Sqrt(lengthA) / math.Sqrt(lengthB)
}

func count(text, word string) (n float64) {
	for _, w := range strings.Fields(text) {
		if w == word {
			n++
		}
	}
	return n
}

// trip is a trajectory's searches and the passages that its question rests on.
type trip struct {
	gold     []qa.Support
	searches [][]retrieval.Hit
}

func drawTrip(rng *rand.Rand) trip {
	var tr trip
	var library []retrieval.Document
	for i := range 8 {
		library = append(library, retrieval.Document{ID: fmt.Sprint(i), Title: sentence(rng), Text: sentence(rng)})
	}
	for _, i := range rng.Perm(8)[:1+rng.IntN(3)] {
		tr.gold = append(tr.gold, qa.Support{ID: library[i].ID, Title: library[i].Title, Text: library[i].Text})
	}
	for range 1 + rng.IntN(4) {
		var hits []retrieval.Hit
		for _, i := range rng.Perm(8)[:rng.IntN(4)] {
			hits = append(hits, retrieval.Hit{Document: library[i]})
		}
		tr.searches = append(tr.searches, hits)
	}
	return tr
}

func (tr trip) texts() []string {
	var out []string
	for _, g := range tr.gold {
		out = append(out, g.Title+" "+g.Text)
	}
	return out
}

var searches = Check{
	ID: "critic/stepsearch-rewards",
	Text: "A search gains the mean over the gold passages of what the best TF-IDF cosine of its documents adds to the best of all earlier " +
		"ones; it is redundant by the share of its documents that an earlier search has shown. Gains lie in [0, 1] and add up to at most 1.",
	Source: "StepSearch (2025), released code, its defects mended",
	Layer:  verify.Kernel, Status: verify.Holds, Cases: 4000,
	test: func(k Kernels, rng *rand.Rand, t *tally) error {
		tr := drawTrip(rng)
		gains, redundancies := k.Searches(tr.gold, tr.searches)
		t.require(len(gains) == len(tr.searches) && len(redundancies) == len(tr.searches), "%d gains of %d searches", len(gains), len(tr.searches))
		total, gold := 0.0, tr.texts()
		known := map[[2]string]float64{} // similarities
		for n := 0; n < len(tr.searches) && t.fault == ""; n++ {
			want := 0.0
			for _, g := range gold {
				best := func(searches [][]retrieval.Hit) (top float64) {
					for _, hits := range searches {
						for _, hit := range hits {
							pair := [2]string{g, hit.Title + " " + hit.Text}
							if _, ok := known[pair]; !ok {
								known[pair] = similarity(pair[0], pair[1], gold)
							}
							top = math.Max(top, known[pair])
						}
					}
					return top
				}
				want += (best(tr.searches[:n+1]) - best(tr.searches[:n])) / float64(len(gold))
			}
			t.near(gains[n], want, 1, "a gain")
			seen := 0.0
			for _, hit := range tr.searches[n] {
				for _, earlier := range tr.searches[:n] {
					if shows(earlier, hit.ID) {
						seen++
						break
					}
				}
			}
			if len(tr.searches[n]) > 0 {
				seen /= float64(len(tr.searches[n]))
			}
			t.near(redundancies[n], seen, 1, "a redundancy")
			total += gains[n]
			t.require(gains[n] >= 0 && total <= 1+1e-9, "gains of %v", gains)
		}
		return nil
	},
}

func shows(hits []retrieval.Hit, id string) bool {
	for _, hit := range hits {
		if hit.ID == id {
			return true
		}
	}
	return false
}

var keyScore = Check{
	ID:     "critic/stepsearch-keys",
	Text:   "The key score is the mean over facts of the best token F1 of any query with any wording, whatever their order.",
	Source: "StepSearch (2025), released code, in which later matches overwrite",
	Layer:  verify.Kernel, Status: verify.Holds, Cases: 4000,
	test: func(k Kernels, rng *rand.Rand, t *tally) error {
		var queries []string
		var keys [][]string
		for range rng.IntN(4) {
			queries = append(queries, sentence(rng))
		}
		for range 1 + rng.IntN(3) {
			var wordings []string
			for range 1 + rng.IntN(3) {
				wordings = append(wordings, sentence(rng))
			}
			keys = append(keys, wordings)
		}
		want := 0.0
		for _, wordings := range keys {
			best := 0.0
			for _, wording := range wordings {
				for _, query := range queries {
					best = math.Max(best, overlap(query, wording))
				}
			}
			want += best / float64(len(keys))
		}
		t.near(k.KeyScore(queries, keys), want, 1, "the key score")
		return nil
	},
}

// overlap is the token F1 of two texts, articles not counted: 2·common/(words of both).
func overlap(a, b string) float64 {
	common, words := 0.0, 0.0
	for _, word := range vocabulary {
		if word == "the" {
			continue
		}
		x, y := count(a, word), count(b, word)
		common, words = common+math.Min(x, y), words+x+y
	}
	if common == 0 {
		return 0
	}
	return 2 * common / words
}
