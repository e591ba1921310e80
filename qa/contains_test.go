package qa

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestContains(t *testing.T) {
	for _, c := range []struct {
		text    string
		answers []string
		want    bool
	}{
		{"Rome lies on the Tiber.", []string{"The Tiber"}, true},
		{"Rome lies on the Tiber.", []string{"Rom", "Tibe", "ome", "iber"}, false},
		{"Rome lies on the Tiber.", []string{"lies Tiber", "ROME"}, true},
		{"Rome lies on the Tiber.", []string{"Tiber lies"}, false},
		{"U.S. president", []string{"US"}, true},
		{"a, b", []string{"The", "!", ""}, false},
		{"", []string{"x"}, false},
		{"x", nil, false},
	} {
		require.Equal(t, c.want, Contains(c.text, c.answers), "%q in %q", c.answers, c.text)
	}
	require.True(t, IsVerdict([]string{"No.", "nope"}))
	require.False(t, IsVerdict([]string{"no one", "yes man"}))
}
