#!/usr/bin/env bash
# Runs the tests of the packages below verify again and again, each time with other random seeds, and counts failures.
#
#   scripts/reseed.sh [RUNS] [PACKAGE…]      100 runs of ./verify/... unless told otherwise
#
# Seeds: SEARCHRL_SEED=random for the claims and mutants, a new one a run for rapid (it draws from the clock). A run that
# fails is printed whole: it names its seeds. ARGS is passed to the test binaries, e.g. ARGS='-test.run TestMutants'.
set -euo pipefail
cd "$(dirname "$0")/.."

runs=${1:-100}
shift || true
[ $# -gt 0 ] || set -- ./verify/...

bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
declare -A folder
while read -r dir; do
	name=$(printf '%s' "${dir#"$PWD"/}" | tr / _)
	go test -c -o "$bin/$name" "$dir" >/dev/null 2>&1 || { echo "cannot build the tests of $dir" >&2; exit 2; }
	[ -x "$bin/$name" ] && folder[$name]=$dir # a package without tests has none
done < <(go list -f '{{.Dir}}' "$@")

failed=0
for ((run = 1; run <= runs; run++)); do
	for name in "${!folder[@]}"; do
		# shellcheck disable=SC2086 # ARGS is a list
		if ! (cd "${folder[$name]}" && SEARCHRL_SEED=random "$bin/$name" -test.count=1 -test.v ${ARGS:-}) >"$bin/log" 2>&1; then
			failed=$((failed + 1))
			echo "run $run, $name failed:"
			grep -v '^=== ' "$bin/log"
		fi
	done
	[ $((run % 10)) -ne 0 ] || echo "$run runs, $failed failures"
done
echo "$runs runs of ${#folder[@]} packages, $failed failures"
[ "$failed" -eq 0 ]
