package rubric_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/judge/internal/hostile"
	"searchrl/judge/rubric"
)

func TestHostileReplies(t *testing.T) {
	require.GreaterOrEqual(t, len(hostile.Replies), 25)
	for name, text := range hostile.Replies {
		t.Run(name, func(t *testing.T) {
			reply, err := rubric.ParseReply(rubric.Query, text)
			require.Error(t, err)
			require.Zero(t, reply)
			require.Less(t, len(err.Error()), 1000)
		})
	}
}

func TestGoodReplies(t *testing.T) {
	for text, want := range map[string]rubric.Reply{
		`{"score": 1, "reason": "a"}`:                          {Score: 1, Reason: "a"},
		"\r\n {\"reason\":\"\",\"score\":-1}\t":                {Score: -1},
		`{"score":0,"reason":"it says {\"score\": 1} \u003c"}`: {Score: 0, Reason: `it says {"score": 1} <`},
	} {
		got, err := rubric.ParseReply(rubric.Thought, text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// Each component has its scale, in the prompt, in the schema and in what is read.
func TestScales(t *testing.T) {
	for component, want := range map[rubric.Component][]int{rubric.Thought: {-1, 0, 1}, rubric.Query: {-1, 0, 1}, rubric.Answer: {-1, 0, 1},
		rubric.Evidence: {0, 1}, "style": nil} {
		require.Equal(t, want, component.Scale())
		schema := rubric.Schema(component)["properties"].(map[string]any)["score"].(map[string]any)
		require.Equal(t, want, schema["enum"])
		_, err := rubric.ParseReply(component, `{"score": -1, "reason": "a"}`)
		require.Equal(t, len(want) == 3, err == nil)
	}
	_, err := rubric.ParseReply(rubric.Evidence, `{"score": -1, "reason": "a"}`)
	require.ErrorContains(t, err, "expected 0 or 1")
	_, err = rubric.ParseReply("style", `{"score": 1, "reason": "a"}`)
	require.ErrorContains(t, err, "expected none")
}

// What is accepted is what a strict decoder into the exact form makes of it, and only that.
func FuzzParseReply(f *testing.F) {
	for _, text := range hostile.Replies {
		if len(text) < 1000 {
			f.Add(text)
		}
	}
	f.Add(`{"score": -1, "reason": "a"}`)
	f.Add(` {"reason": "\ud800", "score": 0}`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := rubric.ParseReply(rubric.Query, text)
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
		require.Equal(t, rubric.Reply{Score: *want.Score, Reason: *want.Reason}, got)
		require.Contains(t, []int{-1, 0, 1}, got.Score)
		require.True(t, json.Valid([]byte(text)))
		// Written again, it is read again.
		again, err := json.Marshal(map[string]any{"score": got.Score, "reason": got.Reason})
		require.NoError(t, err)
		if len(again) <= rubric.MaxReply { // escapes are longer
			back, err := rubric.ParseReply(rubric.Query, string(again))
			require.NoError(t, err)
			require.Equal(t, got, back)
		}
		// A binary scale accepts the same replies but for −1.
		binary, err := rubric.ParseReply(rubric.Evidence, text)
		require.Equal(t, got.Score >= 0, err == nil)
		if err == nil {
			require.Equal(t, got, binary)
		}
	})
}
