package rollout_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/qa"
	"searchrl/rollout"
)

// grown is a tree with everything in it.
func grown(t testing.TB) *rollout.Tree {
	t.Helper()
	env, _ := newEnv(t, nil)
	env.Policy, env.Protocol.Notice = dice(env.Tokenizer), "No."
	question := opera
	question.Source, question.Hops, question.Supporting = "test", 2, []qa.Support{{ID: "1", Title: "Aurora", Text: "…"}}
	trees, err := env.Rollout(context.Background(), []qa.Question{question}, 8, rollout.Sampling{Temperature: 1}, rng(5))
	require.NoError(t, err)
	tree := trees[0]
	for i := range tree.Segments {
		if s := &tree.Segments[i]; s.Sampled() {
			s.Advantages = make([]float64, len(s.Tokens))
			s.Advantages[0] = -1.0 / 3
			s.Values, s.Returns = make([]float64, len(s.Tokens)), make([]float64, len(s.Tokens))
			s.Values[0], s.Returns[0] = 1.0/7, -2.0/3
			s.Rewards = []rollout.Reward{{Name: "query", Value: 1, Source: "<judge>"}}
		}
	}
	tree.Trajectories[1].Reward = 0.1
	return tree
}

func readAll(t testing.TB, file []byte) []*rollout.Tree {
	t.Helper()
	var trees []*rollout.Tree
	for tree, err := range rollout.Trees(bytes.NewReader(file), "trees.jsonl") {
		require.NoError(t, err)
		trees = append(trees, tree)
	}
	return trees
}

func TestTreesComeBackAsTheyWere(t *testing.T) {
	tree := grown(t)
	var file bytes.Buffer
	require.NoError(t, rollout.Write(&file, tree))
	require.NoError(t, rollout.Write(&file, tree))
	require.Equal(t, 2, bytes.Count(file.Bytes(), []byte("\n")))
	require.Contains(t, file.String(), "<search>", "tags are not escaped")
	require.Equal(t, []*rollout.Tree{tree, tree}, readAll(t, file.Bytes()))

	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write(file.Bytes())
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.Len(t, readAll(t, packed.Bytes()), 2)
	require.Empty(t, readAll(t, nil))
}

func TestHostileTreesAreErrors(t *testing.T) {
	prompt := `{"parent":-1,"kind":"prompt","tokens":[1],"text":"x"}`
	tree := func(segments, trajectories string) string {
		return `{"question":{"id":"q","question":"?","golden_answers":["x"]},"segments":[` + segments + `],"trajectories":[` + trajectories + `]}`
	}
	fine := tree(prompt, `{"leaf":0,"end":"out of tokens","answer":"","turns":0,"searches":0,"invalid":0,"reward":0}`)
	require.Len(t, readAll(t, []byte(fine)), 1)
	for want, line := range map[string]string{
		"expected a tree as JSON":                   `{"segments":[`,
		"invalid character":                         `nonsense`,
		"not null":                                  `null`,
		"cannot unmarshal array":                    `[]`,
		"nothing after it":                          fine + ` {}`,
		`unknown field "__proto__"`:                 `{"__proto__":1}`,
		"exceeded max depth":                        `{"segments":` + strings.Repeat("[", 20000),
		"segment 0 (prompt): parent 0":              tree(`{"parent":0,"kind":"prompt","tokens":[1],"text":""}`, ""),
		"segment 1 (query): parent 7":               tree(prompt+`,{"parent":7,"kind":"query","tokens":[1],"text":"","logprobs":[0]}`, ""),
		"parent -2 does not precede":                tree(`{"parent":-2,"kind":"prompt","tokens":[1],"text":""}`, ""),
		"unknown kind":                              tree(`{"parent":-1,"kind":"spell","tokens":[1],"text":""}`, ""),
		"no tokens":                                 tree(`{"parent":-1,"kind":"prompt","tokens":[],"text":""}`, ""),
		"token 0 has the id -1":                     tree(`{"parent":-1,"kind":"prompt","tokens":[-1],"text":""}`, ""),
		"token 0 has the id 4294967296":             tree(`{"parent":-1,"kind":"prompt","tokens":[4294967296],"text":""}`, ""),
		"2 log-probabilities for 1 tokens":          tree(prompt+`,{"parent":0,"kind":"query","tokens":[1],"text":"","logprobs":[0,0]}`, ""),
		"or is said to be sampled":                  tree(`{"parent":-1,"kind":"documents","tokens":[1],"text":"","unscored":true}`, ""),
		"environment's segment has log-prob":        tree(`{"parent":-1,"kind":"documents","tokens":[1],"text":"","logprobs":[0]}`, ""),
		"1 values and 1 returns for 1 tokens, 0 of": tree(`{"parent":-1,"kind":"documents","tokens":[1],"text":"","values":[1],"returns":[1]}`, ""),
		"1 values and 0 returns for 1 tokens, 1 of": tree(`{"parent":-1,"kind":"query","tokens":[1],"text":"","logprobs":[-1],"values":[1]}`, ""),
		"1 advantages for 1 tokens, 0 of them":      tree(`{"parent":-1,"kind":"documents","tokens":[1],"text":"","advantages":[1]}`, ""),
		"trajectory 0: leaf 1 of 1 segments":        tree(prompt, `{"leaf":1,"end":"answered"}`),
		"trajectory 0: leaf -1 of 1 segments":       tree(prompt, `{"leaf":-1,"end":"answered"}`),
		`unknown end "bored"`:                       tree(prompt, `{"leaf":0,"end":"bored"}`),
		"negative counts":                           tree(prompt, `{"leaf":0,"end":"answered","turns":-1}`),
		"cannot unmarshal number 1e999":             tree(prompt, `{"leaf":0,"end":"answered","reward":1e999}`),
		"cannot unmarshal number 99999999999999999": tree(`{"parent":-1,"kind":"prompt","tokens":[99999999999999999999],"text":""}`, ""),
	} {
		t.Run(want, func(t *testing.T) {
			n := 0
			var got error
			for tree, err := range rollout.Trees(strings.NewReader(fine+"\n\n"+line+"\n"+fine), "trees.jsonl") {
				n++
				if got = err; err == nil {
					require.Equal(t, 1, n, "nothing is read after an error")
					require.NotNil(t, tree)
				}
			}
			require.Equal(t, 2, n)
			require.ErrorContains(t, got, want)
			require.ErrorContains(t, got, "trees.jsonl line 3")
		})
	}
}

