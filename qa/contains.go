package qa

import "strings"

// Contains says whether a text contains one of the answers as whole words, both normalised ([Normalize]): the judgement
// behind answer recall, as in DPR (Karpukhin et al. 2020) but for the normalisation. Answers that are empty after
// normalisation count for nothing.
func Contains(text string, answers []string) bool {
	text = " " + Normalize(text) + " "
	for _, answer := range answers {
		if a := Normalize(answer); a != "" && strings.Contains(text, " "+a+" ") {
			return true
		}
	}
	return false
}

// IsVerdict says whether one of the answers is yes or no, which a passage cannot be said to contain.
func IsVerdict(answers []string) bool {
	return ExactMatch("yes", answers)+ExactMatch("no", answers) > 0
}
