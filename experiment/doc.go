// Package experiment runs methods on tasks: train one and evaluate it before and after ([Run]), or train several from the
// same base policy on the same questions over several seeds and compare them ([Comparison]).
//
// It is what the commands train and compare are made of, without flags and terminals: it takes an opened learner, a task
// and a budget, writes a run folder, and reports progress through one function. It is also the only place that reads
// the clock; package grpo does the training and knows neither time nor files.
package experiment
