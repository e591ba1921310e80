package model

import (
	"context"
	"errors"
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"searchrl/grpo"
)

// The value head's parameters: V = w·h + b, where h is the final hidden state of the token before the one that is valued.
const (
	valueWeight = "value_head.weight" // [1, HiddenSize]
	valueBias   = "value_head.bias"   // [1]
)

// openCritic returns the critic's network. It is made when it is first asked for: a copy of the policy's weights as they are
// then, with a value head of zeros in place of the output head, so that all values are 0.
//
// It has weights of its own, as in Search-R1's and StepSearch's trainers: the value loss then cannot disturb the policy, and
// a method with a frozen critic trains the policy bit for bit as a method without one. What it costs is memory, and as much
// computing as the policy's own training.
func (m *Model) openCritic() (*Model, error) {
	m.criticMu.Lock()
	defer m.criticMu.Unlock()
	if m.critic != nil {
		return m.critic, nil
	}
	m.mu.RLock()
	w, err := m.download()
	m.mu.RUnlock()
	if err != nil {
		return nil, err
	}
	if !m.cfg.TieEmbeddings {
		delete(w, "lm_head.weight")
	}
	c := &Model{cfg: m.cfg, backend: m.backend, opts: m.opts, cost: m.cost, names: w.Names()}
	for _, name := range c.names {
		if err := c.addParameter(name, w[name].Data, w[name].Shape...); err != nil {
			return nil, err
		}
	}
	c.names = append(c.names, valueWeight, valueBias)
	if err := errors.Join(
		c.addParameter(valueWeight, make([]float32, m.cfg.HiddenSize), 1, m.cfg.HiddenSize),
		c.addParameter(valueBias, make([]float32, 1), 1)); err != nil {
		return nil, err
	}
	m.critic = c
	return c, nil
}

// addParameter puts the next parameter's weights on the device; after an error the model is closed.
func (m *Model) addParameter(name string, data []float32, dims ...int) error {
	t, err := m.upload(data, dims...)
	if err != nil {
		m.Close()
		return fmt.Errorf("model: copying the critic's %s to the device: %w", name, err)
	}
	m.params = append(m.params, t)
	return nil
}

// Values implements grpo.Critic. The first call of Values or Fit makes the critic from the policy's present weights; before
// its first Fit all values are exactly 0. A checkpoint does not hold it, a [Model.State] does.
func (m *Model) Values(ctx context.Context, batch grpo.Batch) ([]float64, error) {
	c, p, err := m.valuing(batch)
	if err != nil {
		return nil, fmt.Errorf("model: values: %w", err)
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return nil, errClosed
	}
	values := make([]float64, len(batch.Targets))
	err = c.eachRow(ctx, p, func(r *row) ([]*tensors.Tensor, error) {
		in, err := c.uploadRow(r, p.bucket)
		if err != nil {
			return nil, err
		}
		defer release(in...)
		out, err := c.call("values", p.bucket.String(), func(n []*Node) []*Node {
			return []*Node{c.values(n[:len(c.names)], n[len(c.names):])}
		}, anys(c.params, in))
		if err != nil {
			return nil, err
		}
		return nil, scatter(values, out[0], r)
	}, nil)
	if err != nil {
		return nil, err
	}
	for j, x := range values {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("model: the value of target %d is %v: the critic's weights are not usable", j, x)
		}
	}
	return values, nil
}