func TestUnwritableTrees(t *testing.T) {
	for name, spoil := range map[string]func(tree *rollout.Tree){
		"reward NaN":               func(tree *rollout.Tree) { tree.Trajectories[0].Reward = math.NaN() },
		"reward query is +Inf":     func(tree *rollout.Tree) { tree.Segments[1].Rewards[0].Value = math.Inf(1) },
		"token 0 has the log-prob": func(tree *rollout.Tree) { tree.Segments[1].LogProbs[0] = math.Inf(-1) },
		"segment 1":                func(tree *rollout.Tree) { tree.Segments[1].Advantages = tree.Segments[1].Advantages[:1] },
		"does not precede":         func(tree *rollout.Tree) { tree.Segments[1].Parent = 1 },
	} {
		tree := grown(t)
		spoil(tree)
		var file bytes.Buffer
		err := rollout.Write(&file, tree)
		require.ErrorContains(t, err, name)
		require.ErrorContains(t, err, `question "q1"`)
		require.Zero(t, file.Len(), "nothing is written of a tree that is not sound")
	}
	full := errors.New("disk full")
	require.ErrorIs(t, rollout.Write(failing{full}, grown(t)), full)
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func FuzzTrees(f *testing.F) {
	var file bytes.Buffer
	tree := grown(f)
	tree.Segments, tree.Trajectories = tree.Segments[:3], nil
	require.NoError(f, rollout.Write(&file, tree))
	f.Add(file.Bytes())
	f.Add([]byte(fmt.Sprintf("%s\n{", file.Bytes())))
	f.Fuzz(func(t *testing.T, data []byte) {
		for tree, err := range rollout.Trees(bytes.NewReader(data), "fuzz") {
			if err != nil {
				require.ErrorContains(t, err, "fuzz")
				return
			}
			// What was accepted can be walked, formatted and written again.
			for i := range tree.Segments {
				tree.PathTokens(i)
				tree.Steps(i)
				rollout.Format(tree, i)
			}
			tree.Total()
			var again bytes.Buffer
			require.NoError(t, rollout.Write(&again, tree))
			for i := range tree.Trajectories {
				rollout.FormatTrajectory(tree, i)
			}
			var third bytes.Buffer
			require.NoError(t, rollout.Write(&third, readAll(t, again.Bytes())[0]))
			require.Equal(t, again.String(), third.String())
		}
	})
}
