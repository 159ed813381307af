#!/bin/sh
# tvm_ffi.sh: where configure finds tvm-ffi, and what --install-deps makes of a Python with pip. No
# index is asked: the programs here are made up.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

cc=$(sed -n 's/^cc = //p' build.ninja)
find_it="$srcdir/gen/tvm_ffi.sh"
whole=$PATH
start_build "$scratch/built"
cd "$scratch" || exit 2
scratch=$(pwd -P)
mkdir -p bin
for program in sh sed head grep mkdir rm mv tail cat chmod cp "${cc%% *}" as cc1; do
    path=$(command -v "$program") && ln -s "$path" bin
done
PATH=$scratch/bin
XDG_CACHE_HOME=$scratch/cache
export PATH XDG_CACHE_HOME

# tvm-ffi as far as anybody looks at it.
make_package() { # folder
    mkdir -p "$1/include/tvm/ffi" "$1/include/dlpack" "$1/lib"
    printf '#define TVM_FFI_VERSION_MAJOR 0\n#define TVM_FFI_VERSION_MINOR 1\n#define TVM_FFI_VERSION_PATCH %s\n' \
        "$2" >"$1/include/tvm/ffi/c_api.h"
    printf '#define DLPACK_MAJOR_VERSION 1\n#define DLPACK_MINOR_VERSION 2\n' >"$1/include/dlpack/dlpack.h"
    : >"$1/lib/libtvm_ffi.so"
}
program() { # name; from standard input
    cat >"bin/$1"
    chmod +x "bin/$1"
}
found() { # what was found, in one line
    "$find_it" find "$cc" "$@" 2>&1 | tr_lines
}
tr_lines() { sed -e :a -e '$!N' -e 's/\n/ | /' -e ta | sed "s,$scratch/,,g"; }

expect tvm_ffi/'nothing is there' '1 ' "$("$find_it" find "$cc" >out; echo $?) $(cat out)"

make_package own 7
mkdir -p venv/lib/python3.12/site-packages
mv own venv/lib/python3.12/site-packages/tvm_ffi
package=venv/lib/python3.12/site-packages/tvm_ffi
for folder in venv venv/lib/python3.12/site-packages $package $package/include; do
    expect "tvm_ffi/--tvm-ffi=$folder" \
        "$package/include | $package/lib/libtvm_ffi.so | 0.1.7 | --tvm-ffi=$folder" "$(found "$folder")"
done

# A script whose Python is gone, then one that answers; a python3 that has the module.
printf '#!/no/such/python\n' | program tvm-ffi-config
program python3 <<END
#!/bin/sh
[ "\$*" = '-m tvm_ffi.config --includedir' ] && echo $scratch/$package/include
END
expect tvm_ffi/'python3, as tvm-ffi-config is broken' \
    "$package/include | $package/lib/libtvm_ffi.so | 0.1.7 | python3 -m tvm_ffi.config" "$(found)"
make_package other 8
program tvm-ffi-config <<END
#!/bin/sh
[ "\$*" = --includedir ] && echo $scratch/other/include
END
expect tvm_ffi/'tvm-ffi-config comes first' \
    'other/include | other/lib/libtvm_ffi.so | 0.1.8 | tvm-ffi-config' "$(found)"
rm -r other/lib other/include/tvm
expect tvm_ffi/'one that is gone is none' \
    "$package/include | $package/lib/libtvm_ffi.so | 0.1.7 | python3 -m tvm_ffi.config" "$(found)"
rm bin/tvm-ffi-config bin/python3

# install: what pip puts into the folder that it is given is found afterwards.
expect tvm_ffi/'no pip' 'expected python3 with pip, got none | 1' \
    "$({ "$find_it" install; echo $?; } | tr_lines)"
expect tvm_ffi/'no pip: nothing is left' 1 "$("$find_it" find "$cc"; echo $?)"
program python3 <<'END'
#!/bin/sh
printf '%s\n' "$*" >>asked
case $* in
*--version) exit 0 ;;
'-m pip install '*) ;;
*) exit 1 ;;
esac
while [ "$1" != --target ]; do shift; done
if [ -e refuse ]; then
    echo 'ERROR: Could not find a version'
    echo 'ERROR: No matching distribution found for apache-tvm-ffi'
    echo half >"$2/half"
    exit 1
fi
cp -R package "$2/tvm_ffi"
END
make_package package 9
expect tvm_ffi/install "cache/tracemill/tvm-ffi | 0" "$({ "$find_it" install; echo $?; } | tr_lines)"
expect tvm_ffi/'install: it is found' \
    'cache/tracemill/tvm-ffi/tvm_ffi/include | cache/tracemill/tvm-ffi/tvm_ffi/lib/libtvm_ffi.so | 0.1.9 | ./configure --install-deps' \
    "$(found)"
: >refuse
expect tvm_ffi/'no index' 'No matching distribution found for apache-tvm-ffi | 1' \
    "$({ "$find_it" install; echo $?; } | tr_lines)"
expect tvm_ffi/'no index: the last one stays, the half one does not' 'tvm-ffi ' \
    "$(cd cache/tracemill && for one in *; do printf '%s ' "$one"; done)"
expect tvm_ffi/'nothing of the system is touched' 0 \
    "$(grep -c -e --user -e --break-system asked)"

# What was found is looked at again without the PATH of that day, and its copy outlives it.
PATH=$whole
make_package late 11
mkdir -p late-bin
printf '#!/bin/sh\necho %s/late/include\n' "$scratch" >late-bin/tvm-ffi-config
chmod +x late-bin/tvm-ffi-config
cd built || exit 2
library() { sed -n 's/^build build\/lib\/libtvm_ffi.so: [a-z_]* //p' build.ninja | sed "s,$scratch/,,"; }
again() { # as ninja calls configure
    set --
    while IFS= read -r line; do set -- "$@" "$line"; done <build/configure.args
    "$srcdir/configure" "$@" >log 2>&1 || cat log
}
PATH=$scratch/late-bin:$PATH "$srcdir/configure" --arch=cpu --definitions=rmsnorm_h128 >log 2>&1 || cat log
expect tvm_ffi/found late/lib/libtvm_ffi.so "$(library)"
again
again
expect tvm_ffi/'found again' "late/lib/libtvm_ffi.so, remembered once" \
    "$(library), remembered $(grep -c tvm-ffi-was build/configure.args | sed 's/^1$/once/')"
ninja build/lib/libtvm_ffi.so >log 2>&1 || cat log
rm -r ../late
expect tvm_ffi/'the copy outlives it' '0' "$(ninja build/lib/libtvm_ffi.so >log 2>&1; echo $?)"
again
expect tvm_ffi/'gone' 'not late' "$(library | grep -q '^late' && echo late || echo 'not late')"
finish
