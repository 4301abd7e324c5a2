#!/bin/sh
# What `meson install` puts down is the whole of Manabi: the installed program finds the others and the web
# client beside itself, without the build tree. Arguments: meson, build folder, prefix, whether there is a web client.
set -eu
meson=$1 build=$2 prefix=$3 web_client=$4
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
n=0 bad=0
check() { # NAME COMMAND...
    name=$1
    shift
    n=$((n + 1))
    if "$@"; then echo "ok $n /install/$name"; else echo "not ok $n /install/$name"; bad=1; fi
}
installed() { [ -f "$folder$prefix/$1" ] || { echo "# $1 is missing"; return 1; }; }
all_installed() { for file in "$@"; do installed "$file" || return 1; done; }
tells() { grep -q "^ok  *$1: $folder$prefix/$2\$" "$folder/check" || { sed 's/^/# /' "$folder/check"; return 1; }; }
finds_programs() {
    tells manabi-media libexec/manabi/manabi-media || return 1
    for name in record compose transcode stills; do
        tells "manabi-$name" "libexec/manabi/manabi-$name" || return 1
    done
}

"$meson" install -C "$build" --no-rebuild --quiet --destdir "$folder" >"$folder/said" 2>&1 || {
    sed 's/^/# /' "$folder/said"
    echo "Bail out! meson install failed"
    exit 1
}
env -u MANABI_LIBEXEC -u MANABI_WEB_ROOT "$folder$prefix/bin/manabi" check --state "$folder" >"$folder/check" 2>&1 || true
check puts-down-unit-configuration-and-manual all_installed bin/manabi lib/systemd/system/manabi.service \
    share/doc/manabi/manabi.ini share/doc/manabi/operations.md
check finds-the-other-programs finds_programs
if [ "$web_client" = true ]; then
    check puts-down-the-web-client all_installed share/manabi/web-client/index.html share/manabi/web-client/index.html.gz
    check finds-the-web-client tells 'web client' share/manabi/web-client
fi
echo "1..$n"
exit $bad
