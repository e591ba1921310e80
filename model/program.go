package model

import (
	"fmt"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes/gotype"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// programs holds the model's executors by name, one compiled program for each name and shape of arguments.
type programs struct {
	mu     sync.Mutex
	execs  map[string]*Exec
	shapes map[string]bool
}

// Programs returns the number of programs compiled so far, the critic's included.
func (m *Model) Programs() int {
	n := 0
	m.criticMu.Lock()
	if m.critic != nil {
		n = m.critic.Programs()
	}
	m.criticMu.Unlock()
	m.programs.mu.Lock()
	defer m.programs.mu.Unlock()
	return n + len(m.programs.shapes)
}

func (p *programs) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.execs {
		e.Finalize()
	}
	p.execs = nil
}

// get returns the executor called name, made by build the first time. shape tells apart the programs it compiles.
func (p *programs) get(backend compute.Backend, name, shape string, build func([]*Node) []*Node) (*Exec, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.execs == nil {
		p.execs, p.shapes = map[string]*Exec{}, map[string]bool{}
	}
	p.shapes[name+" "+shape] = true
	if e := p.execs[name]; e != nil {
		return e, nil
	}
	e, err := NewExec(backend, build)
	if err != nil {
		return nil, err
	}
	e.WithName(name).SetMaxCache(-1)
	p.execs[name] = e
	return e, nil
}

// call runs the program called name on args (tensors, donated buffers or slices of tensors).
func (m *Model) call(name, shape string, build func([]*Node) []*Node, args []any) (out []*tensors.Tensor, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("model: program %s for %s: %v", name, shape, r)
		}
	}()
	e, err := m.programs.get(m.backend, name, shape, build)
	if err != nil {
		return nil, fmt.Errorf("model: program %s: %w", name, err)
	}
	out, err = e.Call(args...)
	if err != nil {
		return nil, fmt.Errorf("model: program %s for %s: %w", name, shape, err)
	}
	return out, nil
}

// upload copies data to the device.
func (m *Model) upload(data any, dims ...int) (t *tensors.Tensor, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("copying to the device: %v", r)
		}
	}()
	switch d := data.(type) {
	case []float32:
		t = tensors.FromFlatDataAndDimensions(d, dims...)
	case []int32:
		t = tensors.FromFlatDataAndDimensions(d, dims...)
	case []bool:
		t = tensors.FromFlatDataAndDimensions(d, dims...)
	default:
		return nil, fmt.Errorf("no tensor of %T", data)
	}
	return t, t.ToDevice(m.backend, 0)
}

// fetch copies a tensor to the host and frees it.
func fetch[T gotype.Supported](t *tensors.Tensor) ([]T, error) {
	data, err := tensors.CopyFlatData[T](t)
	release(t)
	return data, err
}

// anys turns tensors into arguments.
func anys(lists ...[]*tensors.Tensor) []any {
	var args []any
	for _, list := range lists {
		for _, t := range list {
			args = append(args, t)
		}
	}
	return args
}

// decoderOf names the weights among a program's inputs.
func (m *Model) decoderOf(params []*Node) *decoder {
	w := make(map[string]*Node, len(m.names))
	for i, name := range m.names {
		w[name] = params[i]
	}
	return &decoder{cfg: m.cfg, w: w}
}
