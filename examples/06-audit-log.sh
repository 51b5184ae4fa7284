#!/bin/sh
# The audit log: every line carries the hash of the one before it, so that a changed line is found.
set -eu
whimbrel="${WHIMBREL:-whimbrel}"

"$whimbrel" demo --rows 2000
"$whimbrel" migrate sqlite:whimbrel-demo/legacy.db sqlite:new.db --yes --accept-suggested
"$whimbrel" report --check-log

log=$(ls .whimbrel/*/events.ndjson)
sed '2s/whimbrel/somebody/' "$log" > changed.ndjson
cp changed.ndjson "$log"
code=0
"$whimbrel" report --check-log || code=$?
[ "$code" -ne 0 ]
echo "the change was found, exit code $code"
