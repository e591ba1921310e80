// Package runfolder writes what a run leaves behind, so that it can be read with ordinary tools, while the run goes on and
// after it was killed:
//
//	config.json                 every setting, written first
//	metrics.jsonl               one line a training step, on the disk as soon as the step is done
//	trees/step-0001.jsonl       what a step sampled: texts, ids, log-probabilities, rewards, advantages (package rollout)
//	probes/step-0010.jsonl      the same of a few questions that are asked again and again, between steps
//	evaluation-before.jsonl     one line a question (package evaluate), written by the caller through WriteLines
//	checkpoint/                 the weights as a Hugging Face folder, the tokenizer included
//	result.json                 how it ended; absent while the run goes on
//	state/step-0012.safetensors what training goes on from after it was stopped: weights, moments, the critic's too
//
// Apart from metrics.jsonl, which grows by whole lines, each file appears whole or not at all (written beside its place
// and renamed). A killed process can leave a temporary file, whose name starts with a dot.
//
// A run that was stopped goes on by [Continue], as if it had not been: from the last state that was kept, with the steps after it
// repeated. One process at a time has a folder open (.lock, which stays behind and means nothing then).
//
// A [Collection] is a folder of several runs that belong together. It can be taken up again: finished runs stay, as a run
// has ended if and only if it has a result.json, and the others begin anew.
package runfolder
