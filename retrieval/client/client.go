package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/failsafe-go/failsafe-go"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/errgroup"

	"searchrl/internal/retry"
	"searchrl/retrieval"
	"searchrl/retrieval/wire"
)

// Options say which server is asked, and how patiently.
type Options struct {
	URL         string        // of /retrieve
	Token       string        // sent as a bearer token; "" sends none
	Timeout     time.Duration // for one attempt, body included; > 0
	Batch       int           // queries a request at most; ≥ 1
	Concurrency int           // requests of one call under way at once; ≥ 1
	Cache       int           // queries whose results are kept; 0 keeps none
	MaxReply    int64         // bytes of a reply at most; ≥ 1
	retry.Options
}

// DefaultOptions returns patient settings for the server at url.
func DefaultOptions(url string) Options {
	return Options{URL: url, Timeout: time.Minute, Batch: 256, Concurrency: 4, Cache: 10_000, MaxReply: 256 << 20,
		Options: retry.Options{Retries: 5, Backoff: 200 * time.Millisecond, MaxDelay: 30 * time.Second, BreakerFailures: 20, BreakerDelay: 10 * time.Second}}
}

func (o *Options) validate() error {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil:
		return errors.New("the URL cannot be read")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "":
		return fmt.Errorf("URL %q; expected one like http://127.0.0.1:8000/retrieve", u.Redacted())
	case o.Timeout <= 0 || o.Batch < 1 || o.Concurrency < 1 || o.Cache < 0 || o.MaxReply < 1:
		return fmt.Errorf("timeout %v, batch %d, concurrency %d, cache %d, longest reply %d; expected them positive", o.Timeout, o.Batch, o.Concurrency, o.Cache, o.MaxReply)
	}
	return o.Options.Validate()
}

// Client asks a server. It implements [retrieval.Searcher] and is safe for concurrent use.
type Client struct {
	options   Options
	transport *http.Transport
	http      *http.Client
	executor  failsafe.Executor[[][]retrieval.Hit]
	cache     *lru.Cache[key, []retrieval.Hit] // nil keeps nothing
}

type key struct {
	query string
	k     int
}

var _ retrieval.Searcher = (*Client)(nil)

// New returns a client. It does not talk to the server yet.
func New(options Options) (*Client, error) {
	if err := options.validate(); err != nil {
		return nil, fmt.Errorf("search client: %w", err)
	}
	c := &Client{options: options, transport: http.DefaultTransport.(*http.Transport).Clone(), executor: retry.Executor[[][]retrieval.Hit](options.Options)}
	c.transport.MaxIdleConnsPerHost = options.Concurrency
	c.transport.MaxResponseHeaderBytes = 64 << 10
	c.http = &http.Client{Transport: c.transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if options.Cache > 0 {
		var err error
		if c.cache, err = lru.New[key, []retrieval.Hit](options.Cache); err != nil {
			return nil, fmt.Errorf("search client: %w", err)
		}
	}
	return c, nil
}

// Close closes idle connections. The client can be used on.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Search implements [retrieval.Searcher].
func (c *Client) Search(ctx context.Context, queries []string, k int) ([][]retrieval.Hit, error) {
	if k < 1 {
		return nil, fmt.Errorf("searching: k is %d; expected at least 1", k)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("searching: %w", err)
	}
	known := map[string][]retrieval.Hit{}
	var asking []string
	for _, query := range queries {
		if _, seen := known[query]; seen {
			continue
		}
		known[query] = nil
		if hits, ok := c.remembered(query, k); ok {
			known[query] = hits
		} else {
			asking = append(asking, query)
		}
	}
	batches := slices.Collect(slices.Chunk(asking, c.options.Batch))
	found := make([][][]retrieval.Hit, len(batches))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(c.options.Concurrency)
	for i, batch := range batches {
		group.Go(func() (err error) {
			found[i], err = c.request(groupCtx, batch, k)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("searching for %d queries at %s: %w", len(asking), c.options.URL, err)
	}
	for i, batch := range batches {
		for j, query := range batch {
			known[query] = found[i][j]
			if c.cache != nil {
				c.cache.Add(key{query, k}, found[i][j])
			}
		}
	}
	results := make([][]retrieval.Hit, len(queries))
	for i, query := range queries {
		results[i] = slices.Clone(known[query]) // the caller may change its own
	}
	return results, nil
}

func (c *Client) remembered(query string, k int) ([]retrieval.Hit, bool) {
	if c.cache == nil {
		return nil, false
	}
	return c.cache.Get(key{query, k})
}

// request asks for one batch, with retries.
func (c *Client) request(ctx context.Context, queries []string, k int) ([][]retrieval.Hit, error) {
	body, err := json.Marshal(wire.Request{Queries: queries, TopK: k, ReturnScores: true})
	if err != nil {
		return nil, err
	}
	found, err := c.executor.WithContext(ctx).Get(func() ([][]retrieval.Hit, error) {
		reply, err := c.attempt(ctx, body)
		if err != nil {
			return nil, err
		}
		return wire.ParseReply(reply, len(queries), k)
	})
	if cause := ctx.Err(); cause != nil {
		return nil, cause
	}
	return found, err
}

// attempt asks once and returns the whole body of a good response.
func (c *Client) attempt(ctx context.Context, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.options.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if c.options.Token != "" {
		request.Header.Set("Authorization", "Bearer "+c.options.Token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.lost(ctx, err)
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode >= 400:
		return nil, retry.Rejected(response)
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the server says %s; expected 200", response.Status)
	}
	reply, err := io.ReadAll(io.LimitReader(response.Body, c.options.MaxReply+1))
	switch {
	case int64(len(reply)) > c.options.MaxReply:
		return nil, fmt.Errorf("the reply has more than %d bytes", c.options.MaxReply)
	case err != nil:
		return nil, c.lost(ctx, err)
	}
	return reply, nil
}

// lost describes an attempt that broke off.
func (c *Client) lost(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("no reply within %v", c.options.Timeout)
	}
	return &retry.Failure{Err: err, Again: true, Wait: -1}
}
