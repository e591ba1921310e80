package rollout

import "math/rand/v2"

// Seeds is a random source that hands out numbers drawn before, then 0. [Env.Continue] draws one number for each leaf: with
// Seeds each leaf's can come from a random stream of its own, so that it does not depend on what else is continued.
type Seeds []uint64

// Uint64 implements rand.Source.
func (s *Seeds) Uint64() uint64 {
	if len(*s) == 0 {
		return 0
	}
	next := (*s)[0]
	*s = (*s)[1:]
	return next
}

// Streams draws one number from rng for each of n questions. drafts hands these numbers out again, for [Env.Rollout]; streams[i]
// depends on the i-th of them alone, for whatever else is sampled for question i. So what is sampled for a question does not
// depend on which other questions are in the call.
func Streams(n int, rng *rand.Rand) (drafts *rand.Rand, streams []*rand.Rand) {
	var seeds Seeds
	for range n {
		seed := rng.Uint64()
		seeds = append(seeds, seed)
		streams = append(streams, rand.New(rand.NewPCG(seed, 1<<63))) // no sample of a request has this number
	}
	return rand.New(&seeds), streams
}
