#!/bin/sh
# backend.sh: the programs that check the configured backend itself. Exit status 77 says that the
# machine lacks what they need; that is a SKIP with their last line as the reason.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

run_check() { # name
    output=$("build/tests/unit/$1" 2>&1)
    status=$?
    last=$(printf '%s\n' "$output" | tail -n 1)
    case $status in
    0) pass "$1" ;;
    77) skipped "$1" "${last#SKIPPED: }" ;;
    *)
        printf '%s\n' "$output"
        failed "$1" "exit status $status"
        ;;
    esac
}

# What ninja was told to build here; the others belong to another backend.
wanted=$(sed -n 's/^build unit-tests: phony//p' build.ninja)
for check in backend_check cores_check random_cuda random_cuda_fast; do
    case "$wanted " in
    *"/$check "*) run_check "$check" ;;
    *)
        case $check in
        *_cuda*) skipped "$check" "this build is for the CPU; configure with --arch=sm_90" ;;
        *) skipped "$check" "this build is for a GPU; configure with --arch=cpu" ;;
        esac
        ;;
    esac
done
finish
