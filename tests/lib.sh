# lib.sh: what every suite under tests/suites begins with: `. "$(dirname "$0")/../lib.sh"`.
# A suite prints one line per check (PASS, FAIL, SKIP) and ends with `finish`.
# shellcheck shell=sh

set -u
unset COLUMNS NO_COLOR # of whoever runs it: what is printed would depend on them
case $0 in
*/*) tests=$(cd "$(dirname "$0")/.." && pwd) ;;
*) tests=$(cd .. && pwd) ;;
esac
srcdir=$(cd "$tests/.." && pwd)
failures=0

pass() { # name
    printf 'PASS %s\n' "$1"
}
failed() { # name, why
    printf 'FAIL %s: %s\n' "$1" "$2"
    failures=$((failures + 1))
}
skipped() { # name, why
    printf 'SKIP %s: %s\n' "$1" "$2"
}
expect() { # name, expected, got
    if [ "$2" = "$3" ]; then pass "$1"; else failed "$1" "expected [$2], got [$3]"; fi
}
finish() {
    [ "$failures" -eq 0 ] || exit 1
    exit 0
}

# A folder of this suite's own, removed at the end; keep it with TM_KEEP=1.
scratch=$(mktemp -d "${TMPDIR:-/tmp}/tracemill-test.XXXXXX")
cleanup() {
    [ -n "${TM_KEEP-}" ] || rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# start_build FOLDER: makes FOLDER a build folder whose toolkit is compiled already, for the CPU, so
# that `configure` there only has to plan. It is a copy (with ninja's log, so that nothing in it is
# compiled again) of build/tests/toolkit, which is kept between runs of the tests.
start_build() { # folder
    toolkit=$PWD/build/tests/toolkit
    mkdir -p "$toolkit" "$1"
    (
        cd "$toolkit" || exit 1
        mkdir -p nothing/definitions &&
            "$srcdir/configure" --arch=cpu --dataset=nothing &&
            ninja tools build/lib/libharness.a build/device.json
    ) >"$1/toolkit.log" 2>&1 || {
        cat "$1/toolkit.log" >&2
        failed "$1" "the toolkit could not be built for it"
        finish
    }
    cp -a "$toolkit/." "$1"
}
