package tokenizer

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

func load(t testing.TB, folder string) *Tokenizer {
	t.Helper()
	tok, err := Load(os.DirFS(filepath.Join("testdata", folder)))
	require.NoError(t, err)
	return tok
}

// odd draws texts in which the things that matter to a tokenizer are frequent.
func odd() *rapid.Generator[string] {
	pieces := []string{
		" ", "  ", "\n", "\r\n", "\t", "\u00a0", "'", "'s", "'LL", "'ſ", "a", "the", " boss", "Z", "é", "ß", "1", "²", "Ⅷ", "٣", ".", "!?", "€", "日本", "각",
		"\u1100", "\u1161", "\u11a8", "\u0301", "\u0323", "\u0344", "👍🏽", "\u200d", "<|endoftext|>", "<|im_end|>", "<search>", "</search>", "<", "|>",
		"\U000105c0", "\ufffd", "\x00",
	}
	return rapid.Custom(func(t *rapid.T) string {
		parts := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(pieces), rapid.String()), 0, 20).Draw(t, "parts")
		return strings.Join(parts, "")
	})
}

func TestDecodeInvertsEncode(t *testing.T) {
	for _, folder := range []string{"bpe", "words"} {
		tok := load(t, folder)
		rapid.Check(t, func(t *rapid.T) {
			text := nfc(odd().Draw(t, "text"))
			require.Equal(t, text, tok.Decode(tok.Encode(text)))
			require.Equal(t, text, tok.Decode(tok.EncodeTrusted(text)))
		})
	}
}

func TestTextFromOutsideNeverBecomesAnAddedToken(t *testing.T) {
	for _, folder := range []string{"bpe", "words"} {
		tok := load(t, folder)
		rapid.Check(t, func(t *rapid.T) {
			text := odd().Draw(t, "text")
			require.False(t, slices.ContainsFunc(tok.Encode(text), tok.IsAdded), "%q", text)
		})
	}
}

// An added token whose text is also an ordinary word of the vocabulary, or the result of a merge, is the hard case.
func TestAddedTokenThatIsAlsoAWord(t *testing.T) {
	data, err := BuildWords([]string{" boss", "boss", "bo"}, nil)
	require.NoError(t, err)
	file := strings.Replace(string(data), `"added_tokens": null`, `"added_tokens": [{"id":257,"content":"boss"},{"id":258,"content":"bo"}]`, 1)
	file = strings.Replace(file, `"merges": []`, `"merges": ["b o"]`, 1)
	tok, err := parse([]byte(file))
	require.NoError(t, err)
	require.Equal(t, []int{'b', 'o', 's', 's'}, tok.Encode("boss"))
	require.Equal(t, []int{'b', 'o', 't'}, tok.Encode("bot"))
	require.Equal(t, []int{256}, tok.Encode(" boss"))
	require.Equal(t, []int{' ', 257, 258}, tok.EncodeTrusted(" bossbo"), "the longest added token wins")
}

func TestStreamIsDecode(t *testing.T) {
	for _, folder := range []string{"bpe", "words"} {
		tok := load(t, folder)
		rapid.Check(t, func(t *rapid.T) {
			// Any ids, so that characters break off anywhere; ids that do not exist are among them.
			tail := rapid.SliceOf(rapid.IntRange(-2, tok.VocabSize()+1)).Draw(t, "tail")
			ids := append(tok.Encode(odd().Draw(t, "text")), tail...)
			stream := tok.Stream()
			var sb strings.Builder
			for _, id := range ids {
				part := stream.Push(id)
				require.True(t, utf8.ValidString(part))
				sb.WriteString(part)
			}
			sb.WriteString(stream.Flush())
			require.Equal(t, tok.Decode(ids), sb.String())
			require.Empty(t, stream.Flush())
		})
	}
}

func TestStreamWaitsForWholeCharacters(t *testing.T) {
	tok := load(t, "words") // the ids of bytes are the bytes
	stream := tok.Stream()
	var got []string
	for _, b := range []byte("aé€👍") {
		got = append(got, stream.Push(int(b)))
	}
	require.Equal(t, []string{"a", "", "é", "", "", "€", "", "", "", "👍"}, got)
	require.Empty(t, stream.Push(0xE2))
	require.Equal(t, "\ufffda", stream.Push('a'), "a character that breaks off is replaced as soon as that is known")
	require.Empty(t, stream.Push(0xF0))
	require.Equal(t, "\ufffd", stream.Flush())
}

func TestInvalidUTF8(t *testing.T) {
	tok := load(t, "words")
	for _, c := range []struct{ in, want string }{
		{"a\xffb", "a\ufffdb"},
		{"\xe2\x82", "\ufffd"},                   // the beginning of a character is one subpart
		{"\xe2\x82x", "\ufffdx"},                 //
		{"\xf0\x80\x80", "\ufffd\ufffd\ufffd"},   // overlong: no character begins so
		{"\xed\xa0\x80", "\ufffd\ufffd\ufffd"},   // a surrogate
		{"\xf0\x9f\x91\xf0\x9f", "\ufffd\ufffd"}, //
	} {
		require.Equal(t, c.want, tok.Decode(tok.Encode(c.in)), "%q", c.in)
		require.Equal(t, tok.Encode(c.want), tok.Encode(c.in), "%q", c.in)
		var ids []int
		for _, b := range []byte(c.in) {
			ids = append(ids, int(b))
		}
		require.Equal(t, c.want, tok.Decode(ids), "%q", c.in)
	}
}

