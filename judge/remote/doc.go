// Package remote judges steps with a language model behind an OpenAI-compatible server (vLLM, llama.cpp, Ollama, a hosted
// model), through the official client.
//
//	options, err := remote.FromEnvironment(os.Getenv) // SEARCHRL_JUDGE_URL, SEARCHRL_JUDGE_MODEL, SEARCHRL_JUDGE_KEY
//	options.CacheDir = "judgements"
//	j, err := remote.New(options)
//	defer j.Close()
//
// # Requests
//
// Each component of a step is one chat completion at temperature 0: the rubric as the system's message, the step as data in
// the user's (package judge/rubric). Equal prompts within a call are asked once; what was asked before is read from the cache on disk,
// which is keyed by the hash of model and prompt (not of the address: two servers under one model's name share it).
// At most Concurrency requests are under way at once, over all calls.
//
// # Failures
//
// Only a reply that rubric.ParseReply accepts is a judgement. Everything else leaves the component unknown (judge.Score.Known is
// false, Reason says why) and is counted; nothing is ever scored 0 for want of a reply. Failures of the way (no connection,
// a broken body, a timeout, the statuses 408, 409, 429 and 5xx) are tried again with exponential backoff; a Retry-After is
// respected, and if it asks for more than MaxDelay the request fails at once rather than come too early. After
// BreakerFailures of them in a row (429 aside) requests fail at once for BreakerDelay, so that a dead server costs little.
// Too many unknown components among the last 200 make Judge return an error ([Options].MaxErrorShare): the run
// should stop.
//
// Retries wrap the official client, whose own are off: they end when the header has arrived, so that a body that breaks off
// is lost, and they count no failures for a circuit breaker.
package remote
