#!/bin/sh
# From MySQL or MariaDB to PostgreSQL. SOURCE is the URL of a database, TARGET the URL of an empty one.
set -eu
whimbrel="${WHIMBREL:-whimbrel}"
: "${SOURCE:?set SOURCE to the URL of a MySQL or MariaDB database}"
: "${TARGET:?set TARGET to the URL of an empty PostgreSQL database}"
export SOURCE TARGET

# Dates such as 0000-00-00 become 1970-01-01 here; unless told otherwise, they become NULL where the column allows it.
"$whimbrel" migrate '${SOURCE}' '${TARGET}' --yes --accept-suggested --decide invalid_date=fixed=1970-01-01

# The report counts the values that a rule changed.
"$whimbrel" report
