package refiner

import (
	"fmt"
	"math"

	"searchrl/grpo"
	"searchrl/rollout"
)

// Names of the metrics that Search-R2 reports beside those of every method; docs/metrics.md explains each.
const (
	MetricDraftEM    = "draft_em"       // share of drafts that are right, before any revision
	MetricAccepted   = "accepted"       // share of the decisions that accept
	MetricUnreadable = "unreadable"     // share of the decisions that could not be read
	MetricNoRoom     = "review_no_room" // share of the drafts that left no room for a review
	MetricRepaired   = "repaired"       // share of the wrong drafts that were revised of which the revision is right
	MetricHarmed     = "harmed"         // share of the right drafts that a revision made wrong
	MetricRevisedBad = "revised_wrong"  // share of the wrong drafts that were revised
	MetricUseful     = "useful"         // mean u over the searches of right trajectories, as known
	MetricMasked     = "useful_masked"  // share of the searches asked about whose u is unknown
	MetricKept       = "kept_steps"     // mean number of steps that a revision keeps
	MetricDiscarded  = "discarded"      // tokens sampled and cut off
	MetricReview     = "review_tokens"  // tokens of the reviews and decisions
	MetricGain       = "gain"           // ΔJ = A_prec + V_inter · S_trim
	MetricAccepting  = "a_prec"         // the three terms; each has an interval in NAME_low and NAME_high
	MetricRevising   = "v_inter"
	MetricTrimming   = "s_trim"
)

// MetricCut returns the name of the share of the revisions that keep c steps.
func MetricCut(c int) string { return fmt.Sprintf("cut_%d", c) }

// tally adds up what the metrics are made of.
type tally struct {
	deadGroups     int
	asked, masked  int
	drafts, right  int
	reviews        int // decisions, the reviewer's included
	noRoom         int
	accepted       int
	unreadable     int
	cuts           []int // by steps kept
	revisedWrong   int   // first drafts that were wrong and were revised
	repaired       int   // of these, those whose revision is right
	harmed         int   // first drafts that were right and whose last revision is wrong
	useful         float64
	usefulN        int
	discarded      int
	reviewTokens   int
	scored         int
	revisions      []Revision
	revisionsKnown bool
}

func (t *tally) dead(dead bool) {
	if dead {
		t.deadGroups++
	}
}

// count goes through the attempts, graded.
func (t *tally) count(attempts []*attempt) {
	t.revisionsKnown = true
	for _, a := range attempts {
		t.drafts++
		for _, u := range a.value.useful {
			t.useful += u
			t.usefulN++
		}
		if len(a.rounds) == 0 {
			if a.value.em == 1 {
				t.right++
			}
			t.revisionsKnown = false
			continue
		}
		t.first(a)
		for r := range a.rounds {
			t.round(a, &a.rounds[r])
		}
	}
}

// first counts what became of an attempt's first draft.
func (t *tally) first(a *attempt) {
	first := &a.rounds[0]
	after := a.value
	if len(a.rounds) > 1 {
		after = a.rounds[1].value
	}
	revision := Revision{Cluster: a.question, Accept: 1, Draft: first.value.reward, Final: after.reward, Revised: first.revised()}
	switch {
	case first.odds != nil:
		revision.Accept = 1 - (1-first.odds.Accept)*first.odds.Readable
	case !first.noRoom:
		t.revisionsKnown = false
	}
	t.revisions = append(t.revisions, revision)
	switch {
	case first.value.em == 1:
		t.right++
		if a.value.em != 1 {
			t.harmed++
		}
	case first.revised():
		t.revisedWrong++
		if a.value.em == 1 {
			t.repaired++
		}
	}
}

func (t *tally) round(a *attempt, r *round) {
	if r.noRoom {
		t.noRoom++
		return
	}
	t.reviews++
	if r.ruling.Unreadable {
		t.unreadable++
	}
	for _, s := range []int{r.review, r.decision} {
		if s != rollout.NoParent {
			t.reviewTokens += len(a.tree.Segments[s].Tokens)
		}
	}
	t.scored += r.scored
	if !r.revised() {
		t.accepted++
		return
	}
	for len(t.cuts) <= r.ruling.Keep {
		t.cuts = append(t.cuts, 0)
	}
	t.cuts[r.ruling.Keep]++
	for s := r.draft.Leaf; s != r.kept; s = a.tree.Segments[s].Parent {
		if a.tree.Segments[s].Sampled() {
			t.discarded += len(a.tree.Segments[s].Tokens)
		}
	}
}

// metrics returns the figures; those that have nothing to be a share of are left out.
func (t *tally) metrics(questions int) grpo.Metrics {
	out := grpo.Metrics{MetricDiscarded: float64(t.discarded), MetricReview: float64(t.reviewTokens)}
	ratio := func(name string, x float64, n int) {
		if n > 0 {
			out[name] = x / float64(n)
		}
	}
	ratio(grpo.MetricDeadGroups, float64(t.deadGroups), questions)
	ratio(MetricDraftEM, float64(t.right), t.drafts)
	ratio(MetricAccepted, float64(t.accepted), t.reviews)
	ratio(MetricUnreadable, float64(t.unreadable), t.reviews)
	ratio(MetricNoRoom, float64(t.noRoom), t.reviews+t.noRoom)
	ratio(MetricRepaired, float64(t.repaired), t.revisedWrong)
	ratio(MetricHarmed, float64(t.harmed), t.right)
	ratio(MetricRevisedBad, float64(t.revisedWrong), t.drafts-t.right)
	ratio(MetricUseful, t.useful, t.usefulN)
	ratio(MetricMasked, float64(t.masked), t.asked)
	revised, kept := 0, 0
	for c, n := range t.cuts {
		revised, kept = revised+n, kept+c*n
	}
	for c, n := range t.cuts {
		ratio(MetricCut(c), float64(n), revised)
	}
	ratio(MetricKept, float64(kept), revised)
	if t.scored > 0 {
		out[grpo.MetricScoredTokens] = float64(t.scored)
	}
	if t.revisionsKnown && len(t.revisions) > 0 {
		t.terms(out)
	}
	return out
}

func (t *tally) terms(out grpo.Metrics) {
	terms := Estimate(t.revisions)
	for _, term := range []struct {
		name      string
		value     float64
		low, high float64
	}{
		{MetricGain, terms.Gain, terms.GainCI.Low, terms.GainCI.High},
		{MetricAccepting, terms.Accepting, terms.AcceptingCI.Low, terms.AcceptingCI.High},
		{MetricRevising, terms.Revising, terms.RevisingCI.Low, terms.RevisingCI.High},
		{MetricTrimming, terms.Trimming, terms.TrimmingCI.Low, terms.TrimmingCI.High},
	} {
		out[term.name] = term.value
		if !math.IsNaN(term.low) {
			out[term.name+"_low"], out[term.name+"_high"] = term.low, term.high
		}
	}
}
