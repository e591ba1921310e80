#!/usr/bin/env bash
# Runs the tests of the packages below verify again and again, each time with other random seeds, and counts failures.
#
#   scripts/reseed.sh [RUNS] [PACKAGE…]      100 runs of each package in ./verify/... unless told otherwise
#
# One package after another, in the order given: all runs of the first, then all of the second, and a line for each. Seeds:
# SEARCHRL_SEED=random, so new ones a run, for rapid too (it draws from the clock). A test that takes the same numbers whatever
# the seed is not repeated: it calls verifytest.Fixed, which skips it where SEARCHRL_SEED is set. A run that fails is printed
# whole: it names its seeds. Stopped early, the script says how far it came.
#
# ARGS is passed to the test binaries, e.g. ARGS='-test.run TestMutants'; BIN is a folder of test binaries made before, to go
# on with them.
set -euo pipefail
cd "$(dirname "$0")/.."

runs=${1:-100}
shift || true
[ $# -gt 0 ] || set -- ./verify/...
export GOGC=${GOGC:-400} # most of the exact checks' time would be spent collecting garbage

bin=${BIN:-$(mktemp -d)}
mkdir -p "$bin"
log=$(mktemp)
trap 'rm -f "$log"; [ -n "${BIN:-}" ] || rm -rf "$bin"' EXIT
dirs=()
while read -r dir; do
	name=$(printf '%s' "${dir#"$PWD"/}" | tr / _)
	[ -x "$bin/$name" ] || go test -c -o "$bin/$name" "$dir" >/dev/null 2>&1 || { echo "cannot build the tests of $dir" >&2; exit 2; }
	[ -x "$bin/$name" ] && dirs+=("$dir") # a package without tests has none
done < <(for package in "$@"; do go list -f '{{.Dir}}' "$package"; done)

failed=0
trap 'echo "${dir#"$PWD"/}: stopped after $((run - 1)) runs, $((failed - before)) failures"; exit 1' INT TERM
for dir in "${dirs[@]}"; do
	name=$(printf '%s' "${dir#"$PWD"/}" | tr / _)
	before=$failed
	for ((run = 1; run <= runs; run++)); do
		# shellcheck disable=SC2086 # ARGS is a list
		if ! (cd "$dir" && SEARCHRL_SEED=random "$bin/$name" -test.count=1 -test.v ${ARGS:-}) >"$log" 2>&1; then
			failed=$((failed + 1))
			echo "${dir#"$PWD"/}: run $run failed:"
			grep -v '^=== ' "$log"
		fi
		[ $((run % 100)) -ne 0 ] || [ "$run" -eq "$runs" ] || echo "${dir#"$PWD"/}: $run runs, $((failed - before)) failures so far"
	done
	echo "${dir#"$PWD"/}: $runs runs, $((failed - before)) failures"
done
[ "$failed" -eq 0 ]
