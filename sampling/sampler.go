package sampling

import (
	"fmt"
	"math"
	"math/rand/v2"

	"searchrl/rollout"
)

// Validate reports whether s describes a distribution.
func Validate(s rollout.Sampling) error {
	switch {
	case !(s.Temperature >= 0) || math.IsInf(s.Temperature, 1):
		return fmt.Errorf("temperature is %v, want a finite number ≥ 0", s.Temperature)
	case s.TopK < 0:
		return fmt.Errorf("top-k is %d, want ≥ 0", s.TopK)
	case !(s.TopP >= 0 && s.TopP <= 1):
		return fmt.Errorf("top-p is %v, want a number in [0, 1]", s.TopP)
	}
	return nil
}

// Stream returns the random numbers of sample n of a request with the given seed. It depends on nothing else, so a sample
// can be drawn again alone.
func Stream(seed uint64, n int) *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(n))) }

// Sampler draws tokens. It owns scratch memory and so serves one goroutine.
type Sampler struct {
	s       rollout.Sampling
	weights []float64 // exp((ℓ_i − max ℓ)/T)
	heap    []int     // ids not yet sorted, for top-k and top-p
	sorted  []int     // the most likely ids, in order
}

// New returns a Sampler for s, which must be valid.
func New(s rollout.Sampling) (*Sampler, error) {
	if err := Validate(s); err != nil {
		return nil, err
	}
	return &Sampler{s: s}, nil
}

// Draw draws a token id in [0, len(logits)) and returns it with its log-probability under the distribution it was drawn from.
// It takes one number from rng, or none if greedy. If logits hold a NaN or +Inf, or nothing else than −Inf, the model has
// diverged, and the log-probability is NaN.
func (s *Sampler) Draw(logits []float32, rng *rand.Rand) (id int, logprob float64) {
	best := argmax(logits)
	if s.s.Temperature == 0 {
		return best, LogProb(logits, best)
	}
	top := float64(logits[best])
	s.weights = s.weights[:0]
	total := 0.0
	for _, l := range logits {
		w := math.Exp((float64(l) - top) / s.s.Temperature)
		s.weights = append(s.weights, w)
		total += w
	}
	if math.IsNaN(total) {
		return best, total
	}
	u := rng.Float64()
	if s.s.TopK > 0 && s.s.TopK < len(logits) || s.s.TopP > 0 && s.s.TopP < 1 {
		var kept []int
		kept, total = s.truncate(total)
		id = pick(len(kept), func(i int) float64 { return s.weights[kept[i]] }, u*total)
		id = kept[id]
	} else {
		id = pick(len(s.weights), func(i int) float64 { return s.weights[i] }, u*total)
	}
	return id, (float64(logits[id])-top)/s.s.Temperature - math.Log(total)
}

// pick returns the first i whose cumulative weight exceeds x; should rounding leave none, the last with any weight.
func pick(n int, weight func(int) float64, x float64) int {
	last := 0
	for i := range n {
		w := weight(i)
		if w == 0 {
			continue
		}
		if x -= w; x < 0 {
			return i
		}
		last = i
	}
	return last
}

// truncate applies top-k, then top-p. It returns the ids that stay, most likely first, and the sum of their weights.
// total is the sum of all weights.
func (s *Sampler) truncate(total float64) (kept []int, sum float64) {
	s.heapify()
	limit := len(s.weights)
	if s.s.TopK > 0 && s.s.TopK < limit {
		limit = s.s.TopK
		total = 0 // top-p is a share of what top-k leaves
		for m := range limit {
			total += s.weights[s.likeliest(m)]
		}
	}
	enough := math.Inf(1)
	if s.s.TopP > 0 && s.s.TopP < 1 {
		enough = s.s.TopP * total
	}
	m := 0
	for m < limit && (m == 0 || sum < enough) {
		sum += s.weights[s.likeliest(m)]
		m++
	}
	return s.sorted[:m], sum
}

// heapify puts all ids into the heap.
func (s *Sampler) heapify() {
	s.heap, s.sorted = s.heap[:0], s.sorted[:0]
	for i := range s.weights {
		s.heap = append(s.heap, i)
	}
	for i := len(s.heap)/2 - 1; i >= 0; i-- {
		s.siftDown(i)
	}
}

// likeliest returns the id of rank m, 0 the most likely, and sorts no further than that: a few pops from the heap are much
// cheaper than sorting a large vocabulary.
func (s *Sampler) likeliest(m int) int {
	for len(s.sorted) <= m {
		last := len(s.heap) - 1
		s.sorted = append(s.sorted, s.heap[0])
		s.heap[0] = s.heap[last]
		s.heap = s.heap[:last]
		s.siftDown(0)
	}
	return s.sorted[m]
}

// siftDown restores the heap order (likelier above; of equals the smaller id) below position i.
func (s *Sampler) siftDown(i int) {
	for {
		child := 2*i + 1
		if child >= len(s.heap) {
			return
		}
		if child+1 < len(s.heap) && s.above(child+1, child) {
			child++
		}
		if !s.above(child, i) {
			return
		}
		s.heap[i], s.heap[child] = s.heap[child], s.heap[i]
		i = child
	}
}

func (s *Sampler) above(i, j int) bool {
	a, b := s.heap[i], s.heap[j]
	return s.weights[a] > s.weights[b] || s.weights[a] == s.weights[b] && a < b
}

// LogProb returns log softmax(logits)[id].
func LogProb(logits []float32, id int) float64 {
	top := float64(logits[argmax(logits)])
	sum := 0.0
	for _, l := range logits {
		sum += math.Exp(float64(l) - top)
	}
	return float64(logits[id]) - top - math.Log(sum)
}

// argmax returns the index of the largest element, the smallest such index; NaNs are passed over.
func argmax(logits []float32) int {
	best := 0
	for i, l := range logits {
		if l > logits[best] {
			best = i
		}
	}
	return best
}
