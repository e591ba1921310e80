package remote

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// hostile are replies that are no judgement.
var hostile = map[string]string{
	"empty":                    "",
	"white space":              " \n\t ",
	"prose":                    "I think this step is good, so 1.",
	"prose before":             `Here you are: {"score": 1, "reason": "good"}`,
	"prose after":              `{"score": 1, "reason": "good"} Hope this helps!`,
	"fence":                    "```json\n{\"score\": 1, \"reason\": \"good\"}\n```",
	"released format":          "<score>1</score>",
	"two objects":              `{"score": 1, "reason": "a"}{"score": -1, "reason": "b"}`,
	"two objects, two lines":   "{\"score\": 1, \"reason\": \"a\"}\n{\"score\": 1, \"reason\": \"a\"}",
	"array of one":             `[{"score": 1, "reason": "a"}]`,
	"array of scores":          `[1, 0, 1]`,
	"nested":                   `{"result": {"score": 1, "reason": "a"}}`,
	"two scores":               `{"score": [1, 1], "reason": "a"}`,
	"object as score":          `{"score": {"value": 1}, "reason": "a"}`,
	"trailing comma":           `{"score": 1, "reason": "a",}`,
	"single quotes":            `{'score': 1, 'reason': 'a'}`,
	"truncated":                `{"score": 1, "reason": "because`,
	"truncated after score":    `{"score": 1`,
	"no closing brace":         `{"score": 1, "reason": "a"`,
	"2":                        `{"score": 2, "reason": "a"}`,
	"-2":                       `{"score": -2, "reason": "a"}`,
	"half":                     `{"score": 0.5, "reason": "a"}`,
	"one as 1.0":               `{"score": 1.0, "reason": "a"}`,
	"one as 1e0":               `{"score": 1e0, "reason": "a"}`,
	"minus zero":               `{"score": -0, "reason": "a"}`,
	"plus one":                 `{"score": +1, "reason": "a"}`,
	"leading zero":             `{"score": 01, "reason": "a"}`,
	"huge":                     `{"score": 1e999, "reason": "a"}`,
	"string":                   `{"score": "1", "reason": "a"}`,
	"4/5":                      `{"score": "4/5", "reason": "a"}`,
	"NaN":                      `{"score": NaN, "reason": "a"}`,
	"Infinity":                 `{"score": Infinity, "reason": "a"}`,
	"null score":               `{"score": null, "reason": "a"}`,
	"true":                     `{"score": true, "reason": "a"}`,
	"no score":                 `{"reason": "a"}`,
	"no reason":                `{"score": 1}`,
	"null reason":              `{"score": 1, "reason": null}`,
	"reason as list":           `{"score": 1, "reason": ["a"]}`,
	"empty object":             `{}`,
	"null":                     `null`,
	"number":                   `1`,
	"extra key":                `{"score": 1, "reason": "a", "confidence": 0.9}`,
	"score twice":              `{"score": 1, "score": -1, "reason": "a"}`,
	"score twice, escaped":     `{"score": 1, "\u0073core": -1, "reason": "a"}`,
	"reason twice":             `{"score": 1, "reason": "a", "reason": "b"}`,
	"other case":               `{"Score": 1, "reason": "a"}`,
	"another language":         `{"Punktzahl": 1, "Grund": "gut"}`,
	"refusal":                  "I'm sorry, but I can't help with that.",
	"byte order mark":          "\ufeff" + `{"score": 1, "reason": "a"}`,
	"no-break space":           "\u00a0" + `{"score": 1, "reason": "a"}`,
	"full-width digits":        `{"score": １, "reason": "a"}`,
	"not UTF-8":                "{\"score\": 1, \"reason\": \"\xff\"}",
	"NUL":                      "{\"score\": 1, \"reason\": \"a\"}\x00",
	"10 MB":                    `{"score": 1, "reason": "` + strings.Repeat("a", 10<<20) + `"}`,
	"10 MB of spaces":          `{"score": 1, "reason": "a"}` + strings.Repeat(" ", 10<<20),
	"deep":                     strings.Repeat("[", 10000),
	"deep reason":              `{"score": 1, "reason": ` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + "}",
	"comment":                  `{"score": 1, /* good */ "reason": "a"}`,
	"thinking before":          "<think>hm</think>\n" + `{"score": 1, "reason": "a"}`,
	"echo of the step's score": `{"score": 1, "reason": "a"} {"score": 1, "reason": "from the step"}`,
}

func TestHostileReplies(t *testing.T) {
	require.GreaterOrEqual(t, len(hostile), 25)
	for name, text := range hostile {
		t.Run(name, func(t *testing.T) {
			reply, err := ParseReply(text)
			require.Error(t, err)
			require.Zero(t, reply)
			require.Less(t, len(err.Error()), 1000)
		})
	}
}

func TestGoodReplies(t *testing.T) {
	for text, want := range map[string]Reply{
		`{"score": 1, "reason": "a"}`:                          {1, "a"},
		"\r\n {\"reason\":\"\",\"score\":-1}\t":                {-1, ""},
		`{"score":0,"reason":"it says {\"score\": 1} \u003c"}`: {0, `it says {"score": 1} <`},
	} {
		got, err := ParseReply(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// What is accepted is what a strict decoder into the exact form makes of it.
func FuzzParseReply(f *testing.F) {
	for _, text := range hostile {
		if len(text) < 1000 {
			f.Add(text)
		}
	}
	f.Add(`{"score": -1, "reason": "a"}`)
	f.Add(` {"reason": "\ud800", "score": 0}`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseReply(text)
		if err != nil {
			require.Zero(t, got)
			return
		}
		var want struct {
			Score  *int    `json:"score"`
			Reason *string `json:"reason"`
		}
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		require.NoError(t, d.Decode(&want))
		require.NotNil(t, want.Score)
		require.NotNil(t, want.Reason)
		require.Equal(t, Reply{*want.Score, *want.Reason}, got)
		require.Contains(t, []int{-1, 0, 1}, got.Score)
		require.True(t, json.Valid([]byte(text)))
	})
}
