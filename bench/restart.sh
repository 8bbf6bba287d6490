#!/bin/sh
# How long a second `make run` takes until the desk answers: the case and the
# binary are there, nothing has changed. Goal: at most 5 s.
#
#   bench/restart.sh [RUNS]      default 3; run `make run` once before
#
# DEMO=COMMAND measures another command, run in the current folder.
set -eu
runs=${1:-3}; demo=${DEMO:-make run}; addr=${ADDR:-127.0.0.1:8765}
i=0; while [ $i -lt "$runs" ]; do
	if curl -s -o /dev/null "http://$addr/"; then echo "something serves at $addr already; end it first"; exit 1; fi
	t=$(date +%s%N)
	sh -c "exec $demo" >/dev/null 2>&1 &
	pid=$!
	# Any answer will do: without the token it is a refusal.
	until curl -s -o /dev/null "http://$addr/"; do
		kill -0 $pid 2>/dev/null || { echo "it ended before it served; run it once by hand"; exit 1; }
		sleep 0.05
	done
	echo "served after $(( ($(date +%s%N) - t) / 1000000 )) ms"
	kill $pid # make passes it on
	wait $pid 2>/dev/null || true
	i=$((i + 1))
done
