package weaviate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
)

// maxReply is the longest reply that is read, in bytes.
const maxReply = 256 << 20

// Options say where Weaviate is. Nodes must name at least one node.
type Options struct {
	Nodes   []string      // base URLs, such as http://127.0.0.1:8099; requests go to the next one where one fails
	Token   string        // bearer token; sent only if not empty
	Timeout time.Duration // of one attempt; 0 means 60 s
	Tries   int           // attempts of a request; 0 means 3 for every node, at least 5
	Pause   time.Duration // before the second attempt, doubled each time, at most 5 s; 0 means 200 ms
}

// Client talks to the nodes of one Weaviate. It is safe for concurrent use.
type Client struct {
	opts     Options
	nodes    []string
	next     atomic.Uint64 // the node that is asked first
	http     *http.Client
	executor failsafe.Executor[[]byte]
}

// NewClient checks the options; it does not connect.
func NewClient(opts Options) (*Client, error) {
	if len(opts.Nodes) == 0 {
		return nil, errors.New("weaviate: no nodes")
	}
	c := &Client{}
	for _, node := range opts.Nodes {
		u, err := url.Parse(node)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.User != nil {
			return nil, fmt.Errorf("weaviate: node %q, expected a base URL such as http://127.0.0.1:8099", node)
		}
		c.nodes = append(c.nodes, strings.TrimRight(node, "/"))
	}
	if opts.Timeout < 0 || opts.Tries < 0 || opts.Pause < 0 {
		return nil, errors.New("weaviate: timeout, tries and pause must not be negative")
	}
	if opts.Timeout == 0 {
		opts.Timeout = time.Minute
	}
	if opts.Tries == 0 {
		opts.Tries = max(5, 3*len(opts.Nodes))
	}
	if opts.Pause == 0 {
		opts.Pause = 200 * time.Millisecond
	}
	c.opts = opts
	// Nodes are asked on connections of their own: no proxy, no redirects to elsewhere.
	c.http = &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: 30 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	retry := retrypolicy.NewBuilder[[]byte]().
		HandleIf(func(_ []byte, err error) bool { return transient(err) }).
		WithMaxRetries(opts.Tries - 1).
		ReturnLastFailure()
	if opts.Tries > 1 {
		retry = retry.WithBackoff(opts.Pause, max(5*time.Second, 2*opts.Pause)).WithJitterFactor(0.2)
	}
	c.executor = failsafe.With[[]byte](retry.Build())
	return c, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// refusal is a reply with a status that is no success.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("status %d (%s): %s", r.status, http.StatusText(r.status), r.text)
}

// unreachable is a node that gave no reply.
type unreachable struct{ err error }

func (u *unreachable) Error() string { return u.err.Error() }
func (u *unreachable) Unwrap() error { return u.err }

// transient reports whether another attempt, at another node perhaps, may succeed.
func transient(err error) bool {
	var r *refusal
	if errors.As(err, &r) {
		return r.status >= 500 || r.status == http.StatusTooManyRequests || r.status == http.StatusRequestTimeout
	}
	var u *unreachable
	return errors.As(err, &u)
}

// call sends body as JSON, if it is not nil, and decodes the reply into out, if that is not nil.
func (c *Client) call(ctx context.Context, method, path string, body, out any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	reply, err := c.executor.WithContext(ctx).Get(func() ([]byte, error) { return c.attempt(ctx, method, path, text, out) })
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(reply, out); err != nil {
		return fmt.Errorf("%s %s: the reply is not as expected: %w", method, path, err)
	}
	return nil
}

// attempt asks one node once. Where it fails, the next attempt asks the next node.
func (c *Client) attempt(ctx context.Context, method, path string, text []byte, out any) (reply []byte, err error) {
	at := c.next.Load()
	node := c.nodes[at%uint64(len(c.nodes))]
	defer func() {
		if err != nil {
			c.next.CompareAndSwap(at, at+1)
			err = fmt.Errorf("%s: %w", node, err)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, node+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if c.opts.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.opts.Token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, &unreachable{err}
	}
	defer resp.Body.Close()
	reply, err = io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	switch {
	case err != nil:
		return nil, &unreachable{fmt.Errorf("reading the reply: %w", err)}
	case len(reply) > maxReply:
		return nil, fmt.Errorf("the reply is longer than %d bytes", maxReply)
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return nil, &refusal{resp.StatusCode, shorten(string(reply))}
	case out != nil && !json.Valid(reply):
		return nil, &unreachable{fmt.Errorf("the reply is no JSON: %s", shorten(string(reply)))}
	}
	return reply, nil
}

// wait pauses before another attempt, after the given number of them.
func (c *Client) wait(ctx context.Context, tries int) error {
	pause := min(c.opts.Pause<<min(tries-1, 10), 5*time.Second)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pause):
		return nil
	}
}

// Ready waits until every node says that it is ready, or ctx ends.
func (c *Client) Ready(ctx context.Context) error {
	for _, node := range c.nodes {
		for {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, node+"/v1/.well-known/ready", nil)
			if err != nil {
				return fmt.Errorf("weaviate: %w", err)
			}
			resp, err := c.http.Do(req)
			if err == nil {
				_ = resp.Body.Close()
				if resp.StatusCode == http.StatusOK {
					break
				}
				err = fmt.Errorf("status %d", resp.StatusCode)
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("weaviate: %s is not ready: %w (last: %w)", node, ctx.Err(), err)
			case <-time.After(200 * time.Millisecond):
			}
		}
	}
	return nil
}

func shorten(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > 300 {
		return strings.ToValidUTF8(text[:300], "") + "…"
	}
	return text
}

// nameRule is Weaviate's for collections; nothing else gets into a request.
var nameRule = regexp.MustCompile(`^[A-Z][_0-9A-Za-z]{0,100}$`)

func checkName(name string) error {
	if !nameRule.MatchString(name) {
		return fmt.Errorf("collection %q, expected a capital letter followed by letters, digits and _", name)
	}
	return nil
}
