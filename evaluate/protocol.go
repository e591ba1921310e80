package evaluate

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"searchrl/qa"
	"searchrl/rollout"
)

// protocolVersion changes when equal settings begin to mean something else, such as another normalisation of answers.
const protocolVersion = 1

// ProtocolHash names what is asked and how, but not who answers: results of two policies under one hash can be compared
// question by question. It covers the questions with their answers, what searches (named by the caller, best by content),
// tags, templates and budgets, the decoding with its seed, and the method that answers ("" for the plain loop).
func ProtocolHash(questions []qa.Question, searcher string, protocol rollout.Protocol, sampling rollout.Sampling, seed uint64, method string) (string, error) {
	data, err := json.Marshal(map[string]any{"version": protocolVersion, "questions": questions, "searcher": searcher, "protocol": protocol,
		"sampling": sampling, "seed": seed, "method": method})
	if err != nil {
		return "", fmt.Errorf("hashing the protocol of the evaluation: %w", err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8]), nil
}
