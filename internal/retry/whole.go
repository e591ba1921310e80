package retry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"unicode/utf8"
)

// ErrWhole marks a response that arrived whole and is of no use, so that asking again would not help.
var ErrWhole = errors.New("the response is of no use")

// Whole is a transport for replies in JSON that reads bodies to their end, up to Most bytes after decompression, so that one
// that breaks off is an error of the transport like any other, and one that is too long is never held. Responses with an
// error status keep no body; of the others, only 200 with UTF-8 JSON passes.
type Whole struct {
	Next http.RoundTripper
	Most int64
}

// RoundTrip implements [http.RoundTripper].
func (w Whole) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := w.Next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, w.Most+1))
	switch {
	case int64(len(body)) > w.Most && response.StatusCode < 400:
		return nil, fmt.Errorf("%w: it has more than %d bytes", ErrWhole, w.Most)
	case response.StatusCode >= 400: // the status says it all, however the body ends
		body = nil
	case err != nil:
		return nil, fmt.Errorf("reading the response: %w", err)
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%w: its status is %s", ErrWhole, response.Status)
	case !json.Valid(body) || !utf8.Valid(body):
		return nil, fmt.Errorf("%w: it is no JSON: %.120q", ErrWhole, body)
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}
