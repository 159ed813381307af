#!/bin/sh
# compiler.sh: what tm-cc makes of a compiler that fails. One that read the source and refused it is
# data: exit status 0, and its words in place of the object. One that was stopped has said nothing
# about the source: exit status 3, and no object, so that the edge runs again.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

tm_cc=$PWD/build/bin/tm-cc
cd "$scratch" || exit 2
: >source.c
: >contract.h
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
check 'full disk while a source is compiled' \
    'source.c:9:1: fatal error: error writing to /tmp/cc1.s: No space left on device' 1 3 ''
check 'full disk of an assembler' "{standard input}: Fatal error: can't write 4 bytes to section .text of x.o: 'No space left on device'" 1 3 ''
# The words of a source.
check 'the words in #error' 'source.c:1:2: error: #error No space left on device
    1 | #error No space left on device
      |  ^~~~~' 1 0 "$refused"
check 'the words in #error of nvcc' 'source.cu(1): error: #error directive: No space left on device' 2 0 "$refused"
check 'the words in an assertion of lines' 'source.c:1:15: error: static assertion failed: so
ld: final link failed: No space left on device' 1 0 "$refused"
check 'the words in a name' \
    'source.c:1:10: fatal error: Cannot allocate memory: No such file or directory' 1 0 "$refused"
check 'the words in a quote' "source.c:2:1: fatal error: x.h: No such file or directory
    2 | #include \"x.h\" // 'cicc' died due to signal 9" 1 0 "$refused"

# And of a compile that went well, before a link that did not.
cat >>cc <<'END'
echo 'source.c: note: No space left on device'
END
check 'the words before the link' 'ld: source.c: undefined reference to x' 1 0 "$refused"

# A real compiler.
printf '#error No space left on device\n' >source.c
rm -f made.so
"$tm_cc" --output=made.so --contract=. --entry=run --entry-index=0 --c=cc --cpp=cc --cu=cc \
    --link=cc source.c -- -- >log 2>&1
expect 'compiler/#error of a real one' "0 $refused" "$? $(head -n 1 made.so 2>/dev/null)"
finish
