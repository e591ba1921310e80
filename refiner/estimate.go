package refiner

import (
	"math"

	"searchrl/interval"
)

// Revision is what the decomposition is estimated from: one draft and what became of it in one round.
type Revision struct {
	Cluster int     // the question; drafts of one question are not independent
	Accept  float64 // α, the probability with which the draft was accepted
	Draft   float64 // R(ŷ)
	Final   float64 // R(y): of the revised trajectory, or of the draft if it was accepted
	Revised bool
}

// Terms are the terms of Search-R2's decomposition of what one round of revision is worth,
//
//	ΔJ = A_prec + V_inter · S_trim
//	A_prec  = Cov(α, R − J_trim)              does the refiner accept what a cut would spoil?
//	V_inter = 1 − E α                         how often does it intervene?
//	S_trim  = E[J_trim − R] = Σ_c Cov(π_h(c), G_c)  does it cut where a new suffix does better?
//
// (Theorems 4.1 and 4.2 of the paper as we know them; verify/mixture has them exactly.)
type Terms struct {
	Gain      float64 // ΔJ
	Accepting float64 // A_prec
	Revising  float64 // V_inter
	Trimming  float64 // S_trim
	// 95 % intervals, Student's t over the questions' means; unknown with fewer than two questions.
	GainCI, AcceptingCI, RevisingCI, TrimmingCI interval.Interval
}

// Estimate estimates the terms from drafts that were decided about with probability α each. What a cut would have brought is
// known only of drafts that were cut, so they are weighted by how seldom that happens: with
//
//	w = 1[revised] (R(y) − R(ŷ)) / (1 − α),   E[w | ŷ] = J_trim(ŷ) − R(ŷ),
//
// S_trim is the mean of w, A_prec minus the covariance of α and w, and ΔJ the mean of R(y) − R(ŷ). The covariance divides by
// n and ΔJ is taken as the mean of (1−α) w, which is the same number, so the identity holds of the estimates, too. A draft
// that is always accepted has no w and counts as 0: it adds nothing to ΔJ, but S_trim then leaves it out.
func Estimate(revisions []Revision) Terms {
	n := float64(len(revisions))
	if n == 0 {
		nan := math.NaN()
		return Terms{nan, nan, nan, nan, interval.Unknown(), interval.Unknown(), interval.Unknown(), interval.Unknown()}
	}
	weighted := make([]float64, len(revisions))
	var alpha, w, gain float64
	for i, r := range revisions {
		if r.Revised && r.Accept < 1 {
			weighted[i] = (r.Final - r.Draft) / (1 - r.Accept)
		}
		alpha += r.Accept / n
		w += weighted[i] / n
		gain += (1 - r.Accept) * weighted[i] / n
	}
	t := Terms{Gain: gain, Revising: 1 - alpha, Trimming: w}
	parts := make([][4]float64, len(revisions)) // each draft's part of each estimate
	for i, r := range revisions {
		product := -(r.Accept - alpha) * (weighted[i] - w)
		t.Accepting += product / n
		parts[i] = [4]float64{(1 - r.Accept) * weighted[i], product, 1 - r.Accept, weighted[i]}
	}
	for k, ci := range []*interval.Interval{&t.GainCI, &t.AcceptingCI, &t.RevisingCI, &t.TrimmingCI} {
		*ci = clustered(revisions, parts, k)
	}
	return t
}

// clustered is the interval of the mean of part k over the clusters' means.
func clustered(revisions []Revision, parts [][4]float64, k int) interval.Interval {
	sum, n := map[int]float64{}, map[int]int{}
	var order []int
	for i, r := range revisions {
		if n[r.Cluster] == 0 {
			order = append(order, r.Cluster)
		}
		sum[r.Cluster] += parts[i][k]
		n[r.Cluster]++
	}
	means := make([]float64, len(order))
	for i, c := range order {
		means[i] = sum[c] / float64(n[c])
	}
	_, ci := interval.Mean(means)
	return ci
}
