#!/bin/sh
# From SQLite to SQLite, unattended: into an empty target, with every suggested decision taken and recorded.
set -eu
whimbrel="${WHIMBREL:-whimbrel}"

"$whimbrel" demo --rows 2000        # makes whimbrel-demo/legacy.db, among other things

"$whimbrel" inspect sqlite:whimbrel-demo/legacy.db
"$whimbrel" migrate sqlite:whimbrel-demo/legacy.db sqlite:new.db --yes --accept-suggested
"$whimbrel" verify                  # again, at any later time: exit code 0 says identical
