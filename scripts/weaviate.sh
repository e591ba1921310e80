#!/usr/bin/env bash
# Starts and stops Weaviate on this machine, on loopback only: one node, or three that are one cluster.
#
#   scripts/weaviate.sh start DIR [NODES [PORT]]   1 or 3 nodes (1); node i answers at http://127.0.0.1:PORT+i (8090)
#   scripts/weaviate.sh stop DIR                   stops all nodes; the data stay
#   scripts/weaviate.sh kill DIR I                 node I (from 0) is killed as by a power cut
#   scripts/weaviate.sh clean DIR                  stops all nodes and removes DIR
#
# start prints the nodes' addresses once all are ready; started again, the nodes go on with the data in DIR. The other
# ports follow from PORT: gossip and data PORT+10+2i and one more, Raft PORT+20+2i and one more, gRPC PORT+30+i,
# profiling PORT+40+i. The server is weaviate-server in PATH, or what WEAVIATE names:
#
#   go install github.com/weaviate/weaviate/cmd/weaviate-server@v1.35.2
set -euo pipefail

usage() { sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ $# -ge 2 ] || usage
command=$1 dir=$2

# stop_node SIGNAL FILE sends the signal to the process that the file names, if that is still a node of ours.
stop_node() {
	local pid
	pid=$(cat "$2")
	if { tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -q weaviate-server || ps -p "$pid" -o command= 2>/dev/null | grep -q weaviate-server; then
		kill "-$1" "$pid" 2>/dev/null || true
		for _ in $(seq 100); do
			kill -0 "$pid" 2>/dev/null || break
			sleep 0.1
		done
		kill -KILL "$pid" 2>/dev/null || true
	fi
	rm -f "$2"
}

stop_all() {
	local file
	for file in "$dir"/node*/pid; do
		[ -e "$file" ] || continue
		stop_node TERM "$file"
	done
}

# ended I ends the start: node I did not get ready.
ended() {
	echo "node $1 $2; the end of $dir/node$1/log:" >&2
	tail -n 5 "$dir/node$1/log" >&2
	stop_all
	exit 1
}

# listening I PORT waits until node I listens there.
listening() {
	local pid
	pid=$(cat "$dir/node$1/pid")
	for _ in $(seq 1200); do
		(exec 3<>"/dev/tcp/127.0.0.1/$2") 2>/dev/null && return
		kill -0 "$pid" 2>/dev/null || ended "$1" "ended"
		sleep 0.2
	done
	ended "$1" "does not listen after 4 minutes"
}

start() {
	local nodes=${3:-1} port=${4:-8090} i join='' pid
	local server=${WEAVIATE:-$(command -v weaviate-server || true)}
	[ -n "$server" ] && [ -x "$server" ] || { echo "weaviate-server is neither in PATH nor named by WEAVIATE; see the head of this script" >&2; exit 1; }
	case $nodes in 1 | 3) ;; *) usage ;; esac
	for i in $(seq 0 $((nodes - 1))); do
		join+="${join:+,}node$i:$((port + 20 + 2 * i))"
	done
	for i in $(seq 0 $((nodes - 1))); do
		mkdir -p "$dir/node$i"
		[ ! -e "$dir/node$i/pid" ] || { echo "$dir/node$i/pid is there: stop the nodes first" >&2; exit 1; }
		env PERSISTENCE_DATA_PATH="$dir/node$i/data" \
			DEFAULT_VECTORIZER_MODULE=none ENABLE_MODULES= AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED=true \
			DISABLE_TELEMETRY=true LIMIT_RESOURCES=true LOG_LEVEL=warning \
			CLUSTER_IN_LOCALHOST=true CLUSTER_HOSTNAME="node$i" CLUSTER_ADVERTISE_ADDR=127.0.0.1 CLUSTER_BIND_ADDR=127.0.0.1 \
			CLUSTER_GOSSIP_BIND_PORT=$((port + 10 + 2 * i)) CLUSTER_DATA_BIND_PORT=$((port + 11 + 2 * i)) \
			CLUSTER_JOIN="$([ "$i" = 0 ] || echo "127.0.0.1:$((port + 10))")" MEMBERLIST_FAST_FAILURE_DETECTION=true \
			RAFT_PORT=$((port + 20 + 2 * i)) RAFT_INTERNAL_RPC_PORT=$((port + 21 + 2 * i)) RAFT_JOIN="$join" RAFT_BOOTSTRAP_EXPECT="$nodes" \
			GRPC_PORT=$((port + 30 + i)) GO_PROFILING_PORT=$((port + 40 + i)) \
			"$server" --scheme http --host 127.0.0.1 --port $((port + i)) >>"$dir/node$i/log" 2>&1 </dev/null &
		echo $! >"$dir/node$i/pid"
		[ "$i" != 0 ] || listening 0 $((port + 10)) # the others can join only then
	done
	for i in $(seq 0 $((nodes - 1))); do
		pid=$(cat "$dir/node$i/pid")
		for _ in $(seq 1200); do
			curl -fsS -o /dev/null "http://127.0.0.1:$((port + i))/v1/.well-known/ready" 2>/dev/null && break
			kill -0 "$pid" 2>/dev/null || ended "$i" "ended"
			sleep 0.2
		done
		curl -fsS -o /dev/null "http://127.0.0.1:$((port + i))/v1/.well-known/ready" 2>/dev/null || ended "$i" "is not ready after 4 minutes"
		echo "http://127.0.0.1:$((port + i))"
	done
}

case $command in
start) start "$@" ;;
stop) stop_all ;;
kill)
	[ -e "$dir/node${3:-}/pid" ] || usage
	stop_node KILL "$dir/node$3/pid"
	;;
clean)
	stop_all
	rm -rf "$dir"
	;;
*) usage ;;
esac
