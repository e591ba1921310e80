package server

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"searchrl/retrieval"
	"searchrl/retrieval/wire"
)

// Options of a server.
type Options struct {
	Token       string // clients must send it as "Authorization: Bearer …"; "" lets everybody in
	DefaultTopK int    // for requests that name none
	wire.Limits
	Body       int64         // bytes of a request at most
	Concurrent int           // searches under way at most; others wait
	Wait       time.Duration // how long they wait before they are sent away
	Timeout    time.Duration // for one search
	Drain      time.Duration // how long requests under way may take when the server ends; Wait and Timeout fit into the default
}

// DefaultOptions returns settings for training clients that are on one's side.
func DefaultOptions() Options {
	return Options{DefaultTopK: 3, Limits: wire.Limits{Queries: 4096, TopK: 1000}, Body: 16 << 20, Concurrent: 64,
		Wait: 10 * time.Second, Timeout: time.Minute, Drain: 2 * time.Minute}
}

func (o *Options) validate() error {
	switch {
	case o.Queries < 1 || o.TopK < 1 || o.Body < 1 || o.Concurrent < 1:
		return fmt.Errorf("limits of %d queries, topk %d, %d bytes, %d searches; expected 1 or more each", o.Queries, o.TopK, o.Body, o.Concurrent)
	case o.DefaultTopK < 1 || o.DefaultTopK > o.TopK:
		return fmt.Errorf("default topk %d; expected 1 to %d", o.DefaultTopK, o.TopK)
	case o.Wait < 0 || o.Timeout <= 0 || o.Drain < 0:
		return fmt.Errorf("wait %v, timeout %v, drain %v; expected them positive", o.Wait, o.Timeout, o.Drain)
	}
	return nil
}

// Server is an HTTP handler. It is safe for concurrent use.
type Server struct {
	options  Options
	searcher retrieval.Searcher
	token    [sha256.Size]byte
	slots    chan struct{} // one for each search under way
	metrics  *metrics
	mux      *http.ServeMux
	draining atomic.Bool
}

// New returns a server of the searcher.
func New(searcher retrieval.Searcher, options Options) (*Server, error) {
	if err := options.validate(); err != nil {
		return nil, fmt.Errorf("search server: %w", err)
	}
	s := &Server{options: options, searcher: searcher, token: sha256.Sum256([]byte(options.Token)),
		slots: make(chan struct{}, options.Concurrent), metrics: newMetrics(), mux: http.NewServeMux()}
	s.mux.HandleFunc("POST /retrieve", s.retrieve)
	s.mux.HandleFunc("GET /health", s.health)
	s.mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	for path, method := range map[string]string{"/retrieve": "POST", "/health": "GET, HEAD", "/metrics": "GET, HEAD"} {
		s.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", method)
			reply(w, http.StatusMethodNotAllowed, map[string]string{"error": fmt.Sprintf("the method is %.20s; %s takes %s", r.Method, path, method)})
		})
	}
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusNotFound, map[string]string{"error": "expected POST /retrieve, GET /health or GET /metrics"})
	})
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Serve answers requests on the listener until the context ends, and then drains. It closes the listener.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	h := &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		WriteTimeout: s.options.Wait + s.options.Timeout + time.Minute, MaxHeaderBytes: 64 << 10,
	}
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	s.draining.Store(true)
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.options.Drain)
	defer cancel()
	err := h.Shutdown(drain)
	if err != nil {
		err = fmt.Errorf("draining: some requests were cut off after %v: %w", s.options.Drain, errors.Join(err, h.Close()))
	}
	<-ended
	return err
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	status, state := http.StatusOK, "ok"
	if s.draining.Load() {
		status, state = http.StatusServiceUnavailable, "draining"
	}
	reply(w, status, map[string]any{"status": state, "searches": len(s.slots)})
}

// refusal is a request that is not answered.
type refusal struct {
	status int
	err    error
}

func (r *refusal) Error() string { return r.err.Error() }

func refuse(status int, format string, args ...any) *refusal {
	return &refusal{status, fmt.Errorf(format, args...)}
}

func (s *Server) retrieve(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	status := http.StatusOK
	defer func() {
		if fault := recover(); fault != nil {
			status = http.StatusInternalServerError
			reply(w, status, map[string]string{"error": "internal error"})
		}
		s.metrics.done(status, time.Since(start))
	}()
	body, err := s.answer(r)
	if err == nil {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body) // who left does not want it
		return
	}
	status = http.StatusInternalServerError
	message := "the search failed"
	if f := (*refusal)(nil); errors.As(err, &f) {
		status, message = f.status, f.Error()
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	reply(w, status, map[string]string{"error": message})
}

// answer searches for what the request asks.
func (s *Server) answer(r *http.Request) ([]byte, error) {
	if !s.allowed(r) {
		return nil, refuse(http.StatusUnauthorized, "expected the server's token, as Authorization: Bearer …")
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, s.options.Body))
	if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
		return nil, refuse(http.StatusRequestEntityTooLarge, "the body is longer than %d bytes", s.options.Body)
	} else if err != nil {
		return nil, refuse(http.StatusBadRequest, "the body broke off")
	}
	request, err := wire.ParseRequest(body, s.options.Limits)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "%w", err)
	}
	if request.TopK == 0 {
		request.TopK = s.options.DefaultTopK
	}
	release, err := s.slot(r.Context())
	if err != nil {
		return nil, err
	}
	defer release()
	ctx, cancel := context.WithTimeout(r.Context(), s.options.Timeout)
	defer cancel()
	found, err := s.searcher.Search(ctx, request.Queries, request.TopK)
	switch {
	case ctx.Err() != nil:
		return nil, refuse(http.StatusServiceUnavailable, "the search took longer than %v", s.options.Timeout)
	case err != nil:
		return nil, err
	case len(found) != len(request.Queries):
		return nil, fmt.Errorf("%d results for %d queries", len(found), len(request.Queries))
	}
	for _, hits := range found {
		for _, hit := range hits {
			if math.IsNaN(hit.Score) || math.IsInf(hit.Score, 0) {
				return nil, fmt.Errorf("document %q has the score %v", hit.ID, hit.Score)
			}
		}
	}
	s.metrics.queries.Add(float64(len(request.Queries)))
	return wire.AppendReply(nil, found, request.ReturnScores)
}

// allowed compares the token in constant time; its length does not show either.
func (s *Server) allowed(r *http.Request) bool {
	if s.options.Token == "" {
		return true
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	sum := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(sum[:], s.token[:]) == 1 && ok
}

// slot waits for a place among the searches under way.
func (s *Server) slot(ctx context.Context) (release func(), err error) {
	release = func() { <-s.slots; s.metrics.searches.Dec() }
	select {
	case s.slots <- struct{}{}:
		s.metrics.searches.Inc()
		return release, nil
	default:
	}
	wait := time.NewTimer(s.options.Wait)
	defer wait.Stop()
	select {
	case s.slots <- struct{}{}:
		s.metrics.searches.Inc()
		return release, nil
	case <-wait.C:
	case <-ctx.Done():
	}
	return nil, refuse(http.StatusServiceUnavailable, "%d searches are under way; come again", s.options.Concurrent)
}

func reply(w http.ResponseWriter, status int, value any) {
	data, _ := json.Marshal(value) // maps of texts and numbers
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n'))
}
