package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"searchrl/checkpoint"
	"searchrl/experiment"
	"searchrl/judge/remote"
)

// settings is everything that decides what a comparison comes to: flags, and the contents of what they name. Another
// baseline makes another table of the same runs, and what runs at a time changes times alone, so they are not in it.
func (c *compareCmd) settings(compared *experiment.Comparison) (any, error) {
	questions, err := json.Marshal([]any{compared.Task.Train.Questions, compared.Task.Test.Questions})
	if err != nil {
		return nil, fmt.Errorf("writing the questions: %w", err)
	}
	settings := map[string]any{
		"program": version(), "methods": c.Methods, "method_flags": c.methodFlags, "training": compared.Config,
		"seeds": compared.Seeds, "budget": compared.Budget, "task": compared.Task.Name, "task_flags": c.taskFlags,
		"protocol": compared.Task.Protocol, "questions": digest(questions), "base": compared.Task.Base.Name,
		"weights": weightsDigest(compared.Task.Base.Weights), "backend": compared.Backend, "decoder": c.Decoder,
		"evaluate_every": c.EvaluateEvery, "gradients_every": c.GradientsEvery, "probes": c.Probes,
	}
	if len(c.Variants) > 0 {
		settings["variants"] = c.Variants
	}
	if c.Corpus != "" {
		if settings["corpus"], err = fileDigest(c.Corpus); err != nil {
			return nil, err
		}
	}
	if strings.HasPrefix(c.Judge, "openai") {
		settings["judge_server"] = os.Getenv(remote.URLVariable) + " " + os.Getenv(remote.ModelVariable)
	}
	return settings, nil
}

// digest identifies contents.
func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

func fileDigest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", unusable(err)
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return "", unusable(err)
	}
	return hex.EncodeToString(hash.Sum(nil)[:8]), nil
}

func weightsDigest(weights checkpoint.Weights) string {
	hash := sha256.New()
	for _, name := range weights.Names() {
		fmt.Fprintf(hash, "%s %v\n", name, weights[name].Shape)
		_ = binary.Write(hash, binary.LittleEndian, weights[name].Data) // a hash takes everything
	}
	return hex.EncodeToString(hash.Sum(nil)[:8])
}

// machine names what this runs on.
func machine() string {
	return fmt.Sprintf("%s/%s, %d processors", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
}
