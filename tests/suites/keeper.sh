#!/bin/sh
# keeper.sh: workers and answers that stay between cells (harness/keeper.h): what is kept and what is
# not, and that nothing is lost when the keeper, a judge or a worker is killed, when the toolkit is
# edited, and when the build folder is copied or deleted.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

dataset=$scratch/dataset
mkdir -p "$dataset/definitions" "$dataset/workloads" "$dataset/kernels"
cp "$srcdir/tests/planted/definitions/planted_rmsnorm.json" "$dataset/definitions"
cp "$srcdir/tests/planted/kernels/planted.h" "$dataset/kernels"
for rows in 1 2; do
    sed "s/\"small\"/\"rows-$rows\"/; s/\"batch_size\": [0-9]*/\"batch_size\": $rows/" \
        "$srcdir/tests/planted/workloads/planted_rmsnorm.jsonl"
done >"$dataset/workloads/rows.jsonl"

# A solution that does something of its own before each right answer: `before`, from stdin.
kernel() { # name
    mkdir -p "$dataset/kernels/$1"
    {
        printf '%s\n' '#include "contract.h"' '#include "../planted.h"' ''
        cat
        printf '%s\n' 'int TM_ENTRY(PLANTED_ARGUMENTS) {' '    before(axes);' \
            '    return planted_rmsnorm(hidden_states, weight, output, axes, stream) + broken;' '}'
    } >"$dataset/kernels/$1/$1.c"
    sed "s/planted_right_{definition}/$1/; s/right\.c/$1.c/; s/, \"definitions\": .*\]//" \
        "$srcdir/tests/planted/kernels/right/solution.json" >"$dataset/kernels/$1/solution.json"
}
kernel one <<'C'
static int broken;
static void before(const tm_axes *axes) { (void)axes; }
C
sed '/^int TM_ENTRY/,$d' "$dataset/kernels/one/one.c" | sed 1,3d | kernel two
kernel slow <<'C'
static int broken;
static void before(const tm_axes *axes) { (void)axes, usleep(30000); }
C
kernel hangs <<'C'
static int broken;
static void before(const tm_axes *axes) {
    (void)axes;
    for (;;)
        usleep(1000);
}
C
# Fails on one row, and from then on in its process.
kernel spoils <<'C'
static int broken;
static void before(const tm_axes *axes) { broken |= axes->batch_size == 1; }
C
# Starts a process that stays.
kernel starts <<'C'
static int broken, started;
static void before(const tm_axes *axes) {
    (void)axes;
    if (!started++ && planted_libc("fork", 0, 0) == 0)
        for (;;)
            pause();
}
C
# Asks the keeper as a judge does, and goes on holding it.
kernel asks <<'C'
#include <sys/socket.h>
#include <sys/un.h>
static int broken, asked;
static void before(const tm_axes *axes) {
    (void)axes;
    struct sockaddr_un address = {AF_UNIX, "build/run/keeper-0.sock"};
    if (asked++)
        return;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    broken = connect(fd, (struct sockaddr *)&address, sizeof address) != 0;
}
C

