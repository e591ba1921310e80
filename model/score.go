package model

import (
	"context"
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"searchrl/grpo"
	"searchrl/rollout"
)

// rowInputs is the number of tensors that describe a row to a program.
const rowInputs = 6

// uploadRow copies a row to the device: tokens, positions, keys, visible, prev, ids.
func (m *Model) uploadRow(r *row, b bucket) ([]*tensors.Tensor, error) {
	blocks := b.tokens / blockSize
	var in []*tensors.Tensor
	for _, x := range []struct {
		data any
		dims []int
	}{
		{r.tokens, []int{b.tokens}},
		{r.positions, []int{b.tokens}},
		{r.keys, []int{blocks, b.keys}},
		{r.visible(b), []int{blocks, blockSize, b.keys * blockSize}},
		{r.prev, []int{b.targets}},
		{r.ids, []int{b.targets}},
	} {
		t, err := m.upload(x.data, x.dims...)
		if err != nil {
			release(in...)
			return nil, fmt.Errorf("model: %w", err)
		}
		in = append(in, t)
	}
	return in, nil
}

// predictRow builds the evaluation of a row from its inputs as uploadRow made them.
func (m *Model) predictRow(params, in []*Node, temperature *Node) predictions {
	d := m.decoderOf(params)
	hidden := d.hidden(in[0], in[1], blockAttention(m.cfg, in[2], in[3]))
	return d.predict(Gather(hidden, InsertAxes(in[4], -1)), in[5], temperature)
}

// predictFew is predictRow for rows with few targets, to be evaluated only: the last layer computes their predecessors alone.
func (m *Model) predictFew(params, in []*Node, temperature *Node) predictions {
	d := m.decoderOf(params)
	hidden := d.hiddenAt(in[0], in[1], in[4], blockAttention(m.cfg, in[2], in[3]), placeAttention(m.cfg, in[2], in[3], in[4]))
	return d.predict(hidden, in[5], temperature)
}

// fewTargets reports whether the last layer is better computed at the targets alone: where they are at most an eighth of the
// tokens, as answers are among documents.
func fewTargets(batch grpo.Batch) bool {
	tokens := 0
	for _, tree := range batch.Trees {
		for s := range tree.Segments {
			tokens += len(tree.Segments[s].Tokens)
		}
	}
	return 8*len(batch.Targets) <= tokens
}

func (b bucket) String() string {
	return fmt.Sprintf("%d tokens, %d key blocks, %d targets", b.tokens, b.keys, b.targets)
}

// check reports tokens outside the vocabulary and targets with numbers that are not finite.
func (m *Model) check(batch grpo.Batch) error {
	for i, tree := range batch.Trees {
		if tree == nil {
			return fmt.Errorf("tree %d is nil", i)
		}
		for s := range tree.Segments {
			for j, id := range tree.Segments[s].Tokens {
				if id < 0 || id >= m.cfg.VocabSize {
					return fmt.Errorf("tree %d, segment %d: token %d is %d, expected 0 to %d", i, s, j, id, m.cfg.VocabSize-1)
				}
			}
		}
	}
	for j, t := range batch.Targets {
		for name, x := range map[string]float64{"advantage": t.Advantage, "old log-probability": t.OldLogProb, "reference log-probability": t.RefLogProb,
			"old value": t.OldValue, "return": t.Return, "weight": t.Weight} {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return fmt.Errorf("target %d: its %s is %v, expected a finite number", j, name, x)
			}
		}
	}
	return nil
}

// LogProbs implements grpo.Learner.
func (m *Model) LogProbs(ctx context.Context, batch grpo.Batch, temperature float64) ([]float64, error) {
	if !(temperature > 0) || math.IsInf(temperature, 0) {
		return nil, fmt.Errorf("model: log-probabilities: temperature %v, expected more than 0", temperature)
	}
	if err := m.check(batch); err != nil {
		return nil, fmt.Errorf("model: log-probabilities: %w", err)
	}
	layout := m.cost
	layout.few = fewTargets(batch)
	p, err := pack(batch.Trees, batch.Targets, layout, m.opts.RowTokens)
	if err != nil {
		return nil, fmt.Errorf("model: log-probabilities: %w", err)
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return nil, errClosed
	}
	result := make([]float64, len(batch.Targets))
	err = m.eachRow(ctx, p, func(r *row) ([]*tensors.Tensor, error) {
		out, err := m.logProbsOf(r, p.bucket, temperature, layout.few)
		for slot, j := range r.batch {
			if err == nil {
				result[j] = float64(out[slot])
			}
		}
		return nil, err
	}, nil)
	if err != nil {
		return nil, err
	}
	for j, x := range result {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("model: the log-probability of target %d is %v: the weights are not usable", j, x)
		}
	}
	return result, nil
}

func (m *Model) logProbsOf(r *row, b bucket, temperature float64, few bool) ([]float32, error) {
	in, err := m.uploadRow(r, b)
	if err != nil {
		return nil, err
	}
	defer release(in...)
	args := append(anys(m.params, in), float32(temperature))
	name, predict := "logprobs", m.predictRow
	if few {
		name, predict = "logprobs of few", m.predictFew
	}
	out, err := m.call(name, b.String(), func(n []*Node) []*Node {
		params, in := n[:len(m.names)], n[len(m.names):]
		return []*Node{predict(params, in, in[rowInputs]).logProb}
	}, args)
	if err != nil {
		return nil, err
	}
	return fetch[float32](out[0])
}

// Score implements rollout.Policy: the requests become a token tree, and logits are computed at the targets only. Where
// Options.Decoder names the plain decoder that one scores too, with the keys and values that sampling has left; but for requests
// that run past the model's positions, which it refuses.
func (m *Model) Score(ctx context.Context, reqs []rollout.ScoreRequest) ([][][]float64, error) {
	for i, req := range reqs {
		if len(req.Prefix) == 0 {
			return nil, fmt.Errorf("model: score: request %d has an empty prefix", i)
		}
		for n, target := range req.Targets {
			if len(target) == 0 {
				return nil, fmt.Errorf("model: score: target %d of request %d is empty", n, i)
			}
		}
	}
	if m.decoder == DecoderPlain && m.fits(reqs) {
		host, err := m.onHost()
		if err != nil {
			return nil, err
		}
		return host.Score(ctx, reqs)
	}
	return m.scoreCompiled(ctx, reqs)
}

// fits reports whether all requests lie within the model's positions.
func (m *Model) fits(reqs []rollout.ScoreRequest) bool {
	for _, req := range reqs {
		for _, target := range req.Targets {
			if len(req.Prefix)+len(target) > m.cfg.MaxPositions {
				return false
			}
		}
	}
	return true
}

// scoreCompiled scores on the backend.
func (m *Model) scoreCompiled(ctx context.Context, reqs []rollout.ScoreRequest) ([][][]float64, error) {
	batch, targets := scoreForest(reqs)
	flat, err := m.LogProbs(ctx, batch, 1)
	if err != nil {
		return nil, err
	}
	result := make([][][]float64, len(reqs))
	for i := range targets {
		result[i] = make([][]float64, len(targets[i]))
		for n, places := range targets[i] {
			result[i][n] = make([]float64, len(places))
			for j, place := range places {
				result[i][n][j] = flat[place]
			}
		}
	}
	return result, nil
}
