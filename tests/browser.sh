# browser.sh: a real browser for suites: chromedriver, spoken to as WebDriver has it, with curl and jq.
# shellcheck shell=sh
# Begin with browser_start; a suite skips when it fails. Elements are found by CSS selectors.

browser_url='' browser_pid=''
: "${scratch:?is set by lib.sh}"

# What is missing, or nothing.
browser_missing() {
    for program in chromedriver curl jq; do
        command -v $program >/dev/null 2>&1 || printf ' %s' $program
    done
    command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 ||
        printf ' chromium'
}

# browser_send METHOD PATH [JSON]: the answer's value, as JSON.
browser_send() {
    if [ $# -eq 3 ]; then
        curl -s -X "$1" -H 'Content-Type: application/json' -d "$3" "$browser_url$2"
    else
        curl -s -X "$1" "$browser_url$2"
    fi | jq -c .value
}

# Starts a browser of its own; false when that does not come up. Its files lie in $scratch.
browser_start() {
    chromedriver --port=0 >"$scratch/chromedriver.log" 2>&1 &
    browser_pid=$!
    tries=0 port=''
    while [ -z "$port" ] && [ $tries -lt 100 ]; do
        sleep 0.1
        port=$(sed -n 's/.*started successfully on port \([0-9]*\).*/\1/p' "$scratch/chromedriver.log")
        tries=$((tries + 1))
    done
    [ -n "$port" ] || return 1
    browser_url=http://127.0.0.1:$port
    # root has no sandbox, and containers have a small /dev/shm.
    session=$(browser_send POST /session '{"capabilities": {"alwaysMatch": {
        "goog:loggingPrefs": {"browser": "ALL"}, "goog:chromeOptions": {"args": ["--headless=new",
        "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
        "--user-data-dir='"$scratch"'/browser"]}}}}' | jq -r '.sessionId // empty')
    [ -n "$session" ] || return 1
    browser_url=$browser_url/session/$session
}

browser_stop() {
    [ -z "$browser_url" ] || browser_send DELETE '' >/dev/null 2>&1
    [ -z "$browser_pid" ] || kill "$browser_pid" 2>/dev/null
    browser_url='' browser_pid=''
}

# browser_open URL
browser_open() {
    browser_send POST /url "$(jq -nc --arg url "$1" '{$url}')" >/dev/null
}

# browser_size WIDTH HEIGHT of what is shown, not of the window.
browser_size() {
    browser_cdp Emulation.setDeviceMetricsOverride \
        '{"width": '"$1"', "height": '"$2"', "deviceScaleFactor": 1, "mobile": false}' >/dev/null
}

# browser_script CODE: what it returns; strings without quotes.
browser_script() {
    browser_send POST /execute/sync "$(jq -nc --arg script "$1" '{$script, args: []}')" | jq -r .
}

# The same of code that awaits something.
browser_async() {
    browser_send POST /execute/async "$(jq -nc --arg script "const done = arguments[0];
        (async () => { $1 })().then(done)" '{$script, args: []}')" | jq -r .
}

browser_cdp() { # command, parameters as JSON: its result
    browser_send POST /goog/cdp/execute "$(jq -nc --arg cmd "$1" --argjson params "$2" '{$cmd, $params}')"
}

# browser_busy_from; browser_busy_since FRAMES: milliseconds of CPU time that the page's thread took
# for each.
browser_busy() {
    browser_cdp Performance.getMetrics '{}' | jq '.metrics[] | select(.name == "TaskDuration").value * 1000'
}
browser_busy_from() {
    browser_cdp Performance.enable '{"timeDomain": "threadTicks"}' >/dev/null
    busy_from=$(browser_busy)
}
browser_busy_since() { # frames
    awk "BEGIN { printf \"%.2f\", ($(browser_busy) - $busy_from) / $1 }"
}

browser_find() { # selector: a reference, or nothing
    browser_send POST /element "$(jq -nc --arg value "$1" '{using: "css selector", $value}')" |
        jq -r '.["element-6066-11e4-a52e-4f735466cecf"] // empty'
}

# A click as a person does it: refused when something else lies above. False then, with the reason.
browser_click() { # selector
    reference=$(browser_find "$1")
    [ -n "$reference" ] || {
        echo "no element $1"
        return 1
    }
    # Not where the page's own bar lies, under which WebDriver is content to leave it.
    browser_send POST /execute/sync "$(jq -nc --arg id "$reference" '{script:
        "arguments[0].scrollIntoView({block: \"center\"})",
        args: [{"element-6066-11e4-a52e-4f735466cecf": $id}]}')" >/dev/null
    answer=$(browser_send POST "/element/$reference/click" '{}')
    [ "$answer" = null ] || {
        printf '%s\n' "$answer"
        return 1
    }
}

browser_type() { # selector, text or keys
    browser_send POST "/element/$(browser_find "$1")/value" "$(jq -nc --arg text "$2" '{$text}')" \
        >/dev/null
}

# Keys to what has the focus, one after the other, as a keyboard sends them.
browser_keys() { # keys
    browser_send POST /actions "$(jq -nc --arg keys "$1" '{actions: [{type: "key", id: "keyboard",
        actions: [$keys | split("")[] | {type: "keyDown", value: .}, {type: "keyUp", value: .}]}]}')" \
        >/dev/null
}

browser_text() { # selector: what a person reads there
    browser_send GET "/element/$(browser_find "$1")/text" | jq -r .
}

browser_screenshot() { # file.png
    browser_send GET /screenshot | jq -r . | base64 -d >"$1"
}

# Names of keys, as WebDriver has them.
# shellcheck disable=SC2034 # for suites
key_tab=$(printf '\356\200\204') key_enter=$(printf '\356\200\207') key_end=$(printf '\356\200\220')
# shellcheck disable=SC2034
key_escape=$(printf '\356\200\214') key_down=$(printf '\356\200\225')

# What the page complained of since the last time.
browser_complaints() {
    browser_send POST /se/log '{"type": "browser"}' | jq -r '.[]? | .message'
}
