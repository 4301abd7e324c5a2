#!/bin/sh
# The unit of systemd is understood whole, and exposes no more than it must. 2.2 of 10 is what is left when
# bubblewrap may make name spaces for the programs that open films (name spaces 0.9, mount 0.2); without
# them the figure would be lower and the films would not be walled off from each other.
set -eu
unit=$1
if ! command -v systemd-analyze >/dev/null; then
    echo "1..0 # SKIP systemd-analyze is not installed"
    exit 0
fi
echo 1..2
if said=$(systemd-analyze verify --man=no "$unit" 2>&1 | grep -v 'is not executable'); [ -z "$said" ]; then
    echo "ok 1 /service/is-understood-whole"
else
    echo "not ok 1 /service/is-understood-whole"
    echo "$said" | sed 's/^/# /'
fi
if said=$(systemd-analyze security --offline=true --threshold=22 --no-pager "$unit" 2>&1); then
    echo "ok 2 /service/exposes-no-more-than-it-must"
else
    echo "not ok 2 /service/exposes-no-more-than-it-must"
    echo "$said" | grep -v '✓' | sed 's/^/# /'
fi
