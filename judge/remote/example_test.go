package remote_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"searchrl/judge"
	"searchrl/judge/remote"
	"searchrl/qa"
)

// A server that likes every step stands for a judging model.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"choices": [{"finish_reason": "stop", "message": {"role": "assistant",
			"content": "{\"score\": 1, \"reason\": \"asks for the missing fact\"}"}}]}`)
	}))
	defer server.Close()
	options := remote.DefaultOptions()
	options.BaseURL, options.Model = server.URL+"/v1", "any-model"
	j, err := remote.New(options)
	if err != nil {
		panic(err)
	}
	defer j.Close()
	verdicts, err := j.Judge(context.Background(), []judge.Step{{
		Question: qa.Question{Text: "Who is the boss of Okafor?"}, Thought: "I need the boss of Okafor.", Query: "boss of Okafor",
	}})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%+g by %s: %s\n", verdicts[0].Action.Value, verdicts[0].Action.Source, verdicts[0].Action.Reason)
	// Output: +1 by any-model: asks for the missing fact
}
