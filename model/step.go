package model

import (
	"context"
	"errors"
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"golang.org/x/sync/errgroup"

	"searchrl/grpo"
)

// eachRow evaluates the rows, up to Options.Workers at a time. Results that eval returns are handed to reduce in the order
// of the rows, whatever order they were finished in, so that sums are reproducible.
func (m *Model) eachRow(ctx context.Context, p *packing, eval func(*row) ([]*tensors.Tensor, error), reduce func([]*tensors.Tensor) error) error {
	done := make([]chan []*tensors.Tensor, len(p.rows))
	for i := range done {
		done[i] = make(chan []*tensors.Tensor, 1)
	}
	group, ctx := errgroup.WithContext(ctx)
	slots := make(chan struct{}, m.opts.Workers) // at most so many rows between their start and their reduction
	group.Go(func() error {
		for i, r := range p.rows {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
			group.Go(func() error {
				out, err := eval(r)
				if err == nil {
					done[i] <- out
				}
				return err
			})
		}
		return nil
	})
	group.Go(func() error {
		for i := range p.rows {
			select {
			case out := <-done[i]:
				<-slots
				if reduce == nil {
					continue
				}
				if err := reduce(out); err != nil {
					return err
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	err := group.Wait()
	for _, d := range done { // what was computed but not handed over because of an error
		select {
		case out := <-d:
			release(out...)
		default:
		}
	}
	return err
}

// lossProgram says which loss a gradient program has; each is compiled on its own.
type lossProgram struct {
	name        string
	kl          grpo.KL
	withKL      bool
	withEntropy bool
	imitate     bool
}

func surrogateProgram(s grpo.Surrogate) lossProgram {
	l := lossProgram{name: "gradient", kl: s.KL, withKL: s.KLCoef != 0, withEntropy: s.EntropyCoef != 0}
	if l.withKL {
		l.name += "-" + string(s.KL)
	}
	if l.withEntropy {
		l.name += "-entropy"
	}
	return l
}

// gradientOf evaluates one row: log-probabilities and entropies of its targets go to the slices, the gradients are returned.
func (m *Model) gradientOf(r *row, b bucket, l lossProgram, s grpo.Surrogate, targets []grpo.Target, logProbs, entropies []float64) ([]*tensors.Tensor, error) {
	in, err := m.uploadRow(r, b)
	if err != nil {
		return nil, err
	}
	defer func() { release(in...) }()
	data := make([]float32, 4*b.targets) // advantage, old, ref, weight
	for slot, j := range r.batch {
		t := targets[j]
		for n, x := range []float64{t.Advantage, t.OldLogProb, t.RefLogProb, t.Weight} {
			data[n*b.targets+slot] = float32(x)
		}
	}
	extra, err := m.upload(data, 4, b.targets)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	in = append(in, extra)
	settings := []float32{float32(s.Temperature), float32(s.ClipLow), float32(s.ClipHigh), float32(s.KLCoef), float32(s.EntropyCoef)}
	out, err := m.call(l.name, b.String(), func(n []*Node) []*Node {
		return m.gradientGraph(n[:len(m.names)], n[len(m.names):], l)
	}, append(anys(m.params, in), settings))
	if err != nil {
		return nil, err
	}
	for n, to := range [][]float64{logProbs, entropies} {
		from, err := fetch[float32](out[n])
		if err != nil {
			release(out[2:]...)
			return nil, fmt.Errorf("model: copying from the device: %w", err)
		}
		for slot, j := range r.batch {
			to[j] = float64(from[slot])
		}
	}
	return out[2:], nil
}

// gradientGraph builds log-probabilities, entropies and the gradient of the row's part of the loss.
func (m *Model) gradientGraph(params, in []*Node, l lossProgram) []*Node {
	settings := in[rowInputs+1]
	setting := func(i int) *Node { return Reshape(Slice(settings, AxisElem(i))) }
	p := m.predictRow(params, in, setting(0))
	data := in[rowInputs]
	column := func(i int) *Node { return Reshape(Slice(data, AxisElem(i), AxisRange()), -1) }
	var loss *Node
	if l.imitate {
		loss = Neg(ReduceAllSum(Mul(column(3), p.logProb)))
	} else {
		o := objective{
			advantage: column(0), oldLogProb: column(1), refLogProb: column(2), weight: column(3),
			clipLow: setting(1), clipHigh: setting(2), klCoef: setting(3), entropyCoef: setting(4),
		}
		loss = o.surrogate(p, l.kl, l.withKL, l.withEntropy)
	}
	return append([]*Node{p.logProb, p.entropy}, Gradient(loss, params...)...)
}

// gradients returns the gradient of the whole batch's loss by parameter, with the targets' log-probabilities and
// entropies. The caller holds mu.
func (m *Model) gradients(ctx context.Context, p *packing, l lossProgram, s grpo.Surrogate, targets []grpo.Target) (sum []*tensors.Tensor, logProbs, entropies []float64, err error) {
	logProbs, entropies = make([]float64, len(targets)), make([]float64, len(targets))
	err = m.eachRow(ctx, p, func(r *row) ([]*tensors.Tensor, error) {
		return m.gradientOf(r, p.bucket, l, s, targets, logProbs, entropies)
	}, m.adder(&sum))
	if err != nil {
		release(sum...)
		return nil, nil, nil, err
	}
	return sum, logProbs, entropies, nil
}

// adder returns a reduction that adds up gradients in sum, and frees those that went into it.
func (m *Model) adder(sum *[]*tensors.Tensor) func([]*tensors.Tensor) error {
	return func(g []*tensors.Tensor) error {
		if *sum == nil {
			*sum = g
			return nil
		}
		n := len(g)
		next, err := m.call("add", "weights", func(in []*Node) []*Node {
			out := make([]*Node, n)
			for i := range out {
				out[i] = Add(in[i], in[n+i])
			}
			return out
		}, anys(*sum, g))
		release(g...)
		release(*sum...)
		*sum = next
		return err
	}
}

// Step implements grpo.Learner. The loss and the other figures of the Update are those before the step, computed in float64
// from the targets' log-probabilities.
func (m *Model) Step(ctx context.Context, batch grpo.Batch, surrogate grpo.Surrogate, optimiser grpo.AdamW) (grpo.Update, error) {
	if err := surrogate.Validate(); err != nil {
		return grpo.Update{}, fmt.Errorf("model: step: %w", err)
	}
	return m.train(ctx, batch, surrogateProgram(surrogate), surrogate, optimiser)
}

// Imitate takes one optimiser step on L = −Σ_j w_j log π_θ(j) over the batch's targets: supervised learning, used to
// warm-start a policy. Advantages and log-probabilities of the targets are ignored.
func (m *Model) Imitate(ctx context.Context, batch grpo.Batch, optimiser grpo.AdamW) (grpo.Update, error) {
	return m.train(ctx, batch, lossProgram{name: "gradient-imitation", imitate: true}, grpo.Surrogate{Temperature: 1}, optimiser)
}

func (m *Model) train(ctx context.Context, batch grpo.Batch, l lossProgram, s grpo.Surrogate, optimiser grpo.AdamW) (grpo.Update, error) {
	if len(batch.Targets) == 0 {
		return grpo.Update{}, errors.New("model: step: the batch has no targets")
	}
	if err := m.check(batch); err != nil {
		return grpo.Update{}, fmt.Errorf("model: step: %w", err)
	}
	if err := optimiser.Validate(); err != nil {
		return grpo.Update{}, fmt.Errorf("model: step: %w", err)
	}
	p, err := pack(batch.Trees, batch.Targets, m.cost, m.opts.RowTokens)
	if err != nil {
		return grpo.Update{}, fmt.Errorf("model: step: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return grpo.Update{}, errClosed
	}
	gradient, logProbs, entropies, err := m.gradients(ctx, p, l, s, batch.Targets)
	if err != nil {
		return grpo.Update{}, err
	}
	update := summary(l, s, batch.Targets, logProbs, entropies)
	update.ComputedTokens = p.computed
	if math.IsNaN(update.Loss) || math.IsInf(update.Loss, 0) {
		release(gradient...)
		return grpo.Update{}, fmt.Errorf("model: step: the loss is %v; the weights are as they were", update.Loss)
	}
	update.GradNorm, err = m.apply(gradient, optimiser)
	return update, err
}

// summary computes the figures of an Update.
func summary(l lossProgram, s grpo.Surrogate, targets []grpo.Target, logProbs, entropies []float64) grpo.Update {
	if !l.imitate {
		u, _ := s.Loss(targets, logProbs, entropies)
		return u
	}
	u := grpo.Update{MinRatio: 1, MaxRatio: 1}
	for j, t := range targets {
		u.PolicyLoss -= t.Weight * logProbs[j]
		u.Entropy += t.Weight * entropies[j]
	}
	u.Loss = u.PolicyLoss
	return u
}
