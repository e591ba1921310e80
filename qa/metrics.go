package qa

import "strings"

// ExactMatch returns 1 if the prediction equals one of the answers after [Normalize], else 0; 0 without answers.
//
// As in the reference scripts, an empty prediction matches an answer that is empty after normalisation ("A+"). Whoever
// grades an agent that gave no answer at all should score it 0 without asking.
func ExactMatch(prediction string, answers []string) float64 {
	p := Normalize(prediction)
	for _, answer := range answers {
		if Normalize(answer) == p {
			return 1
		}
	}
	return 0
}

// F1 returns the token F1 of the prediction, in [0, 1]: the best over the answers, 0 without answers. Tokens are the
// words of the normalised texts, counted as multisets. An answer shares nothing with a prediction if either is yes, no
// or noanswer and they are not equal, nor if they have no token in common (so where both are empty too).
func F1(prediction string, answers []string) float64 {
	p := Normalize(prediction)
	predicted := strings.Fields(p)
	best := 0.0
	for _, answer := range answers {
		a := Normalize(answer)
		if a != p && (isVerdict(a) || isVerdict(p)) {
			continue
		}
		best = max(best, tokenF1(predicted, strings.Fields(a)))
	}
	return best
}

// isVerdict says whether s is an answer that admits no partial credit.
func isVerdict(s string) bool {
	return s == "yes" || s == "no" || s == "noanswer"
}

// tokenF1 is 2PR/(P+R) with precision P = common/len(predicted) and recall R = common/len(gold), evaluated in that
// order, so that it gives the reference script's floating-point number.
func tokenF1(predicted, gold []string) float64 {
	left := make(map[string]int, len(gold))
	for _, token := range gold {
		left[token]++
	}
	common := 0
	for _, token := range predicted {
		if left[token] > 0 {
			left[token]--
			common++
		}
	}
	if common == 0 {
		return 0
	}
	precision := float64(common) / float64(len(predicted))
	recall := float64(common) / float64(len(gold))
	return 2 * precision * recall / (precision + recall)
}
