package model

import (
	"context"
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"searchrl/rollout"
)

// maxSamples bounds the samples that are decoded side by side, hence the memory of their caches.
const maxSamples = 256

// decode samples on the backend: the prefixes go through the network once, packed as a forest, then all samples advance
// one token a program call. The caller holds mu.
func (m *Model) decode(ctx context.Context, reqs []rollout.GenerateRequest) ([][]rollout.Completion, error) {
	var prefixes [][]int
	known := map[string]int{}
	result := make([][]rollout.Completion, len(reqs))
	byPrefix := map[int][]int{} // prefix → requests
	for i, r := range reqs {
		result[i] = make([]rollout.Completion, r.N)
		key := fmt.Sprint(r.Prefix)
		if _, ok := known[key]; !ok {
			known[key] = len(prefixes)
			prefixes = append(prefixes, r.Prefix)
		}
		byPrefix[known[key]] = append(byPrefix[known[key]], i)
	}
	if len(prefixes) == 0 {
		return result, nil
	}
	forest := prefixForest(prefixes)
	cost := m.cost
	cost.workers = 1
	p, err := pack(forest.Trees, forest.Targets, cost, 4*m.opts.RowTokens)
	if err != nil {
		return nil, err
	}
	for _, r := range p.rows {
		var samples []*sample
		var slots []int // of each sample's prefix among the row's targets
		for slot, prefix := range r.batch {
			for _, i := range byPrefix[prefix] {
				for n := range reqs[i].N {
					s, err := m.newSample(&reqs[i], n, &result[i][n])
					if err != nil {
						return nil, fmt.Errorf("request %d: %w", i, err)
					}
					s.prefix = r.path(r.prev[slot])
					samples, slots = append(samples, s), append(slots, slot)
				}
			}
		}
		if err := m.decodeRow(ctx, r, p.bucket, samples, slots); err != nil {
			return nil, err
		}
	}
	return result, nil
}

// decodeRow evaluates a row of prefixes and samples from all of them.
func (m *Model) decodeRow(ctx context.Context, r *row, b bucket, samples []*sample, slots []int) error {
	in, err := m.uploadRow(r, b)
	if err != nil {
		return err
	}
	defer release(in...)
	out, err := m.call("prefill", b.String(), func(n []*Node) []*Node {
		return m.prefillGraph(n[:len(m.names)], n[len(m.names):])
	}, anys(m.params, in))
	if err != nil {
		return err
	}
	defer release(out[1:]...)
	logits, err := fetch[float32](out[0])
	if err != nil {
		return err
	}
	var open []*sample
	for i, s := range samples {
		id, logProb := s.draw(logits[slots[i]*m.cfg.VocabSize:][:m.cfg.VocabSize])
		done, err := s.add(id, logProb, m.eos)
		if err != nil {
			return err
		}
		if !done {
			open = append(open, s)
		}
	}
	for len(open) > 0 {
		n := min(len(open), maxSamples)
		if err := m.decodeBatch(ctx, out[1:], b, open[:n]); err != nil {
			return err
		}
		open = open[n:]
	}
	return nil
}

// decodeBatch samples until all are complete. rows are keys and values of the row of prefixes.
func (m *Model) decodeBatch(ctx context.Context, rows []*tensors.Tensor, b bucket, samples []*sample) (err error) {
	shape := cacheShape{samples: sampleBucket(len(samples)), prefix: 1, room: 1}
	for _, s := range samples {
		shape.prefix, shape.room = max(shape.prefix, len(s.prefix)), max(shape.room, s.request.MaxTokens-1)
	}
	shape.prefix, shape.room = placeBucket(shape.prefix), placeBucket(shape.room)
	places := make([]int32, shape.samples*shape.prefix)
	for i, s := range samples {
		s.row = i
		copy(places[i*shape.prefix:], s.prefix)
	}
	at, err := m.upload(places, shape.samples, shape.prefix)
	if err != nil {
		return err
	}
	prefix, err := m.call("spread", fmt.Sprint(b.tokens, " to ", shape), func(n []*Node) []*Node {
		return spreadGraph(m.cfg, n[:len(n)-1], n[len(n)-1])
	}, append(anys(rows), at))
	release(at)
	if err != nil {
		return err
	}
	defer func() { release(prefix...) }()
	fresh := make([]*tensors.Tensor, len(prefix))
	defer func() { release(fresh...) }()
	zeros := make([]float32, shape.samples*m.cfg.KVHeads*shape.room*m.cfg.HeadDim)
	for i := range fresh {
		if fresh[i], err = m.upload(zeros, shape.samples, m.cfg.KVHeads, shape.room, m.cfg.HeadDim); err != nil {
			return err
		}
	}
	for step := 0; len(samples) > 0; step++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		ids, logProbs, err := m.step(prefix, &fresh, shape, samples, step)
		if err != nil {
			return err
		}
		var open []*sample
		var rows []int32 // of the open samples
		for i, s := range samples {
			done, err := s.add(ids[i], logProbs[i], m.eos)
			if err != nil {
				return err
			}
			if !done {
				open, rows = append(open, s), append(rows, int32(s.row))
			}
		}
		// Samples that are done leave idle rows; a batch that is half idle moves to a smaller one.
		if smaller := sampleBucket(len(open)); len(open) > 0 && smaller < shape.samples {
			if err := m.compact(&prefix, &fresh, shape, smaller, rows); err != nil {
				return err
			}
			shape.samples = smaller
			for i, s := range open {
				s.row = i
			}
		}
		samples = open
	}
	return nil
}