// The splitter against the pattern itself, with the look-ahead done by hand: Go's regexp takes the first alternative as well.
// Only characters on whose class Unicode 15 and 16 agree are drawn.
func TestSplitterIsThePattern(t *testing.T) {
	noLook := strings.Replace(qwenPattern, `|\s+(?!\S)|\s+`, "", 1)
	white := `\t\n\v\f\r \x{85}\p{Z}`
	noLook = strings.NewReplacer(`[^\s`, `[^`+white, `\s*`, `[`+white+`]*`).Replace(noLook)
	pattern := regexp.MustCompile(`^(?:` + noLook + `)`)
	blank := regexp.MustCompile(`^[` + white + `]+`)
	expected := func(s string) string {
		if match := pattern.FindString(s); match != "" {
			return match
		}
		run := blank.FindString(s)
		_, last := utf8.DecodeLastRuneInString(run)
		if len(run) < len(s) && len(run) > last {
			return run[:len(run)-last]
		}
		return run
	}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.ReplaceAll(replaceInvalid(odd().Draw(t, "text")), "\U000105c0", "")
		for text != "" {
			want := expected(text)
			require.Equal(t, want, text[:nextPreToken(text)], "at %q", text)
			text = text[len(want):]
		}
	})
}

// Both ways of merging give the same, and that is what merging the leftmost pair of lowest rank one by one gives.
func TestMergesAgree(t *testing.T) {
	tok := load(t, "bpe")
	simple := func(word string) []int {
		var ids []int
		for _, b := range []byte(word) {
			ids = append(ids, int(tok.bpe.byteID[b]))
		}
		for {
			best, at := merge{rank: noMerge}, -1
			for i := range len(ids) - 1 {
				if m := tok.bpe.lookup(int32(ids[i]), int32(ids[i+1])); m.rank < best.rank {
					best, at = m, i
				}
			}
			if at < 0 {
				return ids
			}
			ids = slices.Replace(ids, at, at+2, int(best.id))
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringOfN(rapid.SampledFrom([]rune("abehst bos\u0301é")), 1, 60, shortWord).Draw(t, "word")
		require.Equal(t, simple(word), tok.bpe.encodeShort(nil, word))
		require.Equal(t, simple(word), tok.bpe.encodeLong(nil, word))
	})
}

func TestExactNFC(t *testing.T) {
	wide := func(r rune) bool { return r > 0xFFFF }
	rapid.Check(t, func(t *rapid.T) {
		text := replaceInvalid(odd().Draw(t, "text"))
		if longestMarkRun(text) <= longRun && !strings.ContainsFunc(text, wide) {
			require.Equal(t, norm.NFC.String(text), nfcExact(text), "%+q", text)
		}
		require.Equal(t, nfc(text), nfc(nfc(text)), "%+q", text)
		require.Equal(t, norm.NFD.String(text), norm.NFD.String(nfc(text)), "%+q: not the same text", text)
	})
	for r := range rune(utf8.MaxRune) {
		if text := string(r); norm.NFC.QuickSpanString(text) < len(text) {
			require.Equal(t, norm.NFC.String(text), nfcExact(text), "%U", r)
		}
	}
	// Characters that x/text confuses with U+01AF, U+0061 and U+00E9 when a mark follows.
	for _, text := range []string{"\U000201af\u0323", "\U00100061\u0301", "\U000f00e9\u0302", "a\U00010301"} {
		require.Equal(t, text, nfc(text), "%+q", text)
	}
	// A long run is reordered and composed as a short one is, and nothing is put into it.
	require.Equal(t, "\u1ead"+strings.Repeat("\u0323", 39)+strings.Repeat("\u0302", 39), nfc("a"+strings.Repeat("\u0302\u0323", 40)))
}

func TestHugeInputIsNotQuadratic(t *testing.T) {
	const size = 1 << 18
	for _, folder := range []string{"bpe", "words"} {
		tok := load(t, folder)
		for name, unit := range map[string]string{
			"letters": "a", "syllables": "theboss", "spaces": " ", "lines": "\n", "marks": "\u0301", "marks in the wrong order": "\u0301\u0323",
			"apostrophes": "'", "beginnings of tags": "<search", "broken": "\xe2\x82", "digits": "7",
		} {
			text := strings.Repeat(unit, size/len(unit))
			start := time.Now()
			require.NotEmpty(t, tok.Encode(text), name)
			require.NotEmpty(t, tok.EncodeTrusted(text), name)
			// Quadratic would be a minute and more; the bound is far above what a busy machine needs.
			require.Less(t, time.Since(start), 30*time.Second, name)
			t.Logf("%s, %s: %v", folder, name, time.Since(start))
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	tok := load(t, "bpe")
	cases := readGolden(t, filepath.Join("testdata", "bpe", "golden.jsonl"))
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for _, c := range cases {
				if !slices.Equal(tok.EncodeTrusted(c.Text), c.IDs) || tok.Decode(c.IDs) != c.Decoded {
					t.Errorf("%q is encoded or decoded differently with others at work", c.Text)
				}
			}
		})
	}
	wait.Wait()
}
