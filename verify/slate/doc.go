// Package slate checks SLATE as it trains: slate.Method.Collect itself, on tabular processes behind the real agent loop
// (package exact), against an oracle that reads the trees and was written apart from it.
//
// A case draws a process, two questions, a judge whose scores are a hash of what it is shown (some cannot be given), and
// the method's settings; then the method collects as in training. What is claimed is read off its trees, off the requests
// that the policy got and off the queries that the searcher got:
//
//   - all k candidates of a decision point reach the loss, each with the advantage of its own reward among the k, on their
//     own tokens, and on none of the prefix's;
//   - rewards are Eq. 3 and 4, with t counted from 1 and failed judgements masked;
//   - a question costs T retrievals, and not kT;
//   - a decision point is one request, so its prefix is computed once;
//   - the next prefix is the candidate that the rule names.
//
// Cases are drawn so that none is ill-conditioned: the false-alarm rate is 0. [Mutants] are the faults that are planted in
// the method, in its judge, its policy and its searcher. What SLATE's sampling does to the variance of advantages is checked
// in packages bound and sampled.
//
// Source: SLATE (arXiv 2602.23440), as package slate of the method states it.
package slate
