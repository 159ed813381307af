/* The file of samples beside a trace: its name, its whole text, its end. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/sidecar.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/layout.h"

typedef struct {
    tm_arena *arena;
    tm_diag *diag;
    char folder[64];
    const char *trace, *path;
} fixture;

static int setup(void **state) {
    fixture *made = calloc(1, sizeof *made);
    *state = made;
    strcpy(made->folder, "/tmp/tm_test_sidecar.XXXXXX");
    if (!mkdtemp(made->folder))
        return -1;
    made->arena = tm_arena_create();
    made->diag = tm_diag_create(made->arena);
    made->trace = tm_arena_format(made->arena, "%s/some/row.json", made->folder);
    made->path = tm_arena_format(made->arena, "%s/some/row.samples", made->folder);
    return 0;
}

static int teardown(void **state) {
    fixture *made = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", made->folder);
    tm_arena_destroy(made->arena);
    free(made);
    return system(command);
}

static void test_text(void **state) {
    fixture *made = *state;
    const double device[] = {1770, 1802, 0.1 + 0.2}, marks[] = {4256.0000419616699, 1e15, 1.0 / 3},
                 wall[] = {9000.5, NAN, 123456789};
    const tm_samples trials[] = {{device, marks, wall, 3, 6}, {device, NULL, wall, 1, 0}};
    assert_true(tm_sidecar_write(made->trace, trials, 2, made->arena, made->diag));
    const tm_source *source = tm_file_read(made->arena, made->path);
    assert_non_null(source);
    assert_string_equal(source->text, "{\"unit\":\"ns\",\"trials\":[\n"
                                      "{\"device\":[1770,1802,0.30000000000000004],"
                                      "\"events\":[4256.00004196167,1e+15,0.3333333333333333],"
                                      "\"wall\":[9000.5,null,123456789],\"activities\":6},\n"
                                      "{\"device\":[1770],\"wall\":[9000.5]}\n"
                                      "]}\n");
    /* It is JSON, and the numbers are those that went in. */
    const tm_node *root = tm_json_parse_all(made->arena, source, made->diag);
    assert_non_null(root);
    const tm_node *value = tm_node_get(tm_node_get(root, "trials")->child, "events")->child;
    for (size_t i = 0; i < 3; i++, value = value->next)
        assert_true(value->number == marks[i]);
}

static void test_trial_without_samples(void **state) {
    fixture *made = *state;
    const double wall[] = {5};
    const tm_samples trials[] = {{NULL, NULL, wall, 1, 0}, {0}};
    assert_true(tm_sidecar_write(made->trace, trials, 2, made->arena, made->diag));
    assert_string_equal(tm_file_read(made->arena, made->path)->text,
                        "{\"unit\":\"ns\",\"trials\":[\n{\"wall\":[5]},\n{}\n]}\n");
}

static void test_removed(void **state) {
    fixture *made = *state;
    const double wall[] = {5};
    const tm_samples trial = {wall, wall, wall, 1, 1}, empty = {wall, wall, wall, 0, 0};
    for (int i = 0; i < 2; i++) {
        assert_true(tm_sidecar_write(made->trace, &trial, 1, made->arena, made->diag));
        assert_int_equal(access(made->path, F_OK), 0);
        assert_true(tm_sidecar_write(made->trace, &empty, (size_t)i, made->arena, made->diag));
        assert_int_not_equal(access(made->path, F_OK), 0);
    }
    /* Nothing to remove is no error, nor makes a folder. */
    assert_true(tm_sidecar_write(made->trace, NULL, 0, made->arena, made->diag));
    assert_true(tm_sidecar_write("/dev/null/no/row.json", NULL, 0, made->arena, made->diag));
    assert_int_equal(tm_diag_count(made->diag, TM_DIAG_ERROR), 0);
}

static void test_fails(void **state) {
    fixture *made = *state;
    const double wall[] = {5};
    const tm_samples trial = {wall, wall, wall, 1, 1};
    assert_false(tm_sidecar_write("/dev/null/no/row.json", &trial, 1, made->arena, made->diag));
    const tm_diag_entry *entries;
    assert_int_equal(tm_diag_entries(made->diag, &entries), 1);
    assert_string_equal(entries[0].message,
                        "/dev/null/no/row.samples: cannot be written: Not a directory");
    /* A folder of that name cannot be unlinked. */
    assert_true(tm_file_make_parents(tm_file_join(made->arena, made->path, "inside")));
    assert_false(tm_sidecar_write(made->trace, NULL, 0, made->arena, made->diag));
    assert_int_equal(tm_diag_entries(made->diag, &entries), 2);
    assert_non_null(strstr(entries[1].message, "row.samples: cannot be removed: "));
}

/* No row's trace has the name of another's samples. */
static void test_no_trace(void **state) {
    fixture *made = *state;
    const char *trace = tm_layout_trace(made->arena, "me", "op", "it", "by", "a");
    const char *path = tm_sidecar_path(trace, made->arena);
    assert_string_equal(path, "build/traces/me/op/it/by/a.samples");
    const char *const rows[] = {"a.samples", "a.samples.json", "a"};
    for (size_t i = 0; i < 3; i++)
        assert_string_not_equal(tm_layout_trace(made->arena, "me", "op", "it", "by", rows[i]),
                                path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trial_without_samples, setup, teardown),
        cmocka_unit_test_setup_teardown(test_removed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_trace, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
