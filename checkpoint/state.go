package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"searchrl/safetensors"
)

// State is everything that training goes on from: tensors, such as weights and the optimiser's moments, and counts, such as its
// steps, by names that the learner chooses.
type State struct {
	Tensors Weights
	Counts  map[string]int
}

// countPrefix marks the counts among the file's metadata.
const countPrefix = "count."

// WriteState writes the state as one safetensors file (float32), which [ReadState] reads back to the bit.
func WriteState(w io.Writer, s State) error {
	metadata := map[string]string{"format": "pt"}
	for name, count := range s.Counts {
		metadata[countPrefix+name] = strconv.Itoa(count)
	}
	if err := writeTensors(w, s.Tensors, metadata); err != nil {
		return fmt.Errorf("writing the state of training: %w", err)
	}
	return nil
}

// ReadState reads the named file of fsys. Every element must be finite.
func ReadState(fsys fs.FS, name string) (State, error) {
	s, err := readState(fsys, name)
	if err != nil {
		return State{}, fmt.Errorf("reading the state of training from %s: %w", name, err)
	}
	return s, nil
}

func readState(fsys fs.FS, name string) (s State, err error) {
	file, err := safetensors.Open(fsys, name)
	if err != nil {
		return State{}, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	s = State{Tensors: Weights{}, Counts: map[string]int{}}
	for key, text := range file.Metadata() {
		if count, ok := strings.CutPrefix(key, countPrefix); ok {
			if s.Counts[count], err = strconv.Atoi(text); err != nil {
				return State{}, fmt.Errorf("%s is %q, expected a whole number", count, text)
			}
		}
	}
	for _, tensor := range file.Names() {
		t, err := file.Tensor(tensor)
		if err != nil {
			return State{}, err
		}
		if t.DType != safetensors.F32 {
			return State{}, fmt.Errorf("tensor %q has dtype %s, want F32", tensor, t.DType)
		}
		data, err := t.Float32s()
		if err == nil {
			err = checkFinite(tensor, data)
		}
		if err != nil {
			return State{}, err
		}
		s.Tensors[tensor] = &Tensor{Shape: t.Shape, Data: data}
	}
	return s, nil
}
