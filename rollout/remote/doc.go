// Package remote is a policy behind an OpenAI-compatible server (vLLM, SGLang), for evaluation only.
//
//	options := remote.DefaultOptions("http://localhost:8000/v1", "Qwen/Qwen2.5-3B")
//	options.Key = os.Getenv(remote.KeyVariable)
//	policy, err := remote.New(options, tokenizer) // the model's own tokenizer, read locally
//	defer policy.Close()
//
// # Tokens
//
// Each sample is one request to the completions API. The prompt goes out as token ids, so that a document that spells
// <|im_end|> stays text; the server must have the same tokenizer, and one that counts another number of prompt tokens is
// refused. What comes back is text, and we encode it: the ids in the trees are ours, and need not be those that the model
// sampled. So log-probabilities would belong to other tokens, and none are taken: completions are
// [rollout.Completion].Unscored, their segments are outside the loss mask, and Score is an error. Nothing can be trained on
// them.
//
// A text ends with the stop text that it holds, or that vLLM (stop_reason) or SGLang (matched_stop) names, or with the
// tokenizer's end-of-sequence token. Where the tags are added tokens of the tokenizer, the server is asked not to skip
// them (skip_special_tokens). The other fields are the API's own, but for top_k, sent only where it is set.
//
// # Sampling
//
// Temperature 0 is the server's greedy decoding; it may depend on what else the server computes at the time. Otherwise
// sample n of a request has a seed of its own, and whether the server honours it is the server's affair. Both servers add the
// model's generation_config (a repetition penalty, say) unless started with --generation-config vllm (vLLM) or
// --sampling-defaults openai (SGLang).
//
// # Failures
//
// Failures of the way (no connection, a broken body, a timeout, the statuses 408, 409, 429 and 5xx) are tried again with
// exponential backoff, a Retry-After is respected, and a dead server is left alone for a while. A reply that is wrong is an
// error at once. If one sample fails, the call does, and names the server: no trajectory is cut short in silence.
package remote
