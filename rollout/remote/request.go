package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"searchrl/internal/retry"
	"searchrl/rollout"
)

// request asks for sample n of req, with retries.
func (p *Policy) request(ctx context.Context, req rollout.GenerateRequest, n int) (rollout.Completion, error) {
	return p.executor.WithContext(ctx).Get(func() (rollout.Completion, error) { return p.attempt(ctx, req, n) })
}

// params is what is sent for sample n of req.
func (p *Policy) params(req rollout.GenerateRequest, n int) openai.CompletionNewParams {
	prompt := make([]int64, len(req.Prefix))
	for j, id := range req.Prefix {
		prompt[j] = int64(id)
	}
	params := openai.CompletionNewParams{
		Model:       openai.CompletionNewParamsModel(p.options.Model),
		Prompt:      openai.CompletionNewParamsPromptUnion{OfArrayOfTokens: prompt},
		MaxTokens:   openai.Int(int64(req.MaxTokens)),
		Temperature: openai.Float(req.Sampling.Temperature),
		TopP:        openai.Float(1),
	}
	if len(req.Stop) > 0 {
		params.Stop.OfStringArray = req.Stop
	}
	extra := map[string]any{}
	if req.Sampling.Temperature > 0 {
		// 31 bits, which every server's seed can hold.
		params.Seed = openai.Int(int64(rand.NewPCG(req.Seed, uint64(n)).Uint64() >> 33))
		if req.Sampling.TopP > 0 {
			params.TopP = openai.Float(req.Sampling.TopP)
		}
		if req.Sampling.TopK > 0 {
			extra["top_k"] = req.Sampling.TopK
		}
	}
	if p.added(req.Stop) {
		extra["skip_special_tokens"] = false
	}
	params.SetExtraFields(extra)
	return params
}

// added reports whether tags are added tokens, which the server must then show and which are recognised in what it says.
func (p *Policy) added(stops []string) bool {
	return slices.ContainsFunc(stops, func(stop string) bool {
		id, ok := p.tokenizer.ID(stop)
		return ok && p.tokenizer.IsAdded(id)
	})
}

// attempt asks once.
func (p *Policy) attempt(ctx context.Context, req rollout.GenerateRequest, n int) (rollout.Completion, error) {
	attemptCtx, cancel := context.WithTimeout(ctx, p.options.Timeout)
	defer cancel()
	var response *http.Response
	reply, err := p.completions.New(attemptCtx, p.params(req, n), option.WithResponseInto(&response))
	switch {
	case ctx.Err() != nil:
		return rollout.Completion{}, ctx.Err()
	case response != nil && response.StatusCode >= 400:
		return rollout.Completion{}, retry.Rejected(response)
	case err != nil && attemptCtx.Err() != nil:
		return rollout.Completion{}, &retry.Failure{Err: fmt.Errorf("no response within %v", p.options.Timeout), Again: true, Wait: -1}
	case err == nil && reply == nil: // the body is null
		return rollout.Completion{}, fmt.Errorf("%w: it is null", retry.ErrWhole)
	case err != nil:
		return rollout.Completion{}, &retry.Failure{Err: err, Again: response == nil && !errors.Is(err, retry.ErrWhole), Wait: -1}
	}
	return p.read(reply, req)
}

// read makes a completion of a reply that is what was asked for.
func (p *Policy) read(reply *openai.Completion, req rollout.GenerateRequest) (rollout.Completion, error) {
	if len(reply.Choices) != 1 {
		return rollout.Completion{}, fmt.Errorf("the reply has %d choices, expected 1", len(reply.Choices))
	}
	if read := reply.Usage.PromptTokens; read != 0 && read != int64(len(req.Prefix)) {
		return rollout.Completion{}, fmt.Errorf("the server read %d prompt tokens, expected the %d that were sent; has it another tokenizer?", read, len(req.Prefix))
	}
	choice := reply.Choices[0]
	if !strings.HasPrefix(choice.JSON.Text.Raw(), `"`) { // the client reads numbers and objects as texts, too
		return rollout.Completion{}, fmt.Errorf("the reply's text is %.80s, expected a text", choice.JSON.Text.Raw())
	}
	text, stop, err := ended(choice, req.Stop)
	if err != nil {
		return rollout.Completion{}, err
	}
	c := rollout.Completion{Tokens: p.tokenizer.Encode(text), Unscored: true, Stop: stop}
	if p.added(req.Stop) {
		c.Tokens = p.tokenizer.EncodeTrusted(text)
	}
	eos, known := p.tokenizer.EOS()
	switch {
	case len(c.Tokens) > req.MaxTokens || len(c.Tokens) == req.MaxTokens && stop == rollout.EndOfSequence:
		c.Tokens, c.Stop = c.Tokens[:req.MaxTokens], "" // our ids may be more than the server's
	case stop == rollout.EndOfSequence && known || len(c.Tokens) == 0 && known:
		c.Tokens, c.Stop = append(c.Tokens, eos), rollout.EndOfSequence
	case len(c.Tokens) == 0:
		return rollout.Completion{}, errors.New("the reply is empty, and the tokenizer names no end-of-sequence token to stand for it")
	case stop == rollout.EndOfSequence:
		c.Stop = ""
	}
	return c, nil
}

// ended returns the text of a choice, its stop text included, and what ended it: see [rollout.Completion].Stop.
func ended(choice openai.CompletionChoice, stops []string) (text, stop string, err error) {
	text, end := choice.Text, len(choice.Text)+1
	for _, s := range stops { // servers may include the stop text, or ignore that it was one
		if i := strings.Index(text, s); i >= 0 && i+len(s) < end {
			end, stop = i+len(s), s
		}
	}
	if stop != "" {
		return text[:end], stop, nil
	}
	switch choice.FinishReason {
	case openai.CompletionChoiceFinishReasonLength:
		return text, "", nil
	case openai.CompletionChoiceFinishReasonStop:
	default:
		return "", "", fmt.Errorf("the reply ended by %.80q, expected \"stop\" or \"length\"", choice.FinishReason)
	}
	told := false
	for _, name := range []string{"stop_reason", "matched_stop"} {
		field, ok := choice.JSON.ExtraFields[name]
		if !ok {
			continue
		}
		told = true
		if json.Unmarshal([]byte(field.Raw()), &stop) == nil && stop != "" {
			if !slices.Contains(stops, stop) {
				return "", "", fmt.Errorf("the reply ended by the stop text %.80q, expected one of %q", stop, stops)
			}
			return text + stop, stop, nil
		}
	}
	if !told && len(stops) > 0 {
		return "", "", errors.New("the server does not say which stop text ended the reply, expected stop_reason (vLLM) or matched_stop (SGLang)")
	}
	return text, rollout.EndOfSequence, nil // null, or the number of the token
}
