/* symbols: what is refused and what is not, of objects that a compiler made; and that no broken
 * file brings the judge down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/symbols.h"

static char folder[] = "/tmp/tracemill-symbols.XXXXXX";
static char object[sizeof folder + 16];

static int set_up(void **state) {
    (void)state;
    if (!mkdtemp(folder))
        return 1;
    snprintf(object, sizeof object, "%s/object.so", folder);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    unlink(object);
    return rmdir(folder);
}

/* Compiles `code` into `object`. */
static void compile(const char *flags, const char *code) {
    char command[512];
    snprintf(command, sizeof command, "c++ -x c++ -shared -fPIC -w %s -o %s -", flags, object);
    FILE *compiler = popen(command, "w");
    assert_non_null(compiler);
    fputs(code, compiler);
    assert_int_equal(pclose(compiler), 0);
}

static void check(const char *flags, const char *code, const char *expected) {
    char why[200] = "";
    compile(flags, code);
    bool refused = tm_symbols_refused(object, why, sizeof why);
    if (strcmp(why, expected) != 0 || refused != (expected[0] != '\0'))
        fail_msg("%s, %s: expected \"%s\", got \"%s\"", flags, code, expected, why);
}

#define CALLS(name) "extern \"C\" int " name "(...); int run() { return " name "(); }"
#define OFFERS(name) \
    "extern \"C\" __attribute__((visibility(\"default\"))) int " name "() { return 1; }"

static void test_imports(void **state) {
    (void)state;
    static const char *const hashes[] = {"", "-Wl,--hash-style=sysv", "-Wl,--hash-style=gnu",
                                         "-s -Wl,-z,now", "-Wl,-z,norelro -Wl,-z,noseparate-code"};
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++) {
        check(hashes[i], CALLS("ptrace"), "imports ptrace: it watches or changes other processes");
        check(hashes[i], CALLS("malloc"), "");
    }
    check("", CALLS("process_vm_writev"),
          "imports process_vm_writev: it watches or changes other processes");
    check("", CALLS("fork"), "imports fork: it starts other processes");
    check("", CALLS("execvp"), "imports execvp: it starts other processes");
    check("", CALLS("system"), "imports system: it starts other processes");
    check("", CALLS("kill"), "imports kill: it ends or disturbs other processes");
    check("", CALLS("mprotect"),
          "imports mprotect: it changes what memory may be read and written");
    check("", CALLS("cuptiActivityEnable"),
          "imports cuptiActivityEnable: the clock of a cell uses it");
    check("", CALLS("cudaDeviceReset"),
          "imports cudaDeviceReset: it takes the device away from the harness");
    /* By address only, and in data. */
    check("", "extern \"C\" int fork(); int (*pointer)() = fork;",
          "imports fork: it starts other processes");
    check("", "extern \"C\" __attribute__((weak)) int fork(); bool run() { return fork != 0; }",
          "imports fork: it starts other processes");
    /* Names that only begin or end alike. */
    check("", CALLS("systems"), "");
    check("", CALLS("my_fork"), "");
}

static void test_exports(void **state) {
    (void)state;
    check("", OFFERS("clock_gettime"), "exports clock_gettime: it redefines what tells the time");
    check("-Wl,--hash-style=sysv", OFFERS("cudaEventElapsedTime"),
          "exports cudaEventElapsedTime: it redefines what tells the time");
    check("-Wl,--hash-style=gnu", OFFERS("cudaDeviceSynchronize"),
          "exports cudaDeviceSynchronize: it redefines what waits for the device");
    check("", OFFERS("malloc"), "exports malloc: it redefines what gives memory");
    check("", OFFERS("send"), "exports send: it redefines what the worker talks with");
    check("-fvisibility=hidden", "extern \"C\" int recvmsg() { return 1; }", "");
    check("", OFFERS("clock_gettime_of_mine"), "");
    check("", OFFERS("malloc") CALLS("fork"), "imports fork: it starts other processes");
}

