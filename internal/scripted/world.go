package scripted

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"searchrl/grpo"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
	"searchrl/tokenizer"
)

// World returns an environment in which say decides what is written and BM25 searches the documents. A token is a byte, and the
// protocol is Search-R1's with a prompt of one line, "Question: …"; who needs another sets it in the environment.
func World(say func(prefix string, sample int) string, documents ...retrieval.Document) (*rollout.Env, error) {
	file, err := tokenizer.BuildWords(nil, nil)
	if err != nil {
		return nil, fmt.Errorf("building a tokenizer: %w", err)
	}
	tok, err := tokenizer.Load(fstest.MapFS{"tokenizer.json": {Data: file}})
	if err != nil {
		return nil, err
	}
	corpus, err := retrieval.NewBM25(documents)
	if err != nil {
		return nil, err
	}
	protocol := rollout.SearchR1()
	protocol.Prompt = "Question: {question}\n"
	return &rollout.Env{Policy: &Policy{Tokenizer: tok, Say: say}, Searcher: corpus, Tokenizer: tok, Protocol: protocol}, nil
}

// Counter is a searcher that remembers what it was asked for.
type Counter struct {
	retrieval.Searcher
	Queries []string // in the order in which they came; to be read when nothing searches

	mutex sync.Mutex
}

// Search implements retrieval.Searcher.
func (c *Counter) Search(ctx context.Context, queries []string, k int) ([][]retrieval.Hit, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.Queries = append(c.Queries, queries...)
	return c.Searcher.Search(ctx, queries, k)
}

// Collect lets the method collect with a fixed source of random numbers; the trees are sound.
func Collect(t testing.TB, m grpo.Method, env *rollout.Env, questions ...qa.Question) ([]*rollout.Tree, grpo.Metrics) {
	t.Helper()
	trees, metrics, err := m.Collect(context.Background(), env, questions, rand.New(rand.NewPCG(1, 1)))
	require.NoError(t, err)
	require.Len(t, trees, len(questions))
	for _, tree := range trees {
		require.NoError(t, tree.Validate())
	}
	return trees, metrics
}
