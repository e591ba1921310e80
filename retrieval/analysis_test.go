package retrieval

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func named(t testing.TB, name string) Analyzer {
	a, err := NamedAnalysis(name)
	require.NoError(t, err)
	analyze, err := a.Analyzer()
	require.NoError(t, err)
	return analyze
}

// What Lucene's analysers give for these texts, by their documentation and the rules of UAX #29 and Porter (1980).
func TestNamedAnalyses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"words", "The O'Neill's U.S. a-b 3.5", "the o neill s u s a b 3 5"},
		{"bm25s", "The O'Neill's U.S. a-b 35", "neill 35"},
		{"standard", "The O'Neill's U.S. a-b 3.5 snake_case __ -", "the o'neill's u.s a b 3.5 snake_case"},
		{"standard", "ÉCOLE 東京 ﾄｳｷｮｳ x\xffy e\u0301", "école 東 京 ﾄｳｷｮｳ x y e\u0301"},
		{"standard", "", ""},
		{"english", "The founders founded O'Neill's universities' ponies", "founder found o'neil univers poni"},
		{"english", "dog’s DOG＇S dogs relational caresses happy 2nd école's", "dog dog dog relat caress happi 2nd école"},
		{"english", "'s s's is the", "s s"},
	} {
		got := split(named(t, c.name), c.text)
		require.Equal(t, strings.Fields(c.want), got, "%s: %q", c.name, c.text)
	}
	long := strings.Repeat("é", 600)
	got := split(StandardWords, long)
	require.Len(t, got, 3)
	require.Equal(t, long, strings.Join(got, ""))
}

func TestAnalysisRefusals(t *testing.T) {
	_, err := NamedAnalysis("german")
	require.ErrorContains(t, err, `"german"; expected one of words, bm25s, standard, english`)
	for want, a := range map[string]Analysis{
		`words "x"; expected words or standard`: {Words: "x"},
		"words of -1 characters at least":       {MinLength: -1},
		`stem "lovins"; expected porter`:        {Stem: "lovins"},
	} {
		_, err := a.Analyzer()
		require.ErrorContains(t, err, want)
	}
}

func TestAnalysisEqual(t *testing.T) {
	all := AnalysisNames()
	for _, x := range all {
		a, err := NamedAnalysis(x)
		require.NoError(t, err)
		data, err := json.Marshal(a)
		require.NoError(t, err)
		var back Analysis
		require.NoError(t, json.Unmarshal(data, &back))
		require.True(t, a.Equal(back))
		for _, y := range all {
			b, err := NamedAnalysis(y)
			require.NoError(t, err)
			require.Equal(t, x == y, a.Equal(b), "%s and %s", x, y)
		}
	}
	require.True(t, Analysis{}.Equal(Analysis{Words: "words", MinLength: 1}))
}

func FuzzAnalyses(f *testing.F) {
	f.Add("O'Neill's 1990s ponies")
	f.Add("a\xff\u0301É's")
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range AnalysisNames() {
			for _, word := range split(named(t, name), text) {
				require.NotEmpty(t, word)
				require.True(t, utf8.ValidString(word), name)
				require.LessOrEqual(t, utf8.RuneCountInString(word), max(longestWord, len(text)))
			}
		}
	})
}
