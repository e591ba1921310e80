#!/usr/bin/env bash
# Makes the comparison of docs/results.md and puts its tables there: results.sh [FOLDER [FLAG...]]. FOLDER (default:
# runs/results) keeps all runs; stopped in whatever way, the same call goes on. Further flags go to searchrl compare.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-runs/results}
[ $# -eq 0 ] || shift
methods=search-r1,slate,ig-search,search-r2,search-r1-ppo,stepsearch,gigpo,mr-search,igpo,direct,rag
command=(searchrl compare --methods "$methods" --seeds 5 "$@")

go build -o bin/ ./cmd/searchrl
started=$SECONDS
bin/"${command[@]}" --out "$out"
took=$(( (SECONDS - started + 59) / 60 ))

commit=$(git describe --always --dirty --abbrev=12)
{
	printf '    %s\n\n' "${command[*]}"
	printf 'Commit %s, %s, %s processors, %s; the last call took %s minutes.\n\n' "$commit" "$(date -u +%F)" "$(nproc)" "$(uname -sm)" "$took"
	cat "$out/table.md"
} > "$out/results.part"
awk -v part="$out/results.part" '
	/<!-- end of the tables -->/ { inside = 0 }
	!inside { print }
	/<!-- tables, by scripts\/results.sh -->/ { inside = 1; print ""; while ((getline line < part) > 0) print line; print "" }
' docs/results.md > "$out/results.md"
mv "$out/results.md" docs/results.md
rm "$out/results.part"
echo "docs/results.md has the tables; $out/report.html has curves and trajectories"
