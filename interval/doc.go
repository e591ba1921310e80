// Package interval puts 95 % confidence intervals on the figures that runs report, so that a difference that could be
// chance is shown as one.
//
//   - A share of questions (exact match of one policy): [Wilson], over questions.
//
//   - A mean over seeds (exact match of a method): [Mean], Student's t, over seeds.
//
//   - A difference of two policies or methods is taken over pairs that belong together, which takes out what both share:
//     [Paired], Student's t, over seeds; [PairedShares] over questions.
//
//   - A difference of two methods over seeds and questions at once: [Crossed], with [Holm]'s correction where several methods
//     are compared with one.
//
// Each interval but Crossed's covers one source of chance only, the one it is computed over: Wilson's interval of one run says nothing
// about how another seed would have ended.
package interval
