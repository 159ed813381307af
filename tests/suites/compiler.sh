#!/bin/sh
# compiler.sh: what tm-cc makes of a compiler that fails. One that read the source and refused it is
# data: exit status 0, and its words in place of the object. One that was stopped has said nothing
# about the source: exit status 3, and no object, so that the edge runs again.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

tm_cc=$PWD/build/bin/tm-cc
cd "$scratch" || exit 2
: >source.c
# The compiler writes its object and depfile; the linker says $words and ends with $status.
cat >cc <<'END'
for word; do
    case $last in
    -MF) echo "object.o: source.c" >"$word" ;;
    -o) : >"$word" ;;
    esac
    last=$word
done
END
cat >ld <<'END'
echo "$words" >&2
exit "$status"
END

# check NAME, the linker's words and status, tm-cc's status, the object's first line
check() {
    rm -f made.so
    words=$2 status=$3 "$tm_cc" --output=made.so --contract=. --entry=run --entry-index=0 \
        --c='sh ./cc' --cpp='sh ./cc' --cu='sh ./cc' --link='sh ./ld' source.c -- -- >log 2>&1
    expect "compiler/$1: exit status" "$4" $?
    expect "compiler/$1: object" "$5" "$(head -n 1 made.so 2>/dev/null)"
}
refused='tracemill: compile error'
check 'undefined symbol' 'ld: source.c: undefined reference to x' 1 0 "$refused"
check 'crashed on the source' 'collect2: fatal error: ld terminated with signal 11' 1 0 "$refused"
check 'ptxas refused it' "ptxas k.ptx, line 156; error   : Instruction 'tcgen05.fence' not supported" 255 \
    0 "$refused"
check 'a part of nvcc was killed' "nvcc error   : 'cicc' died due to signal 9 (Kill signal)" 9 3 ''
check 'compiler was killed' 'gcc: fatal error: Killed signal terminated program cc1' 1 3 ''
check 'linker was killed' 'collect2: fatal error: ld terminated with signal 9 [Killed]' 1 3 ''
check 'full disk' 'ld: final link failed: No space left on device' 1 3 ''
check 'driver was killed' '' 137 3 ''
finish
