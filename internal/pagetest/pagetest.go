// Package pagetest holds pages of package report against the documents that they show.
package pagetest

import (
	"encoding/json"
	"html"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	keyed   = regexp.MustCompile(`data-key="([^"]+)">([^<]+)<`)
	figures = regexp.MustCompile(`(?s)<td[^>]* class="n[^>]*>(.*?)</td>`)
	shown   = regexp.MustCompile(`<span data-key="[^>]*>[^<]*</span>`)
)

// Numbers checks that every number on the page that names a key of the document is the document's, to the digits that are
// shown, and that no column of figures has a number without a key. Sizes in MiB are compared with bytes. It returns how
// many numbers it compared.
func Numbers(t *testing.T, page string, document any) int {
	t.Helper()
	data, err := json.Marshal(document)
	require.NoError(t, err)
	var tree any
	require.NoError(t, json.Unmarshal(data, &tree))
	matches := keyed.FindAllStringSubmatch(page, -1)
	for _, match := range matches {
		want, got := at(t, tree, match[1]), Number(t, match[2])
		if strings.Contains(match[1], "peak_memory") {
			want /= 1 << 20
		}
		require.InDelta(t, want, got, tolerance(match[2], want), match[1])
	}
	for _, cell := range figures.FindAllStringSubmatch(page, -1) {
		require.NotRegexp(t, `[0-9]`, shown.ReplaceAllString(cell[1], ""), "a number without a key")
	}
	return len(matches)
}

// Number reads a number as pages write them.
func Number(t *testing.T, text string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(strings.NewReplacer("−", "-", ",", "").Replace(html.UnescapeString(text)), 64)
	require.NoError(t, err)
	return x
}

// tolerance is half a unit of the last digit shown.
func tolerance(text string, want float64) float64 {
	if strings.ContainsAny(text, "e") {
		return math.Abs(want) * 0.005
	}
	_, fraction, _ := strings.Cut(text, ".")
	return 0.5000001 * math.Pow(10, -float64(len(fraction)))
}

// at returns the number at a path of keys.
func at(t *testing.T, document any, path string) float64 {
	t.Helper()
	for _, key := range strings.Split(path, "/") {
		switch value := document.(type) {
		case map[string]any:
			document = value[key]
		case []any:
			i, err := strconv.Atoi(key)
			require.NoError(t, err, path)
			document = value[i]
		}
	}
	x, ok := document.(float64)
	require.True(t, ok, "%s is %v", path, document)
	return x
}
