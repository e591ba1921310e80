package tinyworld

import (
	"embed"
	"fmt"
	"io/fs"
	"testing/fstest"

	"searchrl/tokenizer"
)

// base holds one Hugging Face folder a base policy; package warmstart makes them.
//
//go:embed base
var base embed.FS

// Base returns the level's base policy: a Hugging Face folder with config.json, model.safetensors and tokenizer.json.
func Base(level Level) (fs.FS, error) {
	folder, err := embedded(string(level))
	if err != nil {
		return nil, fmt.Errorf("tinyworld: no base policy for level %q, expected one of %q: %w", level, Levels(), err)
	}
	return folder, nil
}

// WeakBase returns a policy of the standard level with the same skills as its base policy but worse habits: most groups of
// five trajectories hold no right answer.
func WeakBase(level Level) (fs.FS, error) {
	folder, err := embedded(string(level) + "-weak")
	if err != nil {
		return nil, fmt.Errorf("tinyworld: no weak base policy for level %q, expected %q: %w", level, Standard, err)
	}
	return folder, nil
}

func embedded(name string) (fs.FS, error) {
	folder, err := fs.Sub(base, "base/"+name)
	if err == nil {
		_, err = fs.Stat(folder, "config.json")
	}
	return folder, err
}

// TokenizerFiles returns the level's tokenizer as a folder with tokenizer.json and tokenizer_config.json. The base policy's
// folder holds the same files.
func TokenizerFiles(level Level) (fs.FS, error) {
	added := append([]string{EndOfText}, Tags...)
	file, err := tokenizer.BuildWords(Vocabulary(level), added)
	if err != nil {
		return nil, fmt.Errorf("tinyworld: building the tokenizer of level %q: %w", level, err)
	}
	config := fmt.Sprintf("{\n  \"tokenizer_class\": \"PreTrainedTokenizerFast\",\n  \"eos_token\": %q,\n  \"pad_token\": %q\n}\n", EndOfText, EndOfText)
	return fstest.MapFS{
		"tokenizer.json":        {Data: file, Mode: 0o644},
		"tokenizer_config.json": {Data: []byte(config), Mode: 0o644},
	}, nil
}

// Tokenizer returns the level's tokenizer.
func Tokenizer(level Level) (*tokenizer.Tokenizer, error) {
	files, err := TokenizerFiles(level)
	if err != nil {
		return nil, err
	}
	t, err := tokenizer.Load(files)
	if err != nil {
		return nil, fmt.Errorf("tinyworld: %w", err)
	}
	return t, nil
}
