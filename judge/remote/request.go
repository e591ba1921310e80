package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/shared"

	"searchrl/internal/retry"
	"searchrl/judge/rubric"
)

// maxBody is the longest response that is read, in bytes after decompression.
const maxBody = 1 << 20

// client builds the client and its policies. It reads no environment, as openai.NewClient would.
func (j *Judge) client() {
	j.transport = http.DefaultTransport.(*http.Transport).Clone()
	j.transport.MaxIdleConnsPerHost = j.options.Concurrency
	j.transport.MaxResponseHeaderBytes = 64 << 10
	settings := []option.RequestOption{
		option.WithBaseURL(j.options.BaseURL), option.WithMaxRetries(0),
		option.WithHTTPClient(&http.Client{
			Transport:     retry.Whole{Next: j.transport, Most: maxBody},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}),
	}
	if j.options.Key != "" {
		settings = append(settings, option.WithAPIKey(j.options.Key))
	}
	j.chat = openai.NewChatCompletionService(settings...)

	j.executor = retry.Executor[string](retry.Options{Retries: j.options.Retries, Backoff: j.options.Backoff, MaxDelay: j.options.MaxDelay,
		BreakerFailures: j.options.BreakerFailures, BreakerDelay: j.options.BreakerDelay})
}

// request asks the model, with retries, and returns its reply.
func (j *Judge) request(ctx context.Context, p rubric.Prompt) (string, error) {
	reply, err := j.executor.WithContext(ctx).Get(func() (string, error) {
		reply, err := j.attempt(ctx, p)
		if f := (*retry.Failure)(nil); errors.As(err, &f) {
			j.mu.Lock()
			j.failed = err
			j.mu.Unlock()
		}
		return reply, err
	})
	if cause := ctx.Err(); cause != nil {
		return "", cause
	}
	if errors.Is(err, circuitbreaker.ErrOpen) { // says nothing of why
		j.mu.Lock()
		defer j.mu.Unlock()
		return "", fmt.Errorf("%w after: %w", err, j.failed)
	}
	return reply, err
}

// attempt asks the model once.
func (j *Judge) attempt(ctx context.Context, p rubric.Prompt) (string, error) {
	j.count(func(s *Stats) { s.Requests++ })
	ctx, cancel := context.WithTimeout(ctx, j.options.Timeout)
	defer cancel()
	params := openai.ChatCompletionNewParams{
		Model:       shared.ChatModel(j.options.Model),
		Messages:    []openai.ChatCompletionMessageParamUnion{openai.SystemMessage(p.System), openai.UserMessage(p.User)},
		Temperature: openai.Float(0),
		MaxTokens:   openai.Int(int64(j.options.MaxTokens)),
	}
	if !j.options.PlainReplies {
		params.ResponseFormat.OfJSONSchema = &shared.ResponseFormatJSONSchemaParam{
			JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{Name: "judgement", Strict: openai.Bool(true), Schema: rubric.Schema(p.Component)},
		}
	}
	var response *http.Response
	completion, err := j.chat.New(ctx, params, option.WithResponseInto(&response))
	switch {
	case response != nil && response.StatusCode >= 400:
		return "", retry.Rejected(response)
	case err != nil && ctx.Err() == context.DeadlineExceeded:
		return "", &retry.Failure{Err: fmt.Errorf("no response within %v", j.options.Timeout), Again: true, Wait: -1}
	case err == nil && completion == nil: // the body is null
		return "", fmt.Errorf("%w: it is null", retry.ErrWhole)
	case err != nil:
		return "", &retry.Failure{Err: err, Again: response == nil && !errors.Is(err, retry.ErrWhole), Wait: -1}
	}
	j.count(func(s *Stats) {
		s.PromptTokens += max(0, completion.Usage.PromptTokens)
		s.CompletionTokens += max(0, completion.Usage.CompletionTokens)
	})
	return content(completion)
}

// content returns the text of a completion that has exactly one, and whole.
func content(c *openai.ChatCompletion) (string, error) {
	if len(c.Choices) != 1 {
		return "", fmt.Errorf("%d choices, expected 1", len(c.Choices))
	}
	choice := c.Choices[0]
	switch {
	case choice.Message.Refusal != "":
		return "", fmt.Errorf("the model refuses: %.120q", choice.Message.Refusal)
	case choice.FinishReason != "stop":
		return "", fmt.Errorf("the reply ended by %.120q, expected \"stop\"", choice.FinishReason)
	case !strings.HasPrefix(choice.Message.JSON.Content.Raw(), `"`): // the client reads numbers and objects as texts, too
		return "", errors.New("the reply is no text")
	}
	return choice.Message.Content, nil
}
