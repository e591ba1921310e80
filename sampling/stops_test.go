package sampling_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/sampling"
)

// A stop text is found in the very piece that completes it, however the text is cut into pieces.
func TestStopsAgreeWithSearchingTheWholeText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune("ab</")), 0, 40, -1).Draw(t, "text")
		stops := rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("ab</")), 1, 5, -1), 0, 3).Draw(t, "stops")
		s, err := sampling.NewStops(stops)
		require.NoError(t, err)
		sofar := ""
		for sofar != text {
			n := rapid.IntRange(0, len(text)-len(sofar)).Draw(t, "piece")
			piece := text[len(sofar) : len(sofar)+n]
			sofar += piece
			want, end := "", len(sofar)+1
			for _, stop := range stops {
				if i := strings.Index(sofar, stop); i >= 0 && i+len(stop) < end {
					want, end = stop, i+len(stop)
				}
			}
			require.Equal(t, want, s.Push(piece))
			if want != "" {
				return
			}
			if n == 0 && rapid.Bool().Draw(t, "enough") {
				return
			}
		}
	})
}

func TestStopsReset(t *testing.T) {
	s, err := sampling.NewStops([]string{"</a>"})
	require.NoError(t, err)
	require.Empty(t, s.Push("</"))
	s.Reset()
	require.Empty(t, s.Push("a>"))
	require.Equal(t, "</a>", s.Push(" </a> "))
}

func TestInvalidStops(t *testing.T) {
	for _, text := range []string{"", "a\xff"} {
		_, err := sampling.NewStops([]string{"x", text})
		require.ErrorContains(t, err, "stop text 1")
	}
}
