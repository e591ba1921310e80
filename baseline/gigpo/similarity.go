package gigpo

// Ratio is the similarity of two texts by Ratcliff and Obershelp's pattern matching, in [0, 1]:
//
//	2 M/(|a| + |b|),   M = |m| + M(left of m) + M(right of m),   m the longest common substring, the first of several
//
// in characters. It is 1 for equal texts (two empty ones too) and only for them, 0 where no character is common. It is not
// symmetric: the order decides between common substrings of equal length.
//
// Source: Ratcliff and Metzener, "Pattern Matching: The Gestalt Approach" (Dr. Dobb's Journal, 1988); Python's difflib, which the
// released code uses, but without its heuristic that ignores characters that are frequent in texts of 200 and more: with it, long
// texts are compared by their rare characters alone.
func Ratio(a, b string) float64 {
	x, y := []rune(a), []rune(b)
	if len(x)+len(y) == 0 {
		return 1
	}
	return 2 * float64(matched(x, y)) / float64(len(x)+len(y))
}

// matched is M.
func matched(a, b []rune) int {
	i, j, n := longest(a, b)
	if n == 0 {
		return 0
	}
	return n + matched(a[:i], b[:j]) + matched(a[i+n:], b[j+n:])
}

// longest returns the longest common substring, a[i:i+n] = b[j:j+n]: of several the one with the smallest i, then j.
func longest(a, b []rune) (i, j, n int) {
	row := make([]int, len(b)+1) // row[l] is the length of the common suffix of a[:k] and b[:l]
	for k := 1; k <= len(a); k++ {
		diagonal := 0
		for l := 1; l <= len(b); l++ {
			above := row[l]
			row[l] = 0
			if a[k-1] == b[l-1] {
				row[l] = diagonal + 1
			}
			diagonal = above
			if row[l] > n {
				i, j, n = k-row[l], l-row[l], row[l]
			}
		}
	}
	return i, j, n
}
