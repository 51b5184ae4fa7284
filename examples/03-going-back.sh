#!/bin/sh
# Going back: to the empty structure, on again from there, and to the very start.
set -eu
whimbrel="${WHIMBREL:-whimbrel}"

"$whimbrel" demo --rows 2000
"$whimbrel" migrate sqlite:whimbrel-demo/legacy.db sqlite:new.db --yes --accept-suggested

"$whimbrel" rollback --to schema --yes      # the tables are there, and empty
"$whimbrel" resume                          # copies and verifies again
"$whimbrel" rollback --to start --yes       # as if nothing had happened
[ ! -e new.db ]
