# page.sh: what suites on report.html have in common: a browser of their own and ways to ask the page.
# shellcheck shell=sh
# Sourced after lib.sh.
: "${tests:?is set by lib.sh}"
# shellcheck source=tests/browser.sh
. "$tests/browser.sh"

suite=${0##*/} suite=${suite%.sh}
missing=$(browser_missing)
if [ -n "$missing" ]; then
    skipped "$suite" "no$missing: apt-get install chromium chromium-driver curl jq"
    finish
fi
trap 'browser_stop; cleanup' EXIT
browser_start || {
    cat "$scratch/chromedriver.log"
    failed "$suite" 'the browser did not start'
    finish
}

# check NAME, JavaScript that must become true
check() {
    got=$(browser_script "return ($2) === true")
    if [ "$got" = true ]; then pass "$1"; else failed "$1" "it is not so: $2"; fi
}
# True as soon as JavaScript becomes true; false when it does not within five seconds.
until_true() {
    waits=0
    until [ "$(browser_script "return ($1) === true")" = true ]; do
        waits=$((waits + 1))
        [ $waits -lt 50 ] || return 1
        sleep 0.1
    done
}
click() { # name of the check, selector
    why=$(browser_click "$2") || failed "$1" "$2 cannot be clicked: $why"
}
# What tests/page/NAME.js returns: lines of what is wrong, or nothing.
page_faults() { # name
    browser_async "$(cat "$tests/page/$1.js")"
}
