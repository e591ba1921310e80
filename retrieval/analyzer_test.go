package retrieval

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func split(analyze Analyzer, text string) []string {
	words := []string{}
	analyze(text, func(word []byte) { words = append(words, string(word)) })
	return words
}

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "",
		" \t\n.,;":                   "",
		"O'Neill's 1990s":            "o neill s 1990s",
		"snake_case co-op U.S.A.":    "snake case co op u s a",
		"ÉCOLE Straße ΟΔΟΣ":          "école straße οδοσ",
		"cafe\u0301 \u0301x":         "cafe\u0301 x",
		"東京tower ٣ x²":               "東京tower ٣ x²",
		"a\xffb\xc3":                 "a b",
		"zero\u200bwidth\u00a0space": "zero width space",
		"हिन्दी":                     "हिन्दी",
	} {
		require.Equal(t, strings.Fields(want), split(Words, text), "%q", text)
	}
}

func TestEnglishStopWords(t *testing.T) {
	analyze := without(Words, EnglishStopWords())
	require.Equal(t, []string{"who", "founded", "university", "ghent"},
		split(analyze, "Who founded THE University of Ghent, and"))
	require.Len(t, EnglishStopWords(), 33)
}

func FuzzWords(f *testing.F) {
	f.Add("O'Neill's 1990s")
	f.Add("a\xff\u0301É")
	f.Fuzz(func(t *testing.T, text string) {
		for _, word := range split(Words, text) {
			require.NotEmpty(t, word)
			require.True(t, utf8.ValidString(word))
			require.Equal(t, word, strings.Map(unicode.ToLower, word))
			require.Equal(t, []string{word}, split(Words, word), "a word is one word")
		}
	})
}
