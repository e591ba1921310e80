// Package report writes what a run of verify found into a folder:
//
//	report.html    one self-contained page: the summary, the claims, their plots, the planted faults, the settings
//	result.json    the same as a document for scripts (Document)
//	claims.csv     one line a claim
//
// It assembles the page; how pages look is package report's.
package report
