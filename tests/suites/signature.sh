#!/bin/sh
# signature.sh: what a tvm-ffi function takes is asked when it is compiled, and held against its
# definition; one that cannot be asked is left to its cells. Without the headers of tvm-ffi: the
# functions here raise by hand what those raise.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

build=$scratch/build
start_build "$build"
cp -R "$tests/cases/common/good" "$scratch/data"
cd "$scratch" || exit 2

# solution NAME, style, entry symbol, the C source behind the declarations
solution() {
    cat >"data/solutions/$1.json" <<END
{"name": "$1", "definition": "twice", "author": "tests",
 "spec": {"language": "c", "target_hardware": ["cpu"], "entry_point": "src/run.c::$3",
          "destination_passing_style": $2},
 "sources": [{"path": "tvm/ffi/none.h", "content": ""}, {"path": "other.c", "content": ""},
             {"path": "src/run.c", "content": "#include <tvm/ffi/none.h>\\n#include <stdio.h>\\n#include <stdlib.h>\\n#include <unistd.h>\\nvoid TVMFFIErrorSetRaisedFromCStr(const char *kind, const char *message);\\n$4\\n"}],
 "tracemill": {"binding": "tvm-ffi"}}
END
}
says() { # a signature: the source of a function that has it
    printf '%s' "int __tvm_ffi_run(void *self, const void *arguments, int count, void *result) {\\n    TVMFFIErrorSetRaisedFromCStr(\\\"TypeError\\\", \\\"Mismatched number of arguments when calling: \`$1\`. Expected 9 but got 0 arguments\\\");\\n    return -1;\\n}"
}
solution agrees true run "$(says 'run(0: DLTensor*, 1: ffi.Tensor) -> void')"
solution writing true run "__attribute__((constructor)) static void spill(void) {\\n    FILE *file = fopen(\\\"spilled\\\", \\\"w\\\");\\n    if (file) {\\n        fputs(\\\"spilled\\\", file);\\n        fclose(file);\\n    }\\n}\\n$(says 'run(0: int, 1: DLTensor*) -> void')"
solution short true run "$(says 'run(0: DLTensor*) -> void')"
solution typed true run "$(says 'run(0: DLTensor*, 1: int) -> void')"
solution returning true run "$(says 'run(0: DLTensor*) -> ffi.Tensor')"
solution returned false run "$(says 'run(0: DLTensor*) -> ffi.Tensor')"
solution passing false run "$(says 'run(0: DLTensor*, 1: DLTensor*) -> void')"
solution unnamed true walk "$(says 'run(0: DLTensor*, 1: DLTensor*) -> void')"
solution silent true run 'int __tvm_ffi_run(void *self, const void *arguments, int count, void *result) {\n    return 0;\n}'
solution crashing true run 'int __tvm_ffi_run(void *self, const void *arguments, int count, void *result) {\n    abort();\n}'
solution leaving true run '__attribute__((constructor)) static void leave(void) {\n    _exit(0);\n}\nint __tvm_ffi_run(void) {\n    return 0;\n}'
solution hanging true run '__attribute__((constructor)) static void hang(void) {\n    for (;;)\n        pause();\n}\nint __tvm_ffi_run(void) {\n    return 0;\n}'
# shellcheck disable=SC2016 # a backquote of C
solution spying true run 'int __tvm_ffi_run(void *self, const void *arguments, int count, void *result) {\n    static char text[999];\n    snprintf(text, sizeof text, \"Mismatched number of arguments when calling: `run(0: %s) -> void`. Expected 1\", getenv(\"TM_SECRET\") ? getenv(\"TM_SECRET\") : \"nothing\");\n    TVMFFIErrorSetRaisedFromCStr(\"TypeError\", text);\n    return -1;\n}'
# What a solution may not import is not asked either. These hide it from the list.
solution forking true run "pid_t (*forked)(void) = fork;\\n$(says 'run(0: int) -> void')"
hidden='void *dlsym(void *, const char *);\n#define CALL(name) ((long (*)(long, long))dlsym(0, name))\n'
solution joining true run "$hidden"'__attribute__((constructor)) static void join(void) {\n    CALL(\"setpgid\")(0, getpgid(getppid()));\n    close(3);\n    for (;;)\n        pause();\n}\nint __tvm_ffi_run(void) {\n    return 0;\n}'
solution daemon true run "$hidden"'__attribute__((constructor)) static void stay(void) {\n    if (CALL(\"fork\")(0, 0) == 0) {\n        setsid();\n        if (CALL(\"fork\")(0, 0) == 0) {\n            for (int fd = 0; fd < 99; fd++)\n                close(fd);\n            for (;;) {\n                usleep(100000);\n                rename(\"forged\", \"kept\");\n            }\n        }\n        _exit(0);\n    }\n}\n'"$(says 'run(0: int) -> void')"
solution renaming true run "__attribute__((constructor)) static void replace(void) {\\n    unlink(\\\"removed\\\");\\n    rename(\\\"other\\\", \\\"renamed\\\");\\n    truncate(\\\"shortened\\\", 0);\\n    symlink(\\\"kept\\\", \\\"made\\\");\\n}\\n$(says 'run(0: int) -> void')"

