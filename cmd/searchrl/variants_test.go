package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A variant has its own flags and the command's for the rest; the command's stay as they are.
func TestVariantFlags(t *testing.T) {
	common := methodFlags{Group: 3, Temperature: 1}
	common.Alpha, common.Centre, common.Terms = .7, "turn", true
	before := common
	v, err := parseVariant("no-gain=ig-search --ig-alpha=0 --ig-scale group --no-refine-terms", common)
	require.NoError(t, err)
	require.Equal(t, "no-gain", v.name)
	require.Equal(t, "ig-search", v.method)
	want := common
	want.Alpha, want.Scale, want.Terms = 0, "group", false
	require.Equal(t, want, v.flags)
	require.Equal(t, before, common)

	plain, err := parseVariant("again=slate", common)
	require.NoError(t, err)
	require.Equal(t, common, plain.flags)
}