// Fit implements grpo.Critic: one AdamW step on grpo.ValueLoss. If anything is not finite nothing changes and an error says so.
func (m *Model) Fit(ctx context.Context, batch grpo.Batch, loss grpo.ValueLoss, optimiser grpo.AdamW) (grpo.ValueUpdate, error) {
	if len(batch.Targets) == 0 {
		return grpo.ValueUpdate{}, errors.New("model: critic's step: the batch has no targets")
	}
	if err := errors.Join(loss.Validate(), optimiser.Validate()); err != nil {
		return grpo.ValueUpdate{}, fmt.Errorf("model: critic's step: %w", err)
	}
	c, p, err := m.valuing(batch)
	if err != nil {
		return grpo.ValueUpdate{}, fmt.Errorf("model: critic's step: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return grpo.ValueUpdate{}, errClosed
	}
	gradient, values, err := c.valueGradients(ctx, p, loss, batch.Targets)
	if err != nil {
		return grpo.ValueUpdate{}, err
	}
	update, _ := loss.Loss(batch.Targets, values)
	update.ComputedTokens = p.computed
	if math.IsNaN(update.Loss) || math.IsInf(update.Loss, 0) {
		release(gradient...)
		return grpo.ValueUpdate{}, fmt.Errorf("model: critic's step: the loss is %v; its weights are as they were", update.Loss)
	}
	update.GradNorm, err = c.apply(gradient, optimiser)
	return update, err
}

// valuing returns the critic's network and the batch laid out in rows.
func (m *Model) valuing(batch grpo.Batch) (*Model, *packing, error) {
	if err := m.check(batch); err != nil {
		return nil, nil, err
	}
	c, err := m.openCritic()
	if err != nil {
		return nil, nil, err
	}
	p, err := pack(batch.Trees, batch.Targets, c.cost, c.opts.RowTokens)
	return c, p, err
}

// valueGradients returns the gradient of the whole batch's value loss by parameter, with the targets' values. The caller holds
// the critic's mu.
func (m *Model) valueGradients(ctx context.Context, p *packing, loss grpo.ValueLoss, targets []grpo.Target) (sum []*tensors.Tensor, values []float64, err error) {
	values = make([]float64, len(targets))
	name := "value-gradient"
	if loss.Clip > 0 {
		name += "-clipped"
	}
	err = m.eachRow(ctx, p, func(r *row) ([]*tensors.Tensor, error) {
		in, err := m.uploadRow(r, p.bucket)
		if err != nil {
			return nil, err
		}
		defer func() { release(in...) }()
		data := make([]float32, 3*p.bucket.targets) // old value, return, weight
		for slot, j := range r.batch {
			t := targets[j]
			for n, x := range []float64{t.OldValue, t.Return, t.Weight} {
				data[n*p.bucket.targets+slot] = float32(x)
			}
		}
		extra, err := m.upload(data, 3, p.bucket.targets)
		if err != nil {
			return nil, fmt.Errorf("model: %w", err)
		}
		in = append(in, extra)
		out, err := m.call(name, p.bucket.String(), func(n []*Node) []*Node {
			return m.valueGradientGraph(n[:len(m.names)], n[len(m.names):], loss.Clip > 0)
		}, append(anys(m.params, in), float32(loss.Clip)))
		if err != nil {
			return nil, err
		}
		if err := scatter(values, out[0], r); err != nil {
			release(out[1:]...)
			return nil, err
		}
		return out[1:], nil
	}, m.adder(&sum))
	if err != nil {
		release(sum...)
		return nil, nil, err
	}
	return sum, values, nil
}

// valueGradientGraph builds the values and the gradient of the row's part of grpo.ValueLoss.
func (m *Model) valueGradientGraph(params, in []*Node, clipped bool) []*Node {
	column := func(i int) *Node { return Reshape(Slice(in[rowInputs], AxisElem(i), AxisRange()), -1) }
	old, target, weight, clip := column(0), column(1), column(2), in[rowInputs+1]
	v := m.values(params, in)
	loss := Square(Sub(v, target))
	if clipped {
		bounded := StopGradient(Square(Sub(Max(Min(v, Add(old, clip)), Sub(old, clip)), target)))
		loss = Where(GreaterThan(bounded, loss), bounded, loss)
	}
	total := MulScalar(ReduceAllSum(Mul(weight, loss)), 0.5)
	return append([]*Node{v}, Gradient(total, params...)...)
}

// values builds the values [targets] of a row's targets, each at the hidden state of its predecessor.
func (m *Model) values(params, in []*Node) *Node {
	d := m.decoderOf(params)
	hidden := d.hidden(in[0], in[1], blockAttention(m.cfg, in[2], in[3]))
	h := Gather(hidden, InsertAxes(in[4], -1))
	return Reshape(Add(linear(h, d.w[valueWeight]), InsertAxes(d.w[valueBias], 0)), -1)
}

// scatter copies a row's figures, one a target, to their places in the batch.
func scatter(to []float64, t *tensors.Tensor, r *row) error {
	from, err := fetch[float32](t)
	if err != nil {
		return fmt.Errorf("model: copying from the device: %w", err)
	}
	for slot, j := range r.batch {
		to[j] = float64(from[slot])
	}
	return nil
}