cd "$build" || exit 2
"$srcdir/configure" --arch=cpu --dataset=../data --tvm-ffi=none --warmup-runs=1 --iterations=5 \
    --num-trials=1 >configure.log 2>&1 || cat configure.log
objects=$(cd ../data/solutions && for one in [acdfhjlprstuw]*.json; do
    case $one in reference_* | twice.json) ;; *) echo "build/solutions/${one%.json}.so" ;; esac
done)
echo kept >kept
echo kept >removed
echo kept >other
echo kept >shortened
# shellcheck disable=SC2086 # words on purpose
TM_SECRET=told timeout 60 ninja $objects >ninja.log 2>&1
expect signature/builds 0 $?
# said NAME: the log of a compile that failed, or nothing
said() {
    ! head -n 1 "build/solutions/$1.so" | grep -q '^tracemill: compile error$' ||
        sed "s,^build/unpacked/solutions/$1/,," "build/solutions/$1.log"
}
expect "signature/a file stays empty" 0 "$(find . -maxdepth 1 -name spilled -size +0 | wc -l)"
expect "signature/who writes a file is asked" 1 "$(said writing | grep -c "argument 0 (x), got int")"
left=$(grep -al "solutions/[d]aemon" /proc/[0-9]*/cmdline 2>/dev/null | while read -r one; do
    [ "$(readlink "${one%cmdline}cwd")" != "$PWD" ] || echo "$one"
done)
expect "signature/no process is left" '' "$left"
echo forged >forged
sleep 0.5
expect "signature/a file is not replaced" kept "$(cat kept)"
printf '#include <unistd.h>\nint main(void) {\n    return syscall(444, 0, 0, 1) < 1; /* the version */\n}\n' >landlock.c
if ${CC:-cc} -D_GNU_SOURCE -o landlock landlock.c && ./landlock; then
    expect "signature/files stay as they were" 'kept kept kept ' "$(cat removed) $(cat other) $(cat shortened) $(ls made renamed 2>/dev/null)"
else
    skipped "signature/files stay as they were" 'this kernel has no Landlock'
fi
for one in agrees returned silent crashing leaving hanging forking joining; do
    expect "signature/$one" '' "$(said $one)"
done
wanted='
  definition: run(x: float32[n,width], y: float32[n,width]) -> void
  solution:   run'
expect signature/short "src/run.c: error: run: expected 2 arguments (the inputs, then the outputs), got 1; take them in the definition's order$wanted(0: DLTensor*) -> void" "$(said short)"
expect signature/typed "src/run.c: error: run: expected a tensor as argument 1 (y), got int; take what the definition has there$wanted(0: DLTensor*, 1: int) -> void" "$(said typed)"
expect signature/returning "src/run.c: error: run: expected 2 arguments (the inputs, then the outputs), got 1; set destination_passing_style to false, as it returns its outputs$wanted(0: DLTensor*) -> ffi.Tensor" "$(said returning)"
expect signature/passing 'src/run.c: error: run: expected 1 argument (the inputs alone), got 2; set destination_passing_style to true, as it takes its outputs
  definition: run(x: float32[n,width]) -> y: float32[n,width]
  solution:   run(0: DLTensor*, 1: DLTensor*) -> void' "$(said passing)"
expect signature/unnamed 'src/run.c: error: walk: expected a function that is exported as "walk", got none; write TVM_FFI_DLL_EXPORT_TYPED_FUNC(walk, ...)
  definition: walk(x: float32[n,width], y: float32[n,width]) -> void' "$(said unnamed)"
expect signature/'nothing of the environment' "${wanted#?}(0: nothing) -> void" "$(said spying | tail -n 2)"

# shellcheck disable=SC2086
timeout 60 ninja $objects >ninja.log 2>&1
expect signature/'asked once' 'ninja: no work to do.' "$(tail -n 1 ninja.log)"
ninja bench/short >ninja.log 2>&1
expect signature/'is a verdict' 'COMPILE_ERROR src/run.c: error: run: expected 2 arguments (the inputs, then the outputs), got 1' \
    "$(sed -n 's,^COMPILE_ERROR short .*: build/unpacked/solutions/short/\(.*\);.*,COMPILE_ERROR \1,p' ninja.log)"
ninja bench/forking >ninja.log 2>&1
expect signature/'what is refused' 'imports fork: it starts other processes' "$(sed -n 's,.*: refused: ,,p' ninja.log | head -n 1)"
finish
