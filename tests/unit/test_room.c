/* The memory that a control group leaves, in folders that look like /proc and /sys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/room.h"
#include "lib/file.h"

#define MACHINE UINT64_C(64000000)

static void write_below(const char *root, const char *name, const char *text) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", root, name);
    assert_true(tm_file_make_parents(path));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int make_root(void **state) {
    char *root = strdup("/tmp/tracemill-room.XXXXXX");
    *state = root;
    return root && mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state) {
    char command[600];
    snprintf(command, sizeof command, "rm -r '%s'", (const char *)*state);
    int status = system(command);
    free(*state);
    return status;
}

static void test_none(void **state) {
    assert_int_equal(tm_room_below(*state, MACHINE), MACHINE);
    write_below(*state, "proc/self/cgroup", "0::/\nnonsense\n1:memory\n");
    assert_int_equal(tm_room_below(*state, MACHINE), MACHINE);
}

/* The lowest of a group and those that it is in. */
static void test_v2(void **state) {
    write_below(*state, "proc/self/cgroup", "0::/job/step\n");
    write_below(*state, "sys/fs/cgroup/job/step/memory.max", "max\n");
    assert_int_equal(tm_room_below(*state, MACHINE), MACHINE);
    write_below(*state, "sys/fs/cgroup/job/step/memory.max", "32000000\n");
    assert_int_equal(tm_room_below(*state, MACHINE), 32000000);
    write_below(*state, "sys/fs/cgroup/job/memory.max", "16000000\n");
    assert_int_equal(tm_room_below(*state, MACHINE), 16000000);
    write_below(*state, "sys/fs/cgroup/memory.max", "8000000\n"); /* a container's own */
    assert_int_equal(tm_room_below(*state, MACHINE), 8000000);
    write_below(*state, "sys/fs/cgroup/memory.max", "99000000\n");
    assert_int_equal(tm_room_below(*state, MACHINE), 16000000);
}

static void test_v1(void **state) {
    write_below(*state, "proc/self/cgroup", "5:cpu:/job\n4:memory:/job\n0::/\n");
    write_below(*state, "sys/fs/cgroup/memory/job/memory.limit_in_bytes", "9223372036854771712\n");
    write_below(*state, "sys/fs/cgroup/cpu/job/memory.limit_in_bytes", "1\n");
    assert_int_equal(tm_room_below(*state, MACHINE), MACHINE);
    write_below(*state, "sys/fs/cgroup/memory/job/memory.limit_in_bytes", "4000000\n");
    assert_int_equal(tm_room_below(*state, MACHINE), 4000000);
}

static void test_this_machine(void **state) {
    (void)state;
    assert_true(tm_room_bytes() > 0);
    assert_true(tm_room_bytes() <=
                (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_none, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_v2, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_v1, make_root, remove_root),
        cmocka_unit_test(test_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
