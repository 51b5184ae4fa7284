#!/bin/sh
# Names for databases, tables to leave out, policies and decisions from a file: whimbrel.toml in the current folder.
set -eu
whimbrel="${WHIMBREL:-whimbrel}"

"$whimbrel" demo --rows 2000

cat > whimbrel.toml <<'TOML'
[database.old-shop]
url = "sqlite:whimbrel-demo/legacy.db"
environment = "production"

[database.new-shop]
url = "sqlite:new.db"

[tables]
exclude = ["audit_log", "legacy_import"]

[policies]
on_reject = "stop"
chunk_size = "4MiB"

[limits]
memory = "128MiB"
TOML

"$whimbrel" migrate old-shop new-shop --yes --accept-suggested
"$whimbrel" report
