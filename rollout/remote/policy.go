package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"golang.org/x/sync/errgroup"

	"searchrl/internal/retry"
	"searchrl/rollout"
	"searchrl/tokenizer"
)

// KeyVariable is the environment variable for the API key. No other is looked at: a key that is set for another program is
// not spent here.
const KeyVariable = "SEARCHRL_POLICY_KEY"

// maxBody is the longest response that is read, in bytes after decompression.
const maxBody = 4 << 20

// Options say which policy is asked, and how patiently. Begin with DefaultOptions.
type Options struct {
	BaseURL     string        // of the API, such as http://localhost:8000/v1
	Model       string        // the model's name at the server
	Key         string        // the API key; "" sends none
	Concurrency int           // requests of one call under way at once; ≥ 1
	Timeout     time.Duration // for one attempt, body included; > 0
	retry.Options
}

// DefaultOptions returns patient settings for a model of the server at url.
func DefaultOptions(url, model string) Options {
	return Options{BaseURL: url, Model: model, Concurrency: 32, Timeout: 5 * time.Minute,
		Options: retry.Options{Retries: 5, Backoff: 500 * time.Millisecond, MaxDelay: 30 * time.Second, BreakerFailures: 20, BreakerDelay: 10 * time.Second}}
}

func (o *Options) validate() error {
	u, err := url.Parse(o.BaseURL)
	switch {
	case err != nil:
		return errors.New("the URL cannot be read")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("URL %q, expected one like http://localhost:8000/v1", u.Redacted())
	case o.Model == "":
		return errors.New("no model given, expected its name at the server")
	case o.Concurrency < 1 || o.Timeout <= 0:
		return fmt.Errorf("concurrency %d, timeout %v, expected them positive", o.Concurrency, o.Timeout)
	}
	return o.Options.Validate()
}

// Policy asks a server. It is safe for concurrent use.
type Policy struct {
	options     Options
	tokenizer   *tokenizer.Tokenizer
	transport   *http.Transport
	completions openai.CompletionService
	executor    failsafe.Executor[rollout.Completion]
}

var _ rollout.Policy = (*Policy)(nil)

// New returns a policy whose model has the given tokenizer. It does not talk to the server yet.
func New(options Options, t *tokenizer.Tokenizer) (*Policy, error) {
	if err := options.validate(); err != nil {
		return nil, fmt.Errorf("remote policy: %w", err)
	}
	if t == nil {
		return nil, errors.New("remote policy: no tokenizer")
	}
	p := &Policy{options: options, tokenizer: t, transport: http.DefaultTransport.(*http.Transport).Clone(),
		executor: retry.Executor[rollout.Completion](options.Options)}
	p.transport.MaxIdleConnsPerHost = options.Concurrency
	p.transport.MaxResponseHeaderBytes = 64 << 10
	settings := []option.RequestOption{
		option.WithBaseURL(options.BaseURL), option.WithMaxRetries(0), // ours count for the circuit breaker, and cover the body
		option.WithHTTPClient(&http.Client{
			Transport:     retry.Whole{Next: p.transport, Most: maxBody},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}),
	}
	if options.Key != "" {
		settings = append(settings, option.WithAPIKey(options.Key))
	}
	p.completions = openai.NewCompletionService(settings...)
	return p, nil
}

// Close closes idle connections. The policy can be used on.
func (p *Policy) Close() { p.transport.CloseIdleConnections() }

// Generate implements [rollout.Policy]; all completions are Unscored.
func (p *Policy) Generate(ctx context.Context, reqs []rollout.GenerateRequest) ([][]rollout.Completion, error) {
	out := make([][]rollout.Completion, len(reqs))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(p.options.Concurrency)
	for i, req := range reqs {
		if len(req.Prefix) == 0 || req.N < 1 || req.MaxTokens < 1 {
			group.Go(func() error {
				return fmt.Errorf("request %d: a prefix of %d tokens, %d samples of %d tokens, expected 1 or more each", i, len(req.Prefix), req.N, req.MaxTokens)
			})
			continue
		}
		out[i] = make([]rollout.Completion, req.N)
		for n := range req.N {
			group.Go(func() (err error) {
				if err = groupCtx.Err(); err == nil {
					out[i][n], err = p.request(groupCtx, req, n)
				}
				return err
			})
		}
	}
	err := group.Wait()
	if cause := ctx.Err(); cause != nil {
		err = cause
	}
	if err != nil {
		return nil, fmt.Errorf("asking %s for completions of %s: %w", p.options.BaseURL, p.options.Model, err)
	}
	return out, nil
}

// Score implements [rollout.Policy] by an error: the ids are not the server's.
func (p *Policy) Score(context.Context, []rollout.ScoreRequest) ([][][]float64, error) {
	return nil, fmt.Errorf("a policy behind a server (%s) gives no log-probabilities, it can be evaluated only: %w", p.options.BaseURL, errors.ErrUnsupported)
}
