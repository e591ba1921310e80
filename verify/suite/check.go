package suite

import (
	"context"
	"fmt"
	"math"
	"runtime/debug"
	"strings"
	"time"

	"searchrl/verify"
)

// ratioID names the measurement of the ratio in events.
const ratioID = "ratio"

// tasks lists the suite's units of work: claims, then mutants, then the ratio.
func (s Suite) tasks() []task {
	var tasks []task
	for i, claim := range s.Claims {
		tasks = append(tasks, task{claim.ID, func(ctx context.Context, effort verify.Effort) func(*Result, *Event) {
			row := checkClaim(ctx, claim, effort)
			return func(r *Result, e *Event) { r.Claims[i] = row; e.Claim = &row }
		}})
	}
	for i, mutant := range s.Mutants {
		tasks = append(tasks, task{mutant.ID, func(ctx context.Context, effort verify.Effort) func(*Result, *Event) {
			row := checkMutant(ctx, mutant, effort)
			return func(r *Result, e *Event) { r.Mutants[i] = row; e.Mutant = &row }
		}})
	}
	if s.Ratio != nil {
		tasks = append(tasks, task{ratioID, func(ctx context.Context, effort verify.Effort) func(*Result, *Event) {
			ratio, err := contain(func() (Ratio, error) { return s.Ratio(ctx, effort) })
			for _, x := range []float64{ratio.Measured, ratio.Exact, ratio.CI.Low, ratio.CI.High} {
				if err == nil && (math.IsNaN(x) || math.IsInf(x, 0)) {
					err = fmt.Errorf("%+v holds what is no finite number", ratio)
				}
			}
			return func(r *Result, _ *Event) {
				if err != nil {
					r.RatioError = err.Error()
					return
				}
				r.Ratio = &ratio
			}
		}})
	}
	return tasks
}

func checkClaim(ctx context.Context, claim verify.Claim, effort verify.Effort) Row {
	row := Row{ID: claim.ID, Text: claim.Text, Source: claim.Source, Layer: claim.Layer, FalseAlarm: claim.FalseAlarm}
	started := time.Now()
	evidence, err := contain(func() (verify.Evidence, error) { return claim.Check(ctx, effort) })
	if err == nil {
		err = claim.Sound(evidence)
	}
	row.Seconds = time.Since(started).Seconds()
	row.Status, row.Checks, row.Worst, row.Power = evidence.Status, evidence.Checks, evidence.Worst, evidence.Power
	row.Figures = evidence.Figures
	if err != nil {
		row.Status, row.Error = verify.Broken, err.Error()
		if row.Worst == "" {
			row.Worst = row.Error
		}
	}
	return row
}

func checkMutant(ctx context.Context, mutant verify.Mutant, effort verify.Effort) MutantRow {
	row := MutantRow{ID: mutant.ID, Text: mutant.Text}
	started := time.Now()
	type outcome struct {
		check  string
		caught bool
	}
	found, err := contain(func() (outcome, error) {
		check, caught, err := mutant.Catch(ctx, effort)
		return outcome{check, caught}, err
	})
	if err == nil && found.check == "" {
		err = fmt.Errorf("the check on the mutant has no name")
	}
	row.CaughtBy, row.Alive, row.Seconds = found.check, !found.caught, time.Since(started).Seconds()
	if err != nil {
		row.Alive, row.Error = true, err.Error()
	}
	return row
}

// contain calls f and turns a panic into an error that says where it happened. f has a goroutine of its own, so that one
// that ends its goroutine (as testing's FailNow does) ends no worker.
func contain[T any](f func() (T, error)) (value T, err error) {
	done := make(chan struct{})
	go func() {
		returned := false
		defer close(done)
		defer func() {
			if fault := recover(); fault != nil {
				err = fmt.Errorf("panic: %v%s", fault, origin(string(debug.Stack())))
			} else if !returned {
				err = fmt.Errorf("the check ended its goroutine without a result")
			}
		}()
		value, err = f()
		returned = true
	}()
	<-done
	return value, err
}

// origin finds the place of a panic in a stack trace: the first file after the call of panic; "" if there is none.
func origin(stack string) string {
	_, after, ok := strings.Cut(stack, "\npanic(")
	if !ok {
		return ""
	}
	for line := range strings.Lines(after) {
		if place, ok := strings.CutPrefix(line, "\t"); ok && !strings.Contains(place, "/runtime/") {
			place, _, _ = strings.Cut(strings.TrimSpace(place), " +0x")
			return " at " + place[strings.LastIndex(place, "/")+1:]
		}
	}
	return ""
}