/* A runtime for CUDA that is linked statically has `kill` and `mprotect` of its own. */
static void test_static_cudart(void **state) {
    (void)state;
#define RUNTIME                                                                           \
    "extern \"C\" int nftw(...), mkfifo(...), shmctl(...), dlvsym(...), get_nprocs(...)," \
    "kill(...), mprotect(...), fork(...);"                                                \
    "int runtime() { return nftw() + mkfifo() + shmctl() + dlvsym() + kill() + mprotect()"
    check("", RUNTIME "+ get_nprocs(); }", "");
    check("", RUNTIME "; }", "imports kill: it ends or disturbs other processes");
    check("", RUNTIME "+ get_nprocs() + fork(); }", "imports fork: it starts other processes");
}

/* What honest solutions are made of. */
static void test_honest(void **state) {
    (void)state;
    check("-O2 -fopenmp -std=c++20",
          "#include <barrier>\n#include <fstream>\n#include <iostream>\n#include <map>\n"
          "#include <stdexcept>\n#include <string>\n#include <thread>\n#include <vector>\n"
          "int run(int n) {\n"
          "  std::map<int, std::string> names; std::vector<float> v(n); std::barrier wait(2);\n"
          "  std::thread t([&] { v[0] = 1; wait.arrive_and_wait(); });\n"
          "  wait.arrive_and_wait(); t.join();\n"
          "  try { if (n > 3) throw std::runtime_error(names[n]); }\n"
          "  catch (const std::exception &e) { std::cout << e.what(); }\n"
          "  std::ifstream file(\"a\");\n"
          "#pragma omp parallel for\n"
          "  for (int i = 0; i < n; i++) v[i] = i;\n"
          "  return v[0];\n}\n",
          "");
    check("-static-libgcc -static-libstdc++",
          "#include <stdexcept>\nint run(int n) { try { throw std::runtime_error(\"a\"); }"
          "catch (const std::exception &e) { return e.what()[0]; } }",
          "");
}

static void write_object(const unsigned char *bytes, size_t count) {
    FILE *file = fopen(object, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    fclose(file);
}

static void test_no_objects(void **state) {
    (void)state;
    char why[200] = "";
    static const unsigned char text[] = "tracemill: no object";
    write_object(text, sizeof text);
    assert_true(tm_symbols_refused(object, why, sizeof why));
    assert_string_equal(why, "its symbols cannot be read: a table lies outside of the file");
    unlink(object);
    assert_true(tm_symbols_refused(object, why, sizeof why));
    assert_string_equal(why, "its symbols cannot be read: No such file or directory");
    assert_true(tm_symbols_refused("/", why, sizeof why));
}

/* Cut short anywhere, and with any word of its tables replaced: an answer, and in time. An object
 * that imports fork must not get through by being cut. */
static void test_hostile(void **state) {
    (void)state;
    static unsigned char bytes[1 << 16], changed[1 << 16];
    static const uint64_t values[] = {0, 1, 0xff, UINT32_MAX, UINT64_MAX, UINT64_MAX / 2, 4096};
    for (int style = 0; style < 2; style++) {
        compile(style ? "-s -Wl,--hash-style=sysv" : "-s -Wl,--hash-style=gnu", CALLS("fork"));
        FILE *file = fopen(object, "rb");
        size_t count = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        assert_in_range(count, 1000, sizeof bytes - 1);
        char why[200];
        for (size_t cut = 0; cut < count; cut += cut < 4096 ? 64 : 512) {
            write_object(bytes, cut);
            if (!tm_symbols_refused(object, why, sizeof why))
                fail_msg("cut after %zu bytes, it is let through", cut);
        }
        for (size_t at = 0; at < 0x800; at += 8)
            for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
                memcpy(changed, bytes, count);
                memcpy(changed + at, &values[v], v % 2 ? 4 : 8);
                write_object(changed, count);
                tm_symbols_refused(object, why, sizeof why);
            }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_imports),       cmocka_unit_test(test_exports),
        cmocka_unit_test(test_static_cudart), cmocka_unit_test(test_honest),
        cmocka_unit_test(test_no_objects),    cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