// step feeds each sample its last token and draws the next.
func (m *Model) step(prefix []*tensors.Tensor, fresh *[]*tensors.Tensor, shape cacheShape, samples []*sample, step int) (ids []int, logProbs []float64, err error) {
	onDevice, name := m.drawsOnDevice(samples), "step"
	if onDevice {
		name = "step-draw"
	}
	tokens, lengths := make([]int32, shape.samples), make([]int32, shape.samples)
	chance, temperature := make([]float32, shape.samples), make([]float32, shape.samples)
	for _, s := range samples {
		tokens[s.row], lengths[s.row] = int32(s.out.Tokens[len(s.out.Tokens)-1]), int32(len(s.prefix))
		if onDevice {
			chance[s.row], temperature[s.row] = float32(s.chance()), float32(s.request.Sampling.Temperature)
		}
	}
	args := anys(m.params, prefix)
	for _, t := range *fresh { // given away: the program reuses their memory for its results
		donated, err := DonateTensorBuffer(t, m.backend, 0)
		if err != nil {
			return nil, nil, err
		}
		args = append(args, donated)
	}
	*fresh = nil
	w, c := len(m.names), 2*m.cfg.Layers
	out, err := m.call(name, shape.String(), func(n []*Node) []*Node {
		rest := n[w+2*c:]
		out := m.stepGraph(n[:w], n[w:w+c], n[w+c:w+2*c], rest[0], rest[1], rest[2])
		if onDevice {
			ids, logProbs := drawGraph(out[0], rest[3], rest[4])
			return append(out[1:], ids, logProbs)
		}
		return append(out[1:], out[0])
	}, append(args, tokens, lengths, int32(step), chance, temperature))
	if err != nil {
		return nil, nil, err
	}
	*fresh = out[:c:c]
	return m.drawn(out[c:], samples, onDevice)
}

// drawn returns the samples' next tokens from what a step returned: ids and log-probabilities, or logits to draw from.
func (m *Model) drawn(out []*tensors.Tensor, samples []*sample, onDevice bool) (ids []int, logProbs []float64, err error) {
	if !onDevice {
		logits, err := fetch[float32](out[0])
		if err != nil {
			return nil, nil, err
		}
		for _, s := range samples {
			id, logProb := s.draw(logits[s.row*m.cfg.VocabSize:][:m.cfg.VocabSize])
			ids, logProbs = append(ids, id), append(logProbs, logProb)
		}
		return ids, logProbs, nil
	}
	all, err := fetch[int32](out[0])
	if err != nil {
		return nil, nil, err
	}
	lp, err := fetch[float32](out[1])
	for _, s := range samples {
		if err == nil {
			ids, logProbs = append(ids, int(all[s.row])), append(logProbs, float64(lp[s.row]))
		}
	}
	return ids, logProbs, err
}

// compact keeps the given samples of a batch and shrinks it to fewer rows.
func (m *Model) compact(prefix, fresh *[]*tensors.Tensor, shape cacheShape, samples int, kept []int32) error {
	rows := make([]int32, samples)
	copy(rows, kept)
	at, err := m.upload(rows, samples)
	if err != nil {
		return err
	}
	defer release(at)
	out, err := m.call("compact", fmt.Sprint(shape, " to ", samples), func(n []*Node) []*Node {
		var out []*Node
		for _, x := range n[:len(n)-1] {
			out = append(out, Gather(x, InsertAxes(n[len(n)-1], -1)))
		}
		return out
	}, append(anys(*prefix, *fresh), at))
	if err != nil {
		return err
	}
	release(*prefix...)
	release(*fresh...)
	half := len(*prefix)
	*prefix, *fresh = out[:half:half], out[half:]
	return nil
}
