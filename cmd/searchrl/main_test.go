package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"searchrl/checkpoint"
	"searchrl/tinyworld"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "probe" { // a command that a test calls in this process tries a plugin in another one
		main()
		return
	}
	testscript.Main(m, map[string]func(){"searchrl": main, "stubborn": stubborn})
}

// TestScripts runs the command lines of testdata/script. Beside testscript's own commands they have
//
//	unusable ARGS...    searchrl must refuse these arguments with exit code 2 and one line
//	randommodel DIR     write a tiny policy with random weights, for the embedded world
//	tinyencoder DIR     write a tiny BERT encoder with random weights
//	json FILE KEY...    the file's last line must be one JSON object that has these keys
//	bytes FILE HEX N    overwrite the file: these bytes first, then N zeros
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_COLOR", "1")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"unusable": func(ts *testscript.TestScript, _ bool, args []string) {
				err := ts.Exec("searchrl", args...)
				var exit *exec.ExitError
				if !errors.As(err, &exit) || exit.ExitCode() != exitUnusable {
					ts.Fatalf("ended with %v, expected exit code %d", err, exitUnusable)
				}
				if stderr := ts.ReadFile("stderr"); strings.Count(stderr, "searchrl: ") != 1 || strings.Contains(stderr, "goroutine ") {
					ts.Fatalf("expected one line about what is wrong, not: %s", stderr)
				}
			},
			"randommodel": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(writeRandomModel(ts.MkAbs(args[0])))
			},
			"tinyencoder": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(writeTinyEncoder(ts.MkAbs(args[0])))
			},
			"json": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(checkJSON(ts.ReadFile(args[0]), args[1:]))
			},
			"bytes": func(ts *testscript.TestScript, _ bool, args []string) {
				var head []byte
				var zeros int
				_, err := fmt.Sscanf(args[1]+" "+args[2], "%x %d", &head, &zeros)
				ts.Check(err)
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), append(head, make([]byte, zeros)...), 0o644))
			},
		},
	})
}

// writeRandomModel writes a policy that knows nothing, in the embedded world's vocabulary.
func writeRandomModel(dir string) error {
	files, err := tinyworld.TokenizerFiles(tinyworld.Standard)
	if err != nil {
		return err
	}
	tok, err := tinyworld.Tokenizer(tinyworld.Standard)
	if err != nil {
		return err
	}
	config := checkpoint.Config{VocabSize: tok.VocabSize(), HiddenSize: 16, IntermediateSize: 32, Layers: 1, Heads: 2, KVHeads: 1,
		HeadDim: 8, RMSNormEps: 1e-6, RopeTheta: 1000, TieEmbeddings: true, MaxPositions: 512}
	return checkpoint.Save(dir, config, checkpoint.Init(config, rand.New(rand.NewPCG(1, 1))), checkpoint.WithTokenizer(files))
}

// checkJSON checks that the last line of text is an object with the named keys.
func checkJSON(text string, keys []string) error {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	var object map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &object); err != nil {
		return fmt.Errorf("last line: %w", err)
	}
	for _, key := range keys {
		var at any = object
		for _, part := range strings.Split(key, "/") {
			in, ok := at.(map[string]any)
			if at, ok = in[part], ok && has(in, part); !ok {
				return fmt.Errorf("no %q in %s", key, lines[len(lines)-1])
			}
		}
	}
	return nil
}

func has(m map[string]any, key string) bool { _, ok := m[key]; return ok }