start_build "$scratch/build"
cd "$scratch/build" || exit 2
plan() { # configure option...
    "$srcdir/configure" --arch=cpu --dataset="$dataset" --workloads=all --authors=planted \
        --warmup-runs=1 --iterations=8 --num-trials=4 --timeout=30 "$@" >configure.log 2>&1 ||
        failed keeper "configure: $(cat configure.log)"
}
trace() { # solution, rows
    echo "build/traces/planted/rmsnorm/planted_rmsnorm/$1/rows-$2.json"
}
# Judges cells anew, one after the other.
judge() { # check, then solution and rows, in pairs
    name=$1
    shift
    while [ $# -gt 0 ]; do
        rm -f "$(trace "$1" "$2")"
        ninja "$(trace "$1" "$2")" >judge.log 2>&1 ||
            failed "$name" "$(tail -n 5 judge.log)"
        shift 2
    done
}
value() { # key, solution, rows
    sed -n "s/^ *\"$1\": \"*\([^\",]*\)\"*,*\$/\1/p" "$(trace "$2" "$3")" | head -n 1
}
is_in_this_folder() { # process
    [ "$(readlink "/proc/$1/cwd")" = "$PWD" ]
}
pids_of() { # program, of this folder
    # Without a process for each process: those looked for do not wait.
    for folder in /proc/[0-9]*; do
        program=''
        read -r program 2>/dev/null <"$folder/comm"
        [ "$program" = "$1" ] && is_in_this_folder "${folder##*/}" && echo "${folder##*/}"
    done 2>/dev/null
}
# The keeper of the device; there is one of the answers beside it.
keeper_pid() {
    for pid in $(pids_of tm-keeper); do
        tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q '/keeper-0\.sock' && echo "$pid"
    done
}
# The worker that has loaded a solution.
worker_of() { # solution
    for worker in $(pids_of tm-worker); do
        grep -qs "/$1.so" "/proc/$worker/maps" && echo "$worker"
    done
}
# The worker that has loaded nothing; it is ready once it has stopped.
spare_of_keeper() {
    for worker in $(pids_of tm-worker); do
        grep -qs '/build/solutions/' "/proc/$worker/maps" || echo "$worker"
    done
}
# shellcheck disable=SC2317 # called by wait_until
has_spare() {
    spare=$(spare_of_keeper)
    case $(sed 's/.*) //; s/ .*//' "/proc/$spare/stat" 2>/dev/null) in T) ;; *) return 1 ;; esac
}
wait_until() { # command...
    tries=0
    while ! "$@" && [ $tries -lt 100 ]; do
        tries=$((tries + 1))
        sleep 0.05
    done
}
is_gone() { # pids...
    for process; do
        case $(sed 's/.*) //; s/ .*//' "/proc/$process/stat" 2>/dev/null) in
        '' | Z) ;;
        *) return 1 ;;
        esac
    done
}
gone() { # check, pids...
    name=$1
    shift
    wait_until is_gone "$@"
    if is_gone "$@"; then pass "$name"; else failed "$name" "still there: $*"; fi
}
# shellcheck disable=SC2317 # called by wait_until
runs_slow() {
    slow_worker=$(worker_of slow)
    [ -n "$slow_worker" ]
}

# ---- what stays ----
plan
ninja bench-tools >ninja.log 2>&1
ninja >>ninja.log 2>&1 || failed keeper "$(tail -n 5 ninja.log)"
judge keeper one 1
keeper=$(keeper_pid) worker=$(worker_of one)
judge keeper one 2
expect 'keeper/a spare worker is begun while a reference answers' 1 "$(spare_of_keeper | grep -c .)"
judge keeper two 1
expect 'keeper/verdicts' 'PASSED PASSED PASSED' \
    "$(value status one 1) $(value status one 2) $(value status two 1)"
expect 'keeper/answers are kept: one seed per row' "$(value seed one 1)" "$(value seed two 1)"
[ "$(value seed one 1)" != "$(value seed one 2)" ] || failed 'keeper/seeds' 'two rows have the same'
expect 'keeper/stays' "$keeper" "$(keeper_pid)"
gone 'keeper/solutions never share a worker' "${worker:-1}"
judge keeper two 2
worker=$(worker_of two)
judge keeper two 1
expect 'keeper/a worker serves the rows of its solution' "$worker" "$(worker_of two)"
# For the next solution one is there already; it serves that one only.
wait_until has_spare
expect 'keeper/idle workers are stopped' 'T T T' \
    "$(for pid in $(pids_of tm-worker); do sed 's/.*) //; s/ .*//' "/proc/$pid/stat"; done |
        tr '\n' ' ' | sed 's/ $//')"
expect 'keeper/idle workers see no answers' '' \
    "$(for pid in $(pids_of tm-worker); do grep -s tracemill-answers "/proc/$pid/maps"; done)"

