#!/bin/sh
# ffi.sh: solutions behind tvm-ffi (tests/ffi), each with the verdict that it must get: with the
# stand-in, and where the library of tvm-ffi is at hand the same words with that. tests/ffi/expected.txt
# is the table. On the CPU; tests/proofs/ffi.sh has those for CUDA.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

LC_ALL=C
export LC_ALL
cc=$(sed -n 's/^cc = //p' build.ninja)
given=$(sed -n 's/^--tvm-ffi=//p' build/configure.args)
case $given in none) given='' ;; esac
# shellcheck disable=SC2086 # none is no argument
if ! lines=$("$srcdir/gen/tvm_ffi.sh" find "$cc" ${given:-}); then
    skipped ffi 'no headers of tvm-ffi here; ./configure --install-deps gets them'
    finish
fi
folders=$(printf '%s\n' "$lines" | sed -n 1p)
library=$(printf '%s\n' "$lines" | sed -n 2p)

# The headers without the library, so that the stand-in serves.
mkdir -p "$scratch/headers/include"
for folder in $folders; do
    ln -s "$folder"/* "$scratch/headers/include"
done

# shellcheck disable=SC2086
if said=$($cc -std=c11 -D_GNU_SOURCE -I"$srcdir" -I"$scratch/headers/include" -c \
    "$tests/ffi/abi.c" -o "$scratch/abi.o" 2>&1); then
    pass 'ffi/lib/tvm_ffi.h is what the headers of tvm-ffi say'
else
    failed 'ffi/lib/tvm_ffi.h is what the headers of tvm-ffi say' "$said"
fi

start_build "$scratch/build"
cd "$scratch/build" || exit 2
"$srcdir/configure" --arch=cpu --dataset="$tests/ffi" --authors=ffi --solutions='cpp_*' \
    --workloads=small,plain,masked,each,zeros --tvm-ffi="$scratch/headers" --timeout=60 \
    --warmup-runs=1 --iterations=5 --num-trials=2 >configure.log 2>&1 ||
    failed ffi/configure "$(cat configure.log)"
ninja bench >bench.log 2>&1 || failed 'ffi/ninja bench' "$(tail -n 20 bench.log)"
expect 'ffi/the stand-in serves' yes \
    "$(cmp -s build/lib/libtvm_ffi.so build/lib/stand_in/libtvm_ffi.so && echo yes)"

reason_of() { # trace
    sed -n 's/^    "reason": "\(.*\)",*$/\1/p' "$1" | sed 's/\\"/"/g'
}
verdict() { # solution, status, reason
    traces=$(find build/traces -path "*/$1/*.json")
    [ -n "$traces" ] || failed "ffi/$1" 'no trace'
    for trace in $traces; do
        got=$(sed -n 's/^    "status": "\(.*\)",$/\1/p' "$trace")
        reason=$(reason_of "$trace")
        row=${trace##*/}
        if [ "$got" = "$2" ] && printf '%s\n' "$reason" | grep -Eqx -- "$3"; then
            pass "ffi/$1/${row%.json}: $2"
        else
            failed "ffi/$1/${row%.json}" "expected $2 [$3], got $got [$reason]"
        fi
    done
}
# The same with the library of tvm-ffi in the stand-in's place: by hand, as nothing is to be compiled.
real_verdict() { # solution, status, reason
    traces=$(find build/traces -path "*/$1/*.json")
    for trace in $traces; do
        row=${trace##*/} definition=${trace%/*/*}
        said=$("build/harness/${definition##*/}/${row%.json}" --solution "build/solutions/$1.so" \
            2>/dev/null)
        case $2 in
        PASSED) same=$(printf '%s\n' "$said" | grep -c '^PASSED ') ;;
        INCORRECT_NUMERICAL) # of other inputs
            same=$(printf '%s\n' "$said" | sed -n "s/^$2 [^:]*: //p" | grep -Ecx -- "$3")
            ;;
        *) same=$(printf '%s\n' "$said" | grep -Fc "$2 $1 [" |
            sed "s/1/$(printf '%s\n' "$said" | grep -Fc "]: $(reason_of "$trace")")/") ;;
        esac
        expect "ffi/$1/${row%.json}: the same with tvm-ffi's own library" 1 "$same"
    done
}
each() { # "stand-in" or "library"
    sed '/^#/d; /^$/d' "$tests/ffi/expected.txt" >expected
    while IFS='|' read -r solution status reason; do
        case $solution in cpp_*) ;; *) continue ;; esac
        status=${status# } reason=${reason# }
        case $1 in
        stand-in) verdict "${solution%% *}" "${status%% *}" "$reason" ;;
        *) real_verdict "${solution%% *}" "${status%% *}" "$reason" ;;
        esac
    done <expected
}
each stand-in
expect 'ffi/every solution has a row' '' "$(for folder in "$tests"/ffi/kernels/*_*/; do
    name=$(basename "$folder")
    case $name in *_reference) continue ;; esac
    grep -q "^$name  *|" "$tests/ffi/expected.txt" || echo "$name"
done)"
expect 'ffi/the log has what was raised' 'ValueError: no rows of float32 are wanted' \
    "$(sed -n 1p build/traces/ffi/rmsnorm/ffi_rmsnorm/cpp_throws/small.log)"

# Another library is another harness, also for a worker that has the one before still mapped.
trace=build/traces/ffi/rmsnorm/ffi_rmsnorm/cpp_view/small.json
harness_hash() { sed -n 's/^ *"harness": "\([0-9a-f]*\)".*/\1/p' "$trace"; }
workers() {
    for maps in /proc/[0-9]*/maps; do
        grep -qs "$(pwd -P)/build/solutions/cpp_view\.so" "$maps" && echo "$maps"
    done
}
judged() { # by hand, as ninja would link the solution anew
    build/harness/ffi_rmsnorm/small build/solutions/cpp_view.so --trace="$trace" >judged.log 2>&1 ||
        failed 'ffi/judged' "$(cat judged.log)"
    echo "$(harness_hash)" "$(workers)"
}
before=$(judged)
expect 'ffi/the same library: the same hash and worker' "$before" "$(judged)"
printf '\n' >>build/lib/libtvm_ffi.so
after=$(judged)
case ${before%% *} in "${after%% *}") failed 'ffi/another library: another hash' "$after" ;;
*) pass 'ffi/another library: another hash' ;; esac
case ${before##* } in "${after##* }") failed 'ffi/another library: another worker' "$after" ;;
*) pass 'ffi/another library: another worker' ;; esac

if [ -n "$library" ]; then
    cp "$library" build/lib/libtvm_ffi.so
    each library
else
    skipped 'ffi/library' 'the library of tvm-ffi is not here'
fi
finish
