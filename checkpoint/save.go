package checkpoint

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"searchrl/safetensors"
)

// tokenizerFiles are the files that make up a tokenizer in a Hugging Face folder; tokenizer.json alone is enough.
var tokenizerFiles = []string{
	"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
	"vocab.json", "merges.txt", "chat_template.jinja",
}

// Option adds to what [Save] writes.
type Option func(*saver)

// WithTokenizer copies the tokenizer's files, as far as they are there, from the root of fsys.
func WithTokenizer(fsys fs.FS) Option { return func(s *saver) { s.tokenizer = fsys } }

// Save writes the model as a Hugging Face folder dir: config.json, generation_config.json and model.safetensors (float32).
//
// All files are written to a temporary folder and flushed to the disk first. If dir does not exist, that folder is then
// renamed, so dir appears whole or not at all. If it exists, its files of these names are replaced one by one, each
// whole at any time, and other files are left alone. Should the process be killed, a folder ".tmp-…" may stay behind.
func Save(dir string, cfg Config, w Weights, options ...Option) error {
	s := saver{cfg: cfg, weights: w}
	for _, option := range options {
		option(&s)
	}
	if err := s.save(filepath.Clean(dir)); err != nil {
		return fmt.Errorf("saving a model to %s: %w", dir, err)
	}
	return nil
}

type saver struct {
	cfg       Config
	weights   Weights
	tokenizer fs.FS // may be nil
	written   []string
}

func (s *saver) save(dir string) (err error) {
	if err := s.weights.Check(s.cfg); err != nil {
		return err
	}
	stat, err := os.Stat(dir)
	exists := err == nil
	switch {
	case exists && !stat.IsDir():
		return errors.New("it is there and no folder")
	case !exists && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	parent := dir // the temporary folder must be on the same file system as dir
	if !exists {
		parent = filepath.Dir(dir)
		if err := os.MkdirAll(parent, 0o755); err != nil {
			return err
		}
	}
	temp, err := os.MkdirTemp(parent, ".tmp-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }() // nothing is left there after success
	if err := s.writeAll(temp); err != nil {
		return err
	}
	if !exists {
		if err := os.Chmod(temp, 0o755); err != nil { // MkdirTemp keeps others out
			return err
		}
		if err := os.Rename(temp, dir); err != nil {
			return err
		}
		return syncDir(parent)
	}
	for _, name := range s.written {
		if err := os.Rename(filepath.Join(temp, name), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return syncDir(dir)
}

// writeAll writes every file of the checkpoint into dir.
func (s *saver) writeAll(dir string) error {
	files := []struct {
		name  string
		write func(io.Writer) error
	}{
		{"config.json", func(w io.Writer) error { return writeJSON(w, s.configJSON()) }},
		{"generation_config.json", func(w io.Writer) error { return writeJSON(w, s.generationJSON()) }},
		{weightsFile, s.writeWeights},
	}
	for _, file := range files {
		if err := s.write(dir, file.name, file.write); err != nil {
			return err
		}
	}
	if s.tokenizer != nil {
		for _, name := range tokenizerFiles {
			content, err := fs.ReadFile(s.tokenizer, name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return fmt.Errorf("copying the tokenizer: %w", err)
			}
			write := func(w io.Writer) error { _, err := w.Write(content); return err }
			if err := s.write(dir, name, write); err != nil {
				return err
			}
		}
	}
	return syncDir(dir)
}

// write makes the named file in dir and waits until it is on the disk.
func (s *saver) write(dir, name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(f, 1<<20)
	if err := write(b); err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", name, err), f.Close())
	}
	if err := errors.Join(b.Flush(), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	s.written = append(s.written, name)
	return nil
}

func (s *saver) writeWeights(w io.Writer) error {
	return writeTensors(w, s.weights, map[string]string{"format": "pt"})
}

// writeTensors writes a safetensors file; one tensor at a time is held as bytes.
func writeTensors(w io.Writer, tensors Weights, metadata map[string]string) error {
	infos := make(map[string]safetensors.Info, len(tensors))
	for name, t := range tensors {
		infos[name] = safetensors.Info{DType: safetensors.F32, Shape: t.Shape}
	}
	return safetensors.WriteFunc(w, infos, metadata, func(name string) ([]byte, error) {
		return safetensors.FromFloat32s(nil, tensors[name].Data).Data, nil
	})
}

// configJSON returns config.json's entries in the layout that old and new transformers read (tried with 4.46 and 5.23): rope_theta
// at the top level, the dtype under its older name. A head_dim other than hidden_size/num_attention_heads is beyond the old ones.
func (s *saver) configJSON() map[string]any {
	c := s.cfg
	return map[string]any{
		"architectures":           []string{Architecture},
		"model_type":              "qwen2",
		"attention_dropout":       float(0),
		"hidden_act":              "silu",
		"hidden_size":             c.HiddenSize,
		"intermediate_size":       c.IntermediateSize,
		"num_hidden_layers":       c.Layers,
		"num_attention_heads":     c.Heads,
		"num_key_value_heads":     c.KVHeads,
		"head_dim":                c.HeadDim,
		"rms_norm_eps":            float(c.RMSNormEps),
		"rope_theta":              float(c.RopeTheta),
		"tie_word_embeddings":     c.TieEmbeddings,
		"max_position_embeddings": c.MaxPositions,
		"vocab_size":              c.VocabSize,
		"initializer_range":       float(initStd),
		"use_cache":               true,
		"use_sliding_window":      false,
		"torch_dtype":             "float32",
		"eos_token_id":            eosJSON(c.EOS),
	}
}

func (s *saver) generationJSON() map[string]any {
	return map[string]any{"eos_token_id": eosJSON(s.cfg.EOS)}
}

// float is a number that keeps its decimal point in JSON: Python tools that check types tell 1000000 from 1000000.0.
type float float64

func (f float) MarshalJSON() ([]byte, error) {
	format := byte('f') // as Python writes it
	if a := math.Abs(float64(f)); a != 0 && (a < 1e-4 || a >= 1e16) {
		format = 'e'
	}
	s := strconv.FormatFloat(float64(f), format, -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return []byte(s), nil
}

// eosJSON is null, an id, or a list of ids.
func eosJSON(ids []int) any {
	switch len(ids) {
	case 0:
		return nil
	case 1:
		return ids[0]
	}
	return ids
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// syncDir makes the renames and new names in dir last through a power failure.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
