package comparison

import (
	"math"

	"searchrl/evaluate"
	"searchrl/interval"
)

// figures computes one method's figures from its runs.
func figures(runs []Run, before []evaluate.Result) Figures {
	var f Figures
	var steps, tokens, sampled, computed, seconds, memory, dead, variance, noise []float64
	var summaries []evaluate.Summary
	for _, r := range runs {
		after := evaluate.Summarise(r.Answers)
		summaries = append(summaries, after)
		f.EM = append(f.EM, after.EM)
		f.F1 = append(f.F1, after.F1)
		f.Searches = append(f.Searches, after.Searches)
		tokens = append(tokens, float64(after.Sampled)/float64(max(1, after.Questions)))
		steps = append(steps, float64(r.Result.Steps))
		sampled = append(sampled, float64(r.SampledTokens))
		computed = append(computed, float64(r.ComputedTokens))
		seconds = append(seconds, r.StepSeconds)
		if r.PeakMemory != nil {
			memory = append(memory, float64(*r.PeakMemory))
		}
		dead = append(dead, mean(r.Steps, func(s Step) *float64 { return s.DeadGroups }))
		v := mean(r.Steps, func(s Step) *float64 { return s.Variance })
		variance = append(variance, v)
		noise = append(noise, v/mean(r.Steps, func(s Step) *float64 { return s.Squared }))
	}
	const most = math.MaxFloat64
	f.EMMean, f.EMCI = estimate(f.EM, 1)
	f.F1Mean, f.F1CI = estimate(f.F1, 1)
	f.SearchesMean, f.SearchesCI = estimate(f.Searches, most)
	f.TestTokens, f.TestTokensCI = estimate(tokens, most)
	f.Steps, _ = estimate(steps, most)
	f.SampledTokens, f.SampledTokensCI = estimate(sampled, most)
	f.ComputedTokens, f.ComputedTokensCI = estimate(computed, most)
	f.StepSeconds, f.StepSecondsCI = estimate(seconds, most)
	f.PeakMemory, f.PeakMemoryCI = perhaps(memory, len(runs), most)
	f.DeadGroups, f.DeadGroupsCI = perhaps(dead, len(runs), 1)
	f.GradientVariance, f.GradientVarianceCI = perhaps(variance, len(runs), most)
	f.GradientNoise, f.GradientNoiseCI = perhaps(noise, len(runs), most)
	f.ByHops = byHops(summaries)
	f.Curve = curve(runs, before, summaries)
	f.Training = training(runs)
	return f
}

// estimate returns a mean over seeds and its interval, within [0, most].
func estimate(values []float64, most float64) (float64, interval.Interval) {
	mean, ci := interval.Mean(values)
	return mean, ci.Clamp(0, most)
}

// perhaps is estimate for a figure that some runs may not have; then there is none.
func perhaps(values []float64, runs int, most float64) (*float64, interval.Interval) {
	if len(values) < runs {
		return nil, interval.Unknown()
	}
	mean, ci := estimate(values, most)
	if known(mean) == nil {
		return nil, interval.Unknown()
	}
	return &mean, ci
}

// mean returns the mean of a figure over the steps that have it, NaN if none has.
func mean(steps []Step, of func(Step) *float64) float64 {
	sum, n := 0.0, 0
	for _, s := range steps {
		if x := of(s); x != nil {
			sum += *x
			n++
		}
	}
	return sum / float64(n) // 0/0 is NaN
}

// byHops averages the runs' figures by the number of hops; all runs answered the same questions.
func byHops(summaries []evaluate.Summary) []Hops {
	hops := []Hops{}
	for i, first := range summaries[0].ByHops {
		var em []float64
		for _, s := range summaries {
			em = append(em, s.ByHops[i].EM)
		}
		h := Hops{Hops: first.Hops, Questions: first.Questions}
		h.EM, h.EMCI = estimate(em, 1)
		hops = append(hops, h)
	}
	return hops
}
