#!/bin/sh
# Called by `meson install`: copies the built web client (what the build wrote, names with hashes) to
# DATA/web-client of the installation. Source maps and figures stay behind. Arguments: built folder, its place.
set -eu
from=$1
to=${DESTDIR:-}$2
[ -f "$from/index.html" ] || {
    echo "install: $from has no index.html; build the whole of it first (ninja -C build)" >&2
    exit 1
}
rm -rf "$to"
(cd "$from" && find . -type f ! -name '*.map' ! -name sizes.json) | while IFS= read -r file; do
    install -D -m 0644 "$from/$file" "$to/$file"
done
