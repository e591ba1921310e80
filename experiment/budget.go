package experiment

import (
	"fmt"
	"strconv"
	"strings"
)

// Budget says when training ends: after a number of training steps, or with the step that reaches a number of tokens
// sampled from the policy, discarded ones included. Exactly one of the two counts.
type Budget struct {
	Steps  int `json:"steps,omitempty"`
	Tokens int `json:"tokens,omitempty"`
}

// ParseBudget reads "steps=N" or "tokens=N", N a whole number from 0.
func ParseBudget(text string) (Budget, error) {
	unit, number, found := strings.Cut(text, "=")
	n, err := strconv.Atoi(number)
	if !found || err != nil || n < 0 {
		return Budget{}, fmt.Errorf("budget %q, expected steps=N or tokens=N with a whole number N", text)
	}
	switch unit {
	case "steps":
		return Budget{Steps: n}, nil
	case "tokens":
		return Budget{Tokens: n}, nil
	}
	return Budget{}, fmt.Errorf("budget %q counts %q, expected steps=N or tokens=N", text, unit)
}

// String returns what ParseBudget reads.
func (b Budget) String() string {
	if b.Tokens > 0 {
		return fmt.Sprintf("tokens=%d", b.Tokens)
	}
	return fmt.Sprintf("steps=%d", b.Steps)
}

// Done returns the share of the budget that is used up, 1 or more when training ends.
func (b Budget) Done(steps, tokens int) float64 {
	switch {
	case b.Tokens > 0:
		return float64(tokens) / float64(b.Tokens)
	case b.Steps > 0:
		return float64(steps) / float64(b.Steps)
	}
	return 1
}
