package jsonl

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	r, err := NewReader(iotest.OneByteReader(strings.NewReader("\xef\xbb\xbfa\r\n\n  \n"+long+"\n b")), "f")
	require.NoError(t, err)
	for _, want := range []struct {
		text string
		line int
	}{{"a", 1}, {long, 4}, {"b", 5}} {
		line, err := r.Next()
		require.NoError(t, err)
		require.Equal(t, want.text, string(line))
		require.Equal(t, want.line, r.Line())
	}
	_, err = r.Next()
	require.ErrorIs(t, err, io.EOF)
	require.EqualError(t, r.Errorf("bad %d", 1), "f line 6: bad 1")
}

// endless is a file of one line that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	copy(p, bytes.Repeat([]byte("x"), len(p)))
	return len(p), nil
}

func TestEndlessLine(t *testing.T) {
	r, err := NewReader(endless{}, "f")
	require.NoError(t, err)
	_, err = r.Next()
	require.ErrorContains(t, err, "f line 1: longer than 67108864 bytes")
}

func TestFailingReader(t *testing.T) {
	broken := errors.New("broken disk")
	_, err := NewReader(iotest.ErrReader(broken), "f")
	require.ErrorIs(t, err, broken)
	r, err := NewReader(io.MultiReader(strings.NewReader("abc\nde"), iotest.ErrReader(broken)), "f")
	require.NoError(t, err)
	_, err = r.Next()
	require.NoError(t, err)
	_, err = r.Next()
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, "f line 2")
}
