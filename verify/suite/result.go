package suite

import (
	"searchrl/interval"
	"searchrl/verify"
)

// Row is what became of one claim.
type Row struct {
	ID     string        `json:"id"`
	Text   string        `json:"text"`
	Source string        `json:"source"`
	Layer  verify.Layer  `json:"layer"`
	Status verify.Status `json:"status"`
	Checks int           `json:"checks"` // processes, cases or samples compared
	Worst  string        `json:"worst"`
	// FalseAlarm bounds the probability that the check says broken though the claim is true.
	FalseAlarm float64 `json:"false_alarm"`
	Power      string  `json:"power,omitempty"`
	Seconds    float64 `json:"seconds"`
	// Error says why the check could not be made, or why what it returned is no evidence; the claim then counts as broken.
	Error   string          `json:"error,omitempty"`
	Figures []verify.Figure `json:"-"`
}

// MutantRow is what became of one planted fault.
type MutantRow struct {
	ID       string  `json:"id"`
	Text     string  `json:"text"`
	CaughtBy string  `json:"caught_by"` // the check that was set on it, whether it caught it or not
	Alive    bool    `json:"alive"`     // no check caught it, or the check could not be made
	Seconds  float64 `json:"seconds"`
	Error    string  `json:"error,omitempty"`
}

// Ratio is the variance of the full-trajectory advantage estimate over that of the truncated one, measured on the real
// path against the exact value.
type Ratio struct {
	T        int               `json:"T"` // steps of a trajectory
	Measured float64           `json:"measured"`
	Exact    float64           `json:"exact"`
	CI       interval.Interval `json:"ci"` // 95 %
}

// Result is what a run found.
type Result struct {
	Claims  []Row       `json:"claims"`
	Mutants []MutantRow `json:"mutants"`
	// FalseAlarmBudget is the sum of the claims' false-alarm bounds.
	FalseAlarmBudget float64 `json:"false_alarm_budget"`
	// TestBudget is the same for all random checks in one go test ./... of the project, 0 if it is not known.
	TestBudget float64 `json:"test_budget"`
	Ratio      *Ratio  `json:"ratio"` // nil if it was not measured
	RatioError string  `json:"ratio_error,omitempty"`
	Seed       uint64  `json:"seed"`
	Long       bool    `json:"long"`
	Only       string  `json:"only,omitempty"`
	Seconds    float64 `json:"seconds"`
	// Interrupted: the run was cancelled; only what had ended by then is in the result.
	Interrupted bool `json:"interrupted,omitempty"`
}

// Count returns the number of claims with the status.
func (r *Result) Count(status verify.Status) int {
	n := 0
	for i := range r.Claims {
		if r.Claims[i].Status == status {
			n++
		}
	}
	return n
}

// Caught returns the number of planted faults that were caught.
func (r *Result) Caught() int {
	n := 0
	for i := range r.Mutants {
		if !r.Mutants[i].Alive {
			n++
		}
	}
	return n
}

// OK reports whether no claim is broken, no planted fault lives, the ratio was measured where it should be, and the run
// was not interrupted.
func (r *Result) OK() bool {
	return r.Count(verify.Broken) == 0 && r.Caught() == len(r.Mutants) && r.RatioError == "" && !r.Interrupted
}