expected=$spare
judge keeper one 2
expect 'keeper/a solution takes the spare worker' "$expected" "$(worker_of one)"
gone 'keeper/in place of the one before' "$worker"
wait_until has_spare
expected=$spare
judge keeper two 2 one 1
expect 'keeper/which serves no second one' "PASSED PASSED " \
    "$(value status two 2) $(value status one 1) $(is_gone "$expected" || echo "$expected")"
judge keeper slow 1 &
judging=$!
wait_until runs_slow
if [ "$(id -u)" -eq 0 ]; then
    for fd in /proc/"$(pids_of rows-1)"/fd/*; do
        case $(readlink "$fd") in
        *tracemill-answers*) sed -n 's/^flags:.*\(.\)$/\1/p' "$(echo "$fd" | sed 's,/fd/,/fdinfo/,')" ;;
        esac
    done >flags.txt
    expect 'keeper/a judge can only read remembered answers' "0 r--s" \
        "$(cat flags.txt) $(sed -n 's/^[^ ]* \([^ ]*\) .*tracemill-answers.*/\1/p' "/proc/$(pids_of rows-1)/maps")"
else
    skipped 'keeper/a judge can only read remembered answers' 'only root can look into it'
fi
(exec flock -x build/machine.lock sleep 2) & # the next cell to be timed
wait $judging
sleep 1
expect 'keeper/no spare worker is started beside a timed cell' '' "$(spare_of_keeper)"
wait_until has_spare
judge keeper slow 1 # the same solution: the spare one stays
expect 'keeper/one spare worker at a time' "3 $spare" \
    "$(pids_of tm-worker | grep -c .) $(spare_of_keeper)"

judge keeper spoils 1 spoils 2
expect 'keeper/a spoilt worker is not used again' 'RUNTIME_ERROR PASSED' \
    "$(value status spoils 1) $(value status spoils 2)"
judge keeper starts 1
wait_until is_gone "$(worker_of starts)"
expect 'keeper/nor one that has started processes' 'PASSED ' \
    "$(value status starts 1) $(worker_of starts)"
judge keeper asks 1
begin=$(date +%s)
judge keeper two 1
if [ $(($(date +%s) - begin)) -lt 10 ] && [ "$(value status asks 1)" = PASSED ]; then
    pass 'keeper/a solution cannot hold the keeper'
else
    failed 'keeper/a solution cannot hold the keeper' \
        "$(value status asks 1), and $(($(date +%s) - begin)) s for the next cell"
fi
expect 'keeper/nor have it replaced' "$keeper" "$(keeper_pid)"

# ---- what is killed ----
# Between cells: its socket is left behind.
wait_until has_spare
# shellcheck disable=SC2046 # words
set -- $(pids_of tm-worker)
kill -KILL "$keeper"
gone 'keeper/killed: its workers end with it' "$@"
judge keeper/killed two 1
expect 'keeper/killed between cells' PASSED "$(value status two 1)"
for victim in keeper worker judge; do
    rm -f "$(trace slow 1)"
    ninja "$(trace slow 1)" >slow.log 2>&1 &
    ninja=$!
    wait_until runs_slow
    sleep 0.1
    case $victim in
    keeper) kill -KILL "$(keeper_pid)" ;;
    worker) kill -KILL "$slow_worker" ;;
    judge) kill -KILL "$(pids_of rows-1)" ;;
    esac || failed "keeper/$victim killed" 'it was not there'
    wait $ninja
    status=$?
    gone "keeper/$victim killed during a cell: the worker ends" "$slow_worker"
    if [ $victim = judge ]; then
        [ $status -ne 0 ] || failed 'keeper/judge killed' 'ninja has not noticed'
        judge 'keeper/judge killed' slow 1
    fi
    expect "keeper/$victim killed during a cell" PASSED "$(value status slow 1)"
done

# Both at once, while a solution hangs: nobody is left to end it, nor to be told.
rm -f "$(trace hangs 1)"
ninja "$(trace hangs 1)" >hangs.log 2>&1 &
ninja=$!
# shellcheck disable=SC2317 # called by wait_until
hangs() {
    hanging=$(worker_of hangs)
    [ -n "$hanging" ]
}
wait_until hangs
# shellcheck disable=SC2046 # words
kill -KILL $(keeper_pid) $(pids_of rows-1) || failed 'keeper/all killed' 'they were not there'
wait $ninja
gone 'keeper/judge and keeper killed: the worker ends' "${hanging:-1}"
judge 'keeper/judge and keeper killed' two 1
expect 'keeper/judge and keeper killed: the next cell' PASSED "$(value status two 1)"

