package rollout

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
