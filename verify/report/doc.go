// Package report writes what a run of verify found into a folder:
//
//	report.html    one self-contained page: the summary, the claims, their plots, the planted faults, the settings
//	result.json    the same as a document for scripts (Document)
//	claims.csv     one line a claim
//
// The page loads nothing, which its content security policy enforces; styles, plots (SVG) and the few lines of script that
// filter the table are inside. It follows the reader's light or dark scheme and can be read on a phone. Everything that a
// claim says is data to it: html/template escapes all of it.
package report
