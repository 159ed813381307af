#!/bin/sh
# run.sh SRCDIR [NAME...]: every test, from the folder where ninja runs; or those whose file name
# contains a NAME. Closes with the line "N passed, N failed, N skipped". `ninja test` calls it.
#
# TM_TRIES=2: a suite that fails is run once more, and what failed is told in lines of "ONCE ...": a
# machine that others use can fail what asks for its time. What fails twice, fails.
set -u
srcdir=$1
shift

wanted() { # file
    [ $# -eq 1 ] && [ -z "$names" ] && return 0
    for name in $names; do
        case ${1##*/} in *"$name"*) return 0 ;; esac
    done
    return 1
}
names=$*
log=$(mktemp "${TMPDIR:-/tmp}/tracemill-tests.XXXXXX")
trap 'rm -f "$log" "$log.suite"' EXIT

for test in build/tests/unit/test_*; do
    if [ ! -x "$test" ] || ! wanted "$test"; then continue; fi
    name=${test##*/}
    output=$(cd "$srcdir" && "$OLDPWD/$test" 2>&1)
    status=$?
    if [ $status -ne 0 ]; then
        printf '%s\nFAIL %s: exit status %s\n' "$output" "$name" $status
    fi
    # One line per case; a test that asserts nothing it ran is no test. cmocka names those that it
    # skipped once more at the end.
    printf '%s\n' "$output" | sed -n "/^\[==========\] .* run\.\$/q
        s/^\[       OK \] /PASS $name\//p; s/^\[  SKIPPED \] /SKIP $name\//p; s/^SKIPPED: /    /p"
done | tee -a "$log"
# Both tries of a suite draw alike: the second is for the machine's time, not for other luck.
SEED=${SEED:-$(date +%s)} TM_SEED=${TM_SEED:-$$}
export SEED TM_SEED
for suite in "$srcdir"/tests/suites/*.sh; do
    wanted "$suite" || continue
    name=${suite##*/}
    tries=${TM_TRIES:-1}
    while :; do
        printf -- '-- %s\n' "$name" >"$log.suite"
        sh "$suite" >>"$log.suite" 2>&1
        status=$?
        [ $status -eq 0 ] || grep -q '^FAIL ' "$log.suite" ||
            printf 'FAIL %s: exit status %s\n' "$name" $status >>"$log.suite"
        tries=$((tries - 1))
        if [ $tries -le 0 ] || ! grep -q '^FAIL ' "$log.suite"; then break; fi
        sed 's/^FAIL /ONCE /; s/^PASS /    &/; s/^SKIP /    &/' "$log.suite"
    done
    cat "$log.suite"
done | tee -a "$log"

passed=$(grep -c '^PASS ' "$log")
failed=$(grep -c '^FAIL ' "$log")
skipped=$(grep -c '^SKIP ' "$log")
sed -n 's/^FAIL /    &/p; s/^ONCE /    &/p' "$log"
printf '%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
