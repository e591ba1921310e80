// Package rollout holds the token tree, the protocol between agent and environment, and the agent loop over any policy
// and any searcher.
package rollout
