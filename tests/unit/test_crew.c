#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/arena.h"
#include "lib/diag.h"
#include "reports/crew.h"

enum { TASKS = 1000 };

typedef struct {
    atomic_int done[TASKS];
    atomic_int busy[TM_CREW_MOST];
    atomic_int fault;
} tally;

static void count_task(void *context, size_t index, int member) {
    tally *all = context;
    if (member < 0 || member >= TM_CREW_MOST || atomic_fetch_add(&all->busy[member], 1) != 0)
        all->fault = 1;
    atomic_fetch_add(&all->done[index], 1);
    atomic_fetch_sub(&all->busy[member], 1);
}

static void test_each_task_once(void **state) {
    (void)state;
    static const size_t counts[] = {0, 1, 2, TASKS};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        tally *all = calloc(1, sizeof *all);
        tm_crew_run(counts[i], count_task, all);
        for (size_t j = 0; j < TASKS; j++)
            assert_int_equal(all->done[j], j < counts[i]);
        assert_int_equal(all->fault, 0);
        free(all);
    }
}

/* Each member's memory and messages, afterwards in the caller's. */
static void test_adopted(void **state) {
    (void)state;
    tm_arena *arena = tm_arena_create(), *other = tm_arena_create(), *empty = tm_arena_create();
    tm_diag *diag = tm_diag_create(arena), *others = tm_diag_create(other);
    char *big = tm_arena_alloc(other, 3 << 20), *small = tm_arena_copy(other, "kept", 4);
    tm_diag_error(diag, tm_diag_command_line, NULL, "first");
    tm_diag_error(others, tm_diag_command_line, NULL, "second");
    tm_diag_add(others, TM_DIAG_WARNING, tm_diag_command_line, NULL, "third");
    tm_diag_append(diag, others);
    tm_arena_adopt(arena, other);
    tm_arena_adopt(arena, empty);
    big[(3 << 20) - 1] = 'x';
    assert_string_equal(small, "kept");
    const tm_diag_entry *entries;
    assert_int_equal(tm_diag_entries(diag, &entries), 3);
    assert_string_equal(entries[0].message, "first");
    assert_string_equal(entries[2].message, "third");
    assert_int_equal(tm_diag_count(diag, TM_DIAG_ERROR), 2);
    assert_int_equal(tm_diag_count(diag, TM_DIAG_WARNING), 1);
    tm_arena_alloc(arena, 100);
    tm_arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_task_once),
        cmocka_unit_test(test_adopted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
