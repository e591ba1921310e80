// Package exact holds tree-shaped decision processes so small that every trajectory can be listed: at most five steps of at
// most four actions, with rational probabilities and rewards. Expectations and variances of the estimators in package
// estimator are computed on them in big.Rat, without any tolerance.
//
// # The process
//
// A decision point is a prefix τ_<t. The policy draws an action a with probability π(a|τ_<t); the step's reward r_t is
// given by the prefix and the action alone, as SLATE's judge scores a step before it is executed. Then the trajectory ends
// (an answer), or a search brings one of several documents with its own probability (retrieval noise), which leads to the
// next decision point. A trajectory that has ended has reward 0 at later steps.
//
//	V(τ_<t) = E[Σ_{s≥t} r_s | τ_<t]      Q(τ_<t, a) = r(τ_<t, a) + E[V(τ_<t+1) | τ_<t, a]
//
// [Process.Trajectories] lists the trajectories, [Process.Points] the decision points; [Process.Analyse] gives the moments
// that the variances are made of, [Groups] lists every group of k members, on which the estimators themselves can be run.
//
// # Where processes come from
//
// [Draw] makes one from anything that gives integers ([Draws]): a *rand.Rand by way of [Random], or rapid, which can then
// shrink it. [Shrink] makes a process that has some property as small as the property allows.
//
// # The agent loop on it
//
// [NewEnv] puts a process behind rollout.Policy and retrieval.Searcher, so that the methods that train a transformer run on
// it unchanged, and what they sample can be compared with what was enumerated.
package exact
