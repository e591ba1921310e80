// Package verifytest is how the tests of the packages below verify check their claims and planted faults: each package its
// own, once in a go test ./...
//
//	func TestClaims(t *testing.T)  { verifytest.Claims(t, Claims()) }
//	func TestMutants(t *testing.T) { verifytest.Mutants(t, Claims(), Mutants()) }
//
// # Seeds
//
// Each run draws a new seed ([Seed]) and logs it; a failure is repeated with SEARCHRL_SEED=7, or with what the failure names,
// searchrl verify --seed 7 --only ID. A check whose outcome depends on the seed says how often it errs (verify.Claim's
// FalseAlarm, verify.Mutant's Missed; suite.Budget for other tests).
//
// A test that costs something and takes the same numbers whatever the seed says so ([Fixed]). Where SEARCHRL_SEED is set it
// is skipped, so that a run that is repeated with many seeds (scripts/reseed.sh) is made of what depends on them.
package verifytest
