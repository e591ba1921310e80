package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"searchrl/safetensors"
)

// The names of the weights' files.
const (
	weightsFile = "model.safetensors"
	indexFile   = "model.safetensors.index.json"
)

// Load reads the model folder at the root of fsys. Names and shapes are checked against the files' headers before any of the
// weights are read.
func Load(fsys fs.FS) (Config, Weights, error) {
	cfg, w, err := load(fsys)
	if err != nil {
		return Config{}, nil, fmt.Errorf("loading a model: %w", err)
	}
	return cfg, w, nil
}

func load(fsys fs.FS) (Config, Weights, error) {
	cfg, err := LoadConfig(fsys)
	if err != nil {
		return Config{}, nil, err
	}
	w, err := LoadTensors(fsys, ParamShapes(cfg), func(name string) (string, bool) { return name, !ignored(cfg, name) })
	return cfg, w, err
}

// LoadTensors reads the float tensors of a model folder of any architecture: exactly those that shapes lists, of those
// shapes, with finite elements. The files' names for them go through rename first; it returns false for a tensor that the
// model does not need. Everything is checked against the files' headers before any of the weights are read.
func LoadTensors(fsys fs.FS, shapes map[string][]int, rename func(name string) (string, bool)) (Weights, error) {
	shards, err := openShards(fsys)
	if err != nil {
		return nil, err
	}
	w, err := shards.weights(shapes, rename)
	return w, errors.Join(err, shards.close())
}

// shards are the open weight files of a folder.
type shards struct {
	files []shard
	of    map[string]int // tensor name → index in files
}

type shard struct {
	name string
	*safetensors.File
}

// openShards opens model.safetensors, or the shards that the index lists.
func openShards(fsys fs.FS) (*shards, error) {
	if _, err := fs.Stat(fsys, weightsFile); err == nil {
		s := &shards{of: map[string]int{}}
		return s, s.open(fsys, weightsFile)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var index struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := ReadJSON(fsys, indexFile, &index); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w (%w)", errNoModel, err)
		}
		return nil, err
	}
	s := &shards{of: map[string]int{}}
	if err := s.openIndexed(fsys, index.WeightMap); err != nil {
		return nil, fmt.Errorf("%s: %w", indexFile, errors.Join(err, s.close()))
	}
	return s, nil
}

// openIndexed opens every shard and checks that each holds exactly the tensors that the index says.
func (s *shards) openIndexed(fsys fs.FS, weightMap map[string]string) error {
	for _, file := range slices.Compact(slices.Sorted(maps.Values(weightMap))) {
		// Published folders are flat; a path that leads elsewhere is somebody's attempt to have another file read.
		if !fs.ValidPath(file) || !filepath.IsLocal(file) || file == "." || strings.ContainsAny(file, `/\:`) {
			return fmt.Errorf("shard %q is not a file name within the model folder", file)
		}
		if err := s.open(fsys, file); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(weightMap)) {
		i, ok := s.of[name]
		if !ok || s.files[i].name != weightMap[name] {
			return fmt.Errorf("tensor %q is not in shard %q", name, weightMap[name])
		}
	}
	for name, i := range s.of {
		if _, ok := weightMap[name]; !ok {
			return fmt.Errorf("shard %q holds tensor %q, which the index does not list", s.files[i].name, name)
		}
	}
	return nil
}

func (s *shards) open(fsys fs.FS, name string) error {
	f, err := safetensors.Open(fsys, name)
	if err != nil {
		return err
	}
	s.files = append(s.files, shard{name, f})
	for _, tensor := range f.Names() {
		if other, ok := s.of[tensor]; ok {
			return fmt.Errorf("tensor %q is in shard %q and in shard %q", tensor, s.files[other].name, name)
		}
		s.of[tensor] = len(s.files) - 1
	}
	return nil
}

func (s *shards) close() error {
	var errs []error
	for _, f := range s.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// weights checks all headers against shapes, then reads and widens the tensors.
func (s *shards) weights(shapes map[string][]int, rename func(string) (string, bool)) (Weights, error) {
	stored := map[string]string{} // the model's name of a tensor → the file's
	for name := range s.of {
		as, ok := rename(name)
		if !ok {
			continue
		}
		if other, twice := stored[as]; twice {
			return nil, fmt.Errorf("tensors %q and %q are both %q of the model", min(name, other), max(name, other), as)
		}
		stored[as] = name
	}
	if err := checkNames(shapes, maps.Keys(stored)); err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(shapes))
	for _, name := range names {
		info, _ := s.files[s.of[stored[name]]].Info(stored[name])
		if err := checkShape(name, info.Shape, shapes[name]); err != nil {
			return nil, err
		}
		switch info.DType {
		case safetensors.F32, safetensors.BF16, safetensors.F16:
		default:
			return nil, fmt.Errorf("tensor %q has dtype %s, want F32, BF16 or F16", name, info.DType)
		}
	}
	w := make(Weights, len(names))
	for _, name := range names {
		file := s.files[s.of[stored[name]]]
		t, err := file.Tensor(stored[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file.name, err)
		}
		data, err := t.Float32s()
		if err == nil {
			err = checkFinite(name, data)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file.name, err)
		}
		w[name] = &Tensor{Shape: t.Shape, Data: data}
	}
	return w, nil
}

// ignored reports whether the tensor is one that checkpoints may hold without the model having it.
func ignored(cfg Config, name string) bool {
	return cfg.TieEmbeddings && name == "lm_head.weight" || strings.HasSuffix(name, ".rotary_emb.inv_freq")
}
