package stepsearch

import (
	"maps"
	"slices"

	"searchrl/qa"
	"searchrl/retrieval"
)

func sorted(v vector) []string { return slices.Sorted(maps.Keys(v)) }

// Progress follows what one trajectory's searches bring, against the passages that the question's answer rests on.
type Progress struct {
	texts *tfidf
	gold  []vector
	best  []float64       // m_i: the best similarity to gold passage i so far
	seen  map[string]bool // ids of the passages shown so far
}

// NewProgress begins a trajectory of a question with those supporting passages. Title and text of a passage count alike.
func NewProgress(gold []qa.Support) *Progress {
	passages := make([]string, len(gold))
	for i, g := range gold {
		passages[i] = g.Title + " " + g.Text
	}
	p := &Progress{texts: newTFIDF(passages), best: make([]float64, len(gold)), seen: map[string]bool{}}
	for _, passage := range passages {
		p.gold = append(p.gold, p.texts.vector(passage))
	}
	return p
}

// Search takes the documents of the next search and returns what they are worth, both in [0, 1]:
//
//	gain        IG_t = (1/n) Σ_i max(c_i − m_i, 0),   c_i = max over the documents of the cosine with gold passage i
//	redundancy  P_t  = the share of the documents that an earlier search of the trajectory has shown
//
// and then m_i becomes max(m_i, c_i). The gains of a trajectory add up to the mean of the final m_i, so at most to 1. Without
// documents both are 0.
func (p *Progress) Search(documents []retrieval.Hit) (gain, redundancy float64) {
	if len(documents) == 0 {
		return 0, 0
	}
	found := make([]float64, len(p.gold))
	for _, d := range documents {
		v := p.texts.vector(d.Title + " " + d.Text)
		for i, g := range p.gold {
			found[i] = max(found[i], g.cosine(v))
		}
		if p.seen[d.ID] {
			redundancy++
		}
	}
	for _, d := range documents { // after all were looked at: a document does not repeat itself
		p.seen[d.ID] = true
	}
	for i, c := range found {
		gain += max(c-p.best[i], 0) / float64(len(found))
		p.best[i] = max(p.best[i], c)
	}
	return gain, redundancy / float64(len(documents))
}

// KeyScore is the mean over the question's facts of the best token F1 between one of the trajectory's queries and one of the
// fact's wordings, in [0, 1]; 0 without queries.
func KeyScore(queries []string, keys [][]string) float64 {
	if len(keys) == 0 {
		return 0
	}
	sum := 0.0
	for _, wordings := range keys {
		best := 0.0
		for _, query := range queries {
			best = max(best, qa.F1(query, wordings))
		}
		sum += best
	}
	return sum / float64(len(keys))
}
