#!/bin/sh
# pack.sh: `ninja pack` writes what changed and nothing else; and a native solution that tm-pack
# has wrapped runs here through the tvm-ffi binding, with the verdict that it has without it.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

build=$scratch/bench data=$scratch/data
start_build "$build"
mkdir "$data" "$data/solutions"
for part in definitions workloads kernels; do cp -R "$tests/upstream/$part" "$data"; done
cat >"$data/definitions/all_kinds.json" <"$tests/cases/pack-tvm-ffi/dataset/definitions/all_kinds.json"
cd "$build" || exit 2
"$srcdir/configure" --arch=cpu --dataset=../data --authors=upstream --iterations=2 --num-trials=1 \
    --warmup-runs=0 >configure.log 2>&1 || {
    cat configure.log
    failed pack 'configure fails'
    finish
}

# Packs; what was written is in $changed, and what is gone: sorted, the names alone.
pack() {
    find build/packed -type f -path '*/*/*/*' ! -name 'index*' 2>/dev/null | sort >before
    touch -d '2001-01-01' stamp
    while IFS= read -r file; do touch -d '2001-01-01' "$file"; done <before
    ninja pack >pack.log 2>&1 || failed pack "$(cat pack.log)"
    find build/packed -type f -path '*/*/*/*' ! -name 'index*' | sort >after
    changed=$(
        {
            find build/packed -type f -path '*/*/*/*' -newer stamp ! -name 'index*' | sed 's,.*/,,'
            comm -23 before after | sed 's,.*/,gone:,'
        } | grep upstream | sort | xargs
    )
}
shift=upstream_shift_upstream_shift.json wrong=upstream_wrong.json

pack
expect 'pack/all of it' "upstream_shift.json upstream_shift.jsonl $shift $wrong" "$changed"
expect 'pack/nothing is left to do' 'ninja: no work to do.' "$(ninja pack | tail -n 1)"
expect 'pack/the index lists solutions' "$shift $wrong" \
    "$(grep -o 'upstream_[a-z_]*.json$' build/packed/index.txt | sort | xargs)"
echo '/* more */' >>"$data/kernels/wrong/wrong.c"
pack
expect 'pack/a source' "$wrong" "$changed"
echo '/* more */' >>"$data/kernels/shift.h"
pack
expect 'pack/a header above them' "$shift $wrong" "$changed"
echo '/* own */' >"$data/kernels/wrong/own.h"
echo '#include "own.h"' >>"$data/kernels/wrong/wrong.c"
pack
echo '/* edited */' >>"$data/kernels/wrong/own.h"
pack
expect 'pack/a header that it includes since' "$wrong" "$changed"
sed -i 's/"value": 8/"value": 4/' "$data/definitions/pointwise/upstream_shift.json"
pack
expect 'pack/a definition' "upstream_shift.json $shift $wrong" "$changed"
sed 's/"upstream_wrong"/"upstream_more"/' "$data/kernels/wrong/solution.json" >solution.json
mkdir "$data/kernels/more" && cp "$data"/kernels/wrong/*.[ch] solution.json "$data/kernels/more"
pack
expect 'pack/a new solution' upstream_more.json "$changed"
rm -r "$data/kernels/more"
pack
expect 'pack/one that is gone' gone:upstream_more.json "$changed"
sed -i 's/"scale \* x/"twice \* x/; s/"description": "/&again: /' "$data/definitions/pointwise/upstream_shift.json"
pack
expect 'pack/a description, which stands in contract.h but not in a generic one' \
    "upstream_shift.json $wrong" "$changed"
mkdir "$data/kernels/other" && echo '! none' >"$data/kernels/other/k.f90"
cat >"$data/kernels/other/solution.json" <<'END'
{"name": "upstream_fortran", "definition": "upstream_shift", "author": "upstream",
 "spec": {"language": "fortran", "target_hardware": ["cpu"], "entry_point": "k.f90::run"},
 "sources": [{"path": "k.f90"}]}
END
pack
expect 'pack/a language that flashinfer-bench refuses is left out' '' "$changed"
expect 'pack/and that is said' 1 "$(grep -c '"upstream_fortran" is not packed: its language is fortran' pack.log)"
rm -r "$data/kernels/other"
rm build/packed/solutions/upstream/pointwise/upstream_shift/$wrong
rm build/packed/index.txt
pack
expect 'pack/what was lost' "$wrong" "$changed"

if ! grep -q '^tvm_ffi_include = .' build.ninja; then
    skipped pack/tvm-ffi 'its headers were not found'
    finish
fi
# As solutions of a dataset, where the native ones are too.
for kernel in shift wrong; do
    build/bin/tm-pack pack "$data/kernels/$kernel" --tvm-ffi --definition=upstream_shift \
        --name=packed_$kernel -o "$data/solutions/$kernel.json" ||
        failed "pack/$kernel" 'it is not packed'
done
ninja bench >bench.log 2>&1 || failed pack/bench "$(tail -n 20 bench.log)"
verdicts() { # solution
    sed -n "s/^\\([A-Z_]*\\) $1 .*\\[\\(.*\\)\\].*/\\1/p" bench.log | sort | xargs
}
expect 'pack/a native solution passes' 'PASSED PASSED' "$(verdicts upstream_shift_upstream_shift)"
expect 'pack/and packed it does' 'PASSED PASSED' "$(verdicts packed_shift)"
expect 'pack/a wrong one is wrong' 'INCORRECT_NUMERICAL INCORRECT_NUMERICAL' "$(verdicts upstream_wrong)"
expect 'pack/and packed it is' 'INCORRECT_NUMERICAL INCORRECT_NUMERICAL' "$(verdicts packed_wrong)"

# Every kind of argument, the whole way to an object.
mkdir kinds
cat >kinds/kinds.cpp <<'END'
#include "contract.h"
int TM_ENTRY(const tm_float4_e2m1 *x, const tm_bool *maybe, const tm_int64 *one, float scale,
             tm_int32 count, tm_int64 wide, tm_bool flag, tm_float8_e4m3fn *y, tm_bfloat16 *z,
             const tm_axes *axes, tm_stream stream) {
    return x && maybe && one && scale && count && wide && flag && y && z && axes && !stream;
}
END
cat >kinds/solution.json <<'END'
{"name": "kinds", "definition": "all_kinds", "author": "upstream",
 "spec": {"language": "cpp", "target_hardware": ["cpu"], "entry_point": "kinds.cpp::run"},
 "sources": [{"path": "kinds.cpp"}], "tracemill": {"binding": "c"}}
END
cxx=$(sed -n 's/^cxx = //p' build.ninja) include=$(sed -n 's/^tvm_ffi_include = -I/-isystem /p' build.ninja | sed 's/ -I/ -isystem /g')
build/bin/tm-pack pack kinds --tvm-ffi -o kinds.json && build/bin/tm-pack unpack kinds.json kinds.new
# shellcheck disable=SC2086 # flags are words
words=$($cxx -std=c++17 -Wall -Wextra -Wshadow -Werror $include -Ikinds.new -fsyntax-only \
    kinds.new/tm_tvm_ffi.cpp kinds.new/kinds.cpp 2>&1)
expect 'pack/a wrapper of every kind of argument compiles without a warning' '' "$words"
finish