# ---- what is edited ----
new_seed() { # check
    if [ "$(value seed two 1)" = "$seed" ]; then failed "$1" "it is $seed again"; else pass "$1"; fi
}
keeper=$(keeper_pid)
judge keeper two 1
expect 'keeper/answers are kept still' "$(value seed two 1)" "$(judge keeper one 1; value seed one 1)"
seed=$(value seed two 1)
touch build/bin/tm-worker
judge keeper two 1
new_seed 'keeper/answers are not kept for another worker'
seed=$(value seed two 1)
plan --rtol=0.03
judge keeper two 1
new_seed 'keeper/nor for another tolerance'
touch build/bin/tm-keeper
judge keeper two 1
gone 'keeper/replaced when it is out of date' "$keeper"
expect 'keeper/replaced: a verdict' PASSED "$(value status two 1)"
keeper=$(keeper_pid)
judge keeper two 1
expect 'keeper/replaced: once' "$keeper" "$(keeper_pid)"

# ---- folders and users ----
cp -a . "$scratch/copy"
(
    cd "$scratch/copy" || exit 2
    judge keeper/copy two 1
    expect 'keeper/a copied folder has its own' 2 "$(pids_of tm-keeper | grep -c .)"
    pids_of tm-keeper >"$scratch/pids"
    pids_of tm-worker >>"$scratch/pids"
    [ "$failures" -eq 0 ]
) || failures=$((failures + 1))
rm -rf "$scratch/copy"
# shellcheck disable=SC2046 # words
gone 'keeper/ends with its folder' $(cat "$scratch/pids")
expect "keeper/and leaves the other folder's alone" "$keeper" "$(keeper_pid)"

verdicts=$(value status one 2)$(value status spoils 1)$(value status spoils 2)
# shellcheck disable=SC2046 # words
kill -KILL $(pids_of tm-keeper)
rm -rf build/run
plan --runner=isolated
judge keeper/isolated one 2 spoils 1 spoils 2
expect 'keeper/isolated: the same verdicts' "$verdicts" \
    "$(value status one 2)$(value status spoils 1)$(value status spoils 2)"
expect 'keeper/isolated: no keeper' '' "$(pids_of tm-keeper)"

# Another process of the same user cannot look into what knows the answers. Root can.
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
    chmod 711 "$scratch"
    chown -R 65534 .
    as_user='setpriv --reuid=65534 --clear-groups'
else
    as_user=''
fi
plan --tvm-ffi=none # which may lie in a folder of this user
[ -z "$as_user" ] || chown -R 65534 .
rm -f "$(trace one 1)"
if [ "$(id -u)" -eq 0 ] && [ -z "$as_user" ]; then
    skipped 'keeper/answers cannot be reached' 'root can look into everything, and there is no setpriv'
elif ! $as_user test -r "$srcdir/configure"; then
    skipped 'keeper/answers cannot be reached' "the source tree is nobody else's to read"
elif ! $as_user ninja "$(trace one 1)" >user.log 2>&1; then
    failed 'keeper/answers cannot be reached' "$(tail -n 5 user.log)"
else
    keeper=$(pids_of tm-keeper) worker=$(worker_of one)
    $as_user ls "/proc/$worker/fd" >/dev/null 2>&1 ||
        failed 'keeper/a worker can be looked into' 'or the next check says nothing'
    wait_until has_spare
    for process in $keeper $(pids_of tm-worker); do
        [ "$process" = "$worker" ] || [ "$process" = "$spare" ] || $as_user ls "/proc/$process/fd"
    done >reached.txt 2>/dev/null
    expect 'keeper/answers cannot be reached' '' "$(cat reached.txt)"
fi
rm -rf build/run
finish
