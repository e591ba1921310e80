package remote

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOptions(t *testing.T) {
	env := map[string]string{URLVariable: "http://localhost:8000/v1", ModelVariable: "m", KeyVariable: "k", "OPENAI_API_KEY": "other"}
	o, err := FromEnvironment(func(name string) string { return env[name] })
	require.NoError(t, err)
	require.Equal(t, []string{"http://localhost:8000/v1", "m", "k"}, []string{o.BaseURL, o.Model, o.Key})
	_, err = FromEnvironment(func(string) string { return "" })
	require.ErrorContains(t, err, URLVariable)
	for name, change := range map[string]func(*Options){
		"no address":       func(o *Options) { o.BaseURL = "" },
		"no scheme":        func(o *Options) { o.BaseURL = "localhost:8000" },
		"file":             func(o *Options) { o.BaseURL = "file:///etc/passwd" },
		"password":         func(o *Options) { o.BaseURL = "http://user:hunter2@host/v1" },
		"control letter":   func(o *Options) { o.BaseURL = "http://host/\n" },
		"no model":         func(o *Options) { o.Model = "" },
		"NaN":              func(o *Options) { o.MaxErrorShare = math.NaN() },
		"share":            func(o *Options) { o.MaxErrorShare = 1.5 },
		"timeout":          func(o *Options) { o.Timeout = 0 },
		"delay":            func(o *Options) { o.MaxDelay = o.Backoff - 1 },
		"concurrency":      func(o *Options) { o.Concurrency = 0 },
		"retries":          func(o *Options) { o.Retries = -1 },
		"breaker":          func(o *Options) { o.BreakerFailures = 0 },
		"tokens":           func(o *Options) { o.MaxTokens = 0 },
		"text":             func(o *Options) { o.MaxText = 0 },
		"breaker duration": func(o *Options) { o.BreakerDelay = -time.Second },
	} {
		bad := o
		change(&bad)
		_, err := New(bad)
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "hunter2")
	}
}
