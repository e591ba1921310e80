package flat

import (
	"cmp"
	"math"
	"slices"
)

// Match is one vector found: its row in the index, from 0, and its inner product with the query.
type Match struct {
	Row   int
	Score float64
}

func (a Match) compare(b Match) int {
	return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Row, b.Row))
}

// nominees gathers, from fast scores, every row that may be among a query's best k: those within slack of the k-th best.
type nominees struct {
	k         int
	slack     float64 // 2ε(q)
	threshold float32 // fast scores below it cannot matter
	rows      []nominee
	limit     int // rows are thinned out when there are so many
}

type nominee struct {
	score float32
	row   int
}

func newNominees(k int, slack float64) *nominees {
	return &nominees{k: k, slack: slack, threshold: float32(math.Inf(-1)), limit: 4*k + 64}
}

// offer takes the fast scores [rows, stride], flat, of the rows from first on: column j is what all[j] gathers from.
func offer(all []*nominees, first int, scores []float32, stride int) {
	thresholds := make([]float32, len(all))
	for j, n := range all {
		thresholds[j] = n.threshold
	}
	for row := first; len(scores) >= stride; row, scores = row+1, scores[stride:] {
		line := scores[:len(thresholds)]
		for j, threshold := range thresholds {
			if line[j] >= threshold {
				thresholds[j] = all[j].add(row, line[j])
			}
		}
	}
}

// add takes a score that is not below the threshold, and returns the new threshold.
func (n *nominees) add(row int, score float32) float32 {
	if n.rows = append(n.rows, nominee{score, row}); len(n.rows) >= n.limit {
		n.thin()
	}
	return n.threshold
}

// thin raises the threshold to what the k-th best score so far allows, and drops what is below.
func (n *nominees) thin() {
	if len(n.rows) < n.k {
		return
	}
	slices.SortFunc(n.rows, func(a, b nominee) int { return cmp.Compare(b.score, a.score) })
	// The subtraction is rounded towards −∞: one more row does no harm, one less would.
	n.threshold = math.Nextafter32(float32(float64(n.rows[n.k-1].score)-n.slack), float32(math.Inf(-1)))
	end, _ := slices.BinarySearchFunc(n.rows, n.threshold, func(a nominee, t float32) int {
		if a.score >= t {
			return -1
		}
		return 1
	})
	n.rows = n.rows[:end]
	n.limit = max(n.limit, 2*len(n.rows)) // many equal scores
}

// merge adds another's rows.
func (n *nominees) merge(other *nominees) {
	n.rows = append(n.rows, other.rows...)
	n.thin()
}

// settle scores the nominees again by exact and returns the best k.
func (n *nominees) settle(exact func(row int) float64) []Match {
	n.thin()
	out := make([]Match, len(n.rows))
	for i, r := range n.rows {
		out[i] = Match{Row: r.row, Score: exact(r.row)}
	}
	slices.SortFunc(out, Match.compare)
	return out[:min(n.k, len(out))]
}
