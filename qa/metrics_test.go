package qa

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestNormalize(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "",
		"The Beatles":                "beatles",
		"  An\tapple  a day\n":       "apple day",
		"U.S.A.":                     "usa",
		"o'clock, twenty-one":        "oclock twentyone",
		"The The":                    "",
		"A+":                         "",
		"than another athe":          "than another athe", // articles within words stay
		"the-end":                    "theend",            // punctuation goes first, so no article is left
		"\u201cThe\u201d end":        "\u201c \u201d end", // typographic quotes are no ASCII punctuation
		"l\u2019a":                   "l\u2019",
		"a\u0301":                    "\u0301", // Python's \b sees a boundary between a letter and a combining accent
		"É the É":                    "é é",
		"ΟΔΟΣ":                       "οδος", // final sigma
		"İstanbul":                   "i̇stanbul",
		"x\u00a0\u2003y\x1cz":        "x y z",
		"a\xffb":                     "\ufffdb",
		strings.Repeat("the ", 1000): "",
	} {
		require.Equal(t, want, Normalize(text), "%q", text)
	}
}

// testdata/normalize.jsonl holds [text, what the SQuAD script's normalize_answer makes of it in CPython 3.11]: special
// cases, random characters of every script and random sequences of the difficult ones.
func TestNormalizeAsPython(t *testing.T) {
	file, err := os.Open("testdata/normalize.jsonl")
	require.NoError(t, err)
	defer file.Close()
	lines := bufio.NewScanner(file)
	n := 0
	for ; lines.Scan(); n++ {
		var pair [2]string
		require.NoError(t, json.Unmarshal(lines.Bytes(), &pair))
		require.Equal(t, pair[1], Normalize(pair[0]), "%q", pair[0])
	}
	require.NoError(t, lines.Err())
	require.Greater(t, n, 400)
}

func TestMetrics(t *testing.T) {
	for _, c := range []struct {
		name, prediction string
		answers          []string
		em, f1           float64
	}{
		{"equal", "Paris", []string{"Paris"}, 1, 1},
		{"equal after normalisation", "the PARIS!", []string{"Paris"}, 1, 1},
		{"an alias", "NYC", []string{"New York", "nyc"}, 1, 1},
		// P = 1/1, R = 1/2: 2·1·½/1.5
		{"too short", "Jesus", []string{"Jesus Christ"}, 0, 2.0 / 3},
		// common {x, x, y} of 4 and 3 tokens: P = 3/4, R = 3/3
		{"repeated tokens count as often as both have them", "x x x y", []string{"y x x"}, 0, 6.0 / 7},
		// F1 is 2/5 for the first alias, 4/5 for the second: the best counts
		{"best alias", "one two three", []string{"one four", "two three"}, 0, 0.8},
		{"another order", "Christ Jesus", []string{"Jesus Christ"}, 0, 1},
		{"nothing in common", "Rome", []string{"Paris", "Lyon"}, 0, 0},
		{"yes", "Yes.", []string{"yes"}, 1, 1},
		{"yes and more", "yes it is", []string{"yes"}, 0, 0},
		{"more than no", "no", []string{"no man's land"}, 0, 0},
		{"noanswer", "noanswer", []string{"noanswer given"}, 0, 0},
		{"no, but another alias", "no way", []string{"no", "no way out"}, 0, 0.8},
		{"empty prediction", "", []string{"Paris"}, 0, 0},
		{"both empty after normalisation", "the", []string{"A+", "AB+"}, 1, 0},
		{"no answers", "Paris", nil, 0, 0},
	} {
		require.Equal(t, c.em, ExactMatch(c.prediction, c.answers), c.name)
		require.InDelta(t, c.f1, F1(c.prediction, c.answers), 1e-15, c.name)
	}
}

// answerGen draws texts in which articles, punctuation, verdicts and shared words are common.
func answerGen() *rapid.Generator[string] {
	word := rapid.OneOf(
		rapid.SampledFrom([]string{"a", "An", "THE", "x", "y", "Y", "yes", "no", "É", "ﬁn", "é", "-", "'s", "\t"}),
		rapid.String(),
	)
	return rapid.Map(rapid.SliceOfN(word, 0, 6), func(w []string) string { return strings.Join(w, " ") })
}

func TestMetricProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, a := answerGen().Draw(t, "prediction"), answerGen().Draw(t, "answer")
		others := rapid.SliceOfN(answerGen(), 0, 3).Draw(t, "others")
		em, f1 := ExactMatch(p, []string{a}), F1(p, []string{a})

		require.Contains(t, []float64{0, 1}, em)
		require.GreaterOrEqual(t, f1, 0.0)
		require.LessOrEqual(t, f1, 1.0)
		if em == 1 && Normalize(p) != "" {
			require.Equal(t, 1.0, f1, "an exact match has F1 1")
		}
		require.Equal(t, em, ExactMatch(a, []string{p}), "EM is symmetric")
		require.Equal(t, f1, F1(a, []string{p}), "F1 is symmetric")
		if Normalize(p) != "" {
			require.Equal(t, 1.0, F1(p, []string{p}))
		}

		more := append([]string{a}, others...)
		require.GreaterOrEqual(t, ExactMatch(p, more), em, "an alias takes nothing away")
		require.GreaterOrEqual(t, F1(p, more), f1)

		dressed := " The " + strings.ToUpper(asciiOnly(p)) + "!? an "
		require.Equal(t, ExactMatch(asciiOnly(p), more), ExactMatch(dressed, more), "case, articles, punctuation")
		require.Equal(t, F1(asciiOnly(p), more), F1(dressed, more))
	})
}

// asciiOnly leaves the characters out whose upper case has another lower case.
func asciiOnly(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf {
			return -1
		}
		return r
	}, s)
}

func TestNormalizeProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := Normalize(answerGen().Draw(t, "text"))
		require.True(t, utf8.ValidString(n))
		require.False(t, strings.ContainsAny(n, punctuation+"\t\n"))
		require.Equal(t, strings.Join(strings.Fields(n), " "), n)
		for _, article := range []string{"a", "an", "the"} {
			require.NotContains(t, strings.Fields(n), article)
		}
		require.Equal(t, n, Normalize(n), "normalising again changes nothing")
	})
}
