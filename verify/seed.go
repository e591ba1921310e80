package verify

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
)

// SeedOf is the seed of the claim or mutant with that ID in a run with the given seed. So each has random numbers of its own,
// a check that is made alone sees the very cases that it sees in a full run, and a new claim does not move the others' cases.
func SeedOf(run uint64, id string) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s", run, id)
	return h.Sum64()
}

// Rand is the n-th source of random numbers of a check with this effort.
func (e Effort) Rand(n uint64) *rand.Rand { return rand.New(rand.NewPCG(e.Seed, n)) }
