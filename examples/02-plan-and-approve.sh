#!/bin/sh
# Plan, read, approve, run: nothing in the target changes before the hash of the plan was approved.
set -eu
whimbrel="${WHIMBREL:-whimbrel}"

"$whimbrel" demo --rows 2000

"$whimbrel" plan sqlite:whimbrel-demo/legacy.db sqlite:new.db --accept-suggested --json > plan.json
id=$(sed -n 's/.*"migration_id": *"\([^"]*\)".*/\1/p' plan.json)
hash=$(sed -n 's/.*"plan_hash": *"\([^"]*\)".*/\1/p' plan.json)
echo "plan $id has the hash $hash"
head -n 20 ".whimbrel/$id/data-migration.md"

# Without the hash, or with another one, nothing happens: exit code 4.
code=0
"$whimbrel" run "$id" --approve 0000 || code=$?
[ "$code" -eq 4 ]
[ ! -e new.db ]

"$whimbrel" run "$id" --approve "$hash" --approved-by "two pairs of eyes"
"$whimbrel" status "$id"
grep 'Final Verdict' ".whimbrel/$id/final_report.md"
