package judge_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/judge"
)

// held is a judge that holds something, and cannot let go of it.
type held struct{ closed *int }

func (held) Name() string { return "held" }
func (held) Judge(context.Context, []judge.Step) ([]judge.Verdict, error) {
	return nil, nil
}
func (h held) Close() error { *h.closed++; return errStuck }

var errStuck = errors.New("stuck")

// TestClose: judges that ask others close them, once each; an error comes through.
func TestClose(t *testing.T) {
	closed := 0
	answers, err := judge.NewAnswers(judge.EM)
	require.NoError(t, err)
	both, err := judge.Combine(held{&closed}, answers)
	require.NoError(t, err)
	noisy, err := judge.NewNoise(both, .5, rand.New(rand.NewPCG(1, 1)))
	require.NoError(t, err)
	require.ErrorIs(t, judge.Close(noisy), errStuck)
	require.Equal(t, 1, closed)
	require.NoError(t, judge.Close(answers))
	require.NoError(t, judge.Close(nil))
}
