package experiment

import (
	"fmt"
	"strconv"
	"strings"
)

// Budget says when training ends: after a number of training steps, or with the step that reaches a number of tokens
// sampled from the policy, discarded ones included, or of seconds spent in training steps. Exactly one of the three counts.
// A budget of seconds depends on the machine and on what else it does: the same run twice can end at different steps.
type Budget struct {
	Steps   int `json:"steps,omitempty"`
	Tokens  int `json:"tokens,omitempty"`
	Seconds int `json:"seconds,omitempty"`
}

// ParseBudget reads "steps=N", "tokens=N" or "seconds=N", N a whole number from 0.
func ParseBudget(text string) (Budget, error) {
	unit, number, found := strings.Cut(text, "=")
	n, err := strconv.Atoi(number)
	if !found || err != nil || n < 0 {
		return Budget{}, fmt.Errorf("budget %q, expected steps=N, tokens=N or seconds=N with a whole number N", text)
	}
	switch unit {
	case "steps":
		return Budget{Steps: n}, nil
	case "tokens":
		return Budget{Tokens: n}, nil
	case "seconds":
		return Budget{Seconds: n}, nil
	}
	return Budget{}, fmt.Errorf("budget %q counts %q, expected steps=N, tokens=N or seconds=N", text, unit)
}

// String returns what ParseBudget reads.
func (b Budget) String() string {
	switch {
	case b.Tokens > 0:
		return fmt.Sprintf("tokens=%d", b.Tokens)
	case b.Seconds > 0:
		return fmt.Sprintf("seconds=%d", b.Seconds)
	}
	return fmt.Sprintf("steps=%d", b.Steps)
}

// Done returns the share of the budget that is used up, 1 or more when training ends.
func (b Budget) Done(steps, tokens int, seconds float64) float64 {
	switch {
	case b.Seconds > 0:
		return seconds / float64(b.Seconds)
	case b.Tokens > 0:
		return float64(tokens) / float64(b.Tokens)
	case b.Steps > 0:
		return float64(steps) / float64(b.Steps)
	}
	return 1
}
