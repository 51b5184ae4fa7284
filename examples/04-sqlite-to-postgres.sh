#!/bin/sh
# From SQLite to PostgreSQL, and from there back into a file. TARGET is the URL of an empty database.
set -eu
whimbrel="${WHIMBREL:-whimbrel}"
: "${TARGET:?set TARGET to the URL of an empty PostgreSQL database}"
export TARGET

"$whimbrel" demo --rows 2000

# In single quotes: the program puts in the variable itself, so that no password stands in the process list.
"$whimbrel" migrate sqlite:whimbrel-demo/legacy.db '${TARGET}' --dir there --yes --accept-suggested
"$whimbrel" migrate '${TARGET}' sqlite:back.db --dir back --yes --accept-suggested
"$whimbrel" --dir back verify --source '${TARGET}'
