package model

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/tensors"

	"searchrl/checkpoint"
)

// What a State's tensors and counts are called: policy/weight/NAME, policy/first/NAME and policy/second/NAME (AdamW's moments,
// from its first step on) and the count policy/steps; the same below critic/ if there is one.
const (
	policyPart = "policy/"
	criticPart = "critic/"
	stepsCount = "steps"
)

var stateKinds = []string{"weight/", "first/", "second/"}

// State returns a copy, on the host, of all that training goes on from: the weights, AdamW's moments and the number of its steps,
// and the critic's, if it has been asked for.
func (m *Model) State() (checkpoint.State, error) {
	m.criticMu.Lock()
	defer m.criticMu.Unlock()
	s := checkpoint.State{Tensors: checkpoint.Weights{}, Counts: map[string]int{}}
	if err := m.writeState(policyPart, s); err != nil {
		return checkpoint.State{}, err
	}
	if m.critic == nil {
		return s, nil
	}
	return s, m.critic.writeState(criticPart, s)
}

func (m *Model) writeState(part string, s checkpoint.State) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return errClosed
	}
	s.Counts[part+stepsCount] = m.steps
	for i, t := range slices.Concat(m.params, m.moments) {
		name := part + stateKinds[i/len(m.names)] + m.names[i%len(m.names)]
		data, err := tensors.CopyFlatData[float32](t)
		if err != nil {
			return fmt.Errorf("model: copying %s from the device: %w", name, err)
		}
		s.Tensors[name] = &checkpoint.Tensor{Shape: slices.Clone(t.Shape().Dimensions), Data: data}
	}
	return nil
}

// SetState puts the model where [Model.State] was called on one of the same configuration: what is trained and computed from here
// on is the same to the bit, on the same backend (tested on the processor, in pure Go and by XLA). A state of another model is an error; the model is of no use after it.
func (m *Model) SetState(s checkpoint.State) error {
	withCritic := false
	for name := range s.Tensors {
		withCritic = withCritic || strings.HasPrefix(name, criticPart)
	}
	if err := m.readState(policyPart, s); err != nil {
		return err
	}
	if !withCritic {
		m.criticMu.Lock()
		defer m.criticMu.Unlock()
		if m.critic != nil {
			m.critic.Close()
			m.critic = nil
		}
		return nil
	}
	c, err := m.openCritic()
	if err != nil {
		return err
	}
	return c.readState(criticPart, s)
}

// readState takes one network's part of the state.
func (m *Model) readState(part string, s checkpoint.State) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errClosed
	}
	steps, ok := s.Counts[part+stepsCount]
	if !ok || steps < 0 {
		return fmt.Errorf("model: this is no state of a model: it lacks the count %s", part+stepsCount)
	}
	kinds := stateKinds[:1]
	if steps > 0 {
		kinds = stateKinds
	}
	if err := m.checkState(part, kinds, s); err != nil {
		return err
	}
	var fresh []*tensors.Tensor
	for _, kind := range kinds {
		for _, name := range m.names {
			t := s.Tensors[part+kind+name]
			device, err := m.upload(t.Data, t.Shape...)
			if err != nil {
				release(fresh...)
				return fmt.Errorf("model: copying %s to the device: %w", part+kind+name, err)
			}
			fresh = append(fresh, device)
		}
	}
	release(m.params...)
	release(m.moments...)
	n := len(m.names)
	m.params, m.moments = fresh[:n:n], nil
	if steps > 0 {
		m.moments = fresh[n:]
	}
	m.steps = steps
	m.version++
	return nil
}

// checkState reports tensors that are missing, too many, or of another shape.
func (m *Model) checkState(part string, kinds []string, s checkpoint.State) error {
	for _, kind := range kinds {
		for i, name := range m.names {
			t, ok := s.Tensors[part+kind+name]
			if !ok {
				return fmt.Errorf("model: the state lacks %s: it is that of another model", part+kind+name)
			}
			if want := m.params[i].Shape().Dimensions; !slices.Equal(t.Shape, want) {
				return fmt.Errorf("model: the state's %s has shape %v, expected %v: it is that of another model", part+kind+name, t.Shape, want)
			}
		}
	}
	found := 0
	for name := range s.Tensors {
		if strings.HasPrefix(name, part) {
			found++
		}
	}
	if want := len(kinds) * len(m.names); found != want {
		return errors.New("model: the state has tensors that the model lacks: it is that of another model")
	}
	return nil
}
