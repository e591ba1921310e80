// Package evaluate measures a policy on questions: it lets the agent loop answer each of them once and grades the answers.
//
// Greedy decoding (temperature 0) is what is reported as a policy's exact match; sampled at temperature 1 it tells how the
// policy behaves while it is trained, which greedy decoding hides once the best action is the most likely one. Results
// are kept by question, so that two policies can be compared on the same ones ([Difference]).
package evaluate
