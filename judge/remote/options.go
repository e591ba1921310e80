package remote

import (
	"errors"
	"fmt"
	"net/url"
	"time"
)

// Options say which model judges, and how patiently it is asked. Begin with DefaultOptions or FromEnvironment.
type Options struct {
	BaseURL string // of the API, such as http://localhost:8000/v1; required
	Model   string // the model's name at the server; required
	Key     string // the API key; "" sends none

	Concurrency int           // requests under way at once; ≥ 1
	Timeout     time.Duration // for one attempt, body included; > 0
	Retries     int           // attempts after the first; ≥ 0
	Backoff     time.Duration // before the first retry; doubles with each; > 0
	MaxDelay    time.Duration // longest wait before a retry, Retry-After included; ≥ Backoff

	BreakerFailures int           // failures of the way in a row that open the circuit; ≥ 1
	BreakerDelay    time.Duration // how long it stays open; > 0

	// MaxErrorShare is the share of unknown components that is put up with, in [0, 1]; 1 puts up with everything. It is taken over
	// the last 200 components, and over 20 as long as there were fewer.
	MaxErrorShare float64
	CacheDir      string // folder of the cache; "" for none
	MaxTokens     int    // of a reply; ≥ 1
	MaxText       int    // characters shown of a document; ≥ 1
	// PlainReplies sends no JSON schema along, for servers that do not know response_format.
	PlainReplies bool
	// SkipAnswers leaves answers unknown, unasked and uncounted, for use with judge.Combine.
	SkipAnswers bool
}

// DefaultOptions returns patient settings without address and model.
func DefaultOptions() Options {
	return Options{
		Concurrency: 16, Timeout: time.Minute, Retries: 4, Backoff: 500 * time.Millisecond, MaxDelay: 30 * time.Second,
		BreakerFailures: 20, BreakerDelay: 10 * time.Second, MaxErrorShare: 0.1, MaxTokens: 256, MaxText: 1000,
	}
}

// Environment variables that FromEnvironment reads.
const (
	URLVariable   = "SEARCHRL_JUDGE_URL"
	ModelVariable = "SEARCHRL_JUDGE_MODEL"
	KeyVariable   = "SEARCHRL_JUDGE_KEY"
)

// FromEnvironment returns the default options with address, model and key from the environment, as os.Getenv reads it. No
// other variable is looked at: a key that is set for another program is not spent here.
func FromEnvironment(getenv func(string) string) (Options, error) {
	o := DefaultOptions()
	o.BaseURL, o.Model, o.Key = getenv(URLVariable), getenv(ModelVariable), getenv(KeyVariable)
	if o.BaseURL == "" || o.Model == "" {
		return o, fmt.Errorf("remote judge: %s and %s must be set, such as http://localhost:8000/v1 and google/gemma-3-27b-it",
			URLVariable, ModelVariable)
	}
	return o, o.Validate()
}

// Validate reports the first setting that makes no sense.
func (o *Options) Validate() error {
	if err := o.validate(); err != nil {
		return fmt.Errorf("remote judge: %w", err)
	}
	return nil
}

func (o *Options) validate() error {
	u, err := url.Parse(o.BaseURL)
	if err != nil {
		return errors.New("the base URL cannot be read")
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("base URL %q, expected one like http://localhost:8000/v1", u.Redacted())
	case o.Model == "":
		return errors.New("no model given")
	case !(o.MaxErrorShare >= 0 && o.MaxErrorShare <= 1):
		return fmt.Errorf("share of errors %v, expected 0 to 1", o.MaxErrorShare)
	case o.Timeout <= 0 || o.Backoff <= 0 || o.BreakerDelay <= 0:
		return fmt.Errorf("timeout %v, backoff %v, breaker delay %v, expected more than 0", o.Timeout, o.Backoff, o.BreakerDelay)
	case o.MaxDelay < o.Backoff:
		return fmt.Errorf("longest delay %v, expected at least the backoff of %v", o.MaxDelay, o.Backoff)
	}
	for _, n := range []struct {
		name       string
		value, min int
	}{
		{"concurrency", o.Concurrency, 1}, {"retries", o.Retries, 0}, {"breaker failures", o.BreakerFailures, 1},
		{"tokens a reply", o.MaxTokens, 1}, {"characters a document", o.MaxText, 1},
	} {
		if n.value < n.min {
			return fmt.Errorf("%s %d, expected %d or more", n.name, n.value, n.min)
		}
	}
	return nil
}
