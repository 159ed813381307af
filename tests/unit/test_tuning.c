/* test_tuning: which of several variants is best, on cells made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/arena.h"
#include "reports/figure.h"
#include "reports/score.h"
#include "reports/tuning.h"

#define ROWS 2

/* A variant of "fast_<definition>" on two rows: latencies in ms, of a reference that takes 8; 0 is
 * a cell that failed. */
static tm_model_solution variant(tm_arena *arena, const char *definition, const char *suffix,
                                 double first, double second) {
    const double latencies[ROWS] = {first, second};
    tm_model_cell *cells = tm_arena_array(arena, ROWS, sizeof *cells);
    for (int i = 0; i < ROWS; i++) {
        cells[i].state = TM_MODEL_RAN;
        cells[i].trace.status = latencies[i] > 0 ? TM_STATUS_PASSED : TM_STATUS_COMPILE_ERROR;
        cells[i].trace.has_performance = latencies[i] > 0;
        cells[i].trace.latency_ms = latencies[i];
        cells[i].trace.speedup_factor = latencies[i] > 0 ? 8 / latencies[i] : 0;
    }
    const char *base = tm_arena_format(arena, "fast_%s", definition);
    return (tm_model_solution){.name = tm_arena_format(arena, "%s%s", base, suffix),
                               .author = "me",
                               .base = suffix[0] ? base : NULL,
                               .family = suffix[0] ? "fast_{definition}" : NULL,
                               .cells = cells,
                               .score = tm_score_cells(cells, ROWS)};
}

static tm_model_definition definition_of(const char *name, const tm_model_solution *solutions,
                                         size_t count) {
    return (tm_model_definition){
        .name = name, .workload_count = ROWS, .solutions = solutions, .solution_count = count};
}

/* Two definitions: M=1 is best of the first, M=2 of the second and over both; M=4 fails once. */
static void test_families(void **state) {
    (void)state;
    tm_arena *arena = tm_arena_create();
    const tm_model_solution first[] = {
        variant(arena, "other", "", 1, 1), variant(arena, "a", "+M=1", 2, 2),
        variant(arena, "a", "+M=2", 4, 2), variant(arena, "a", "+M=4", 1, 0)};
    const tm_model_solution second[] = {variant(arena, "b", "+M=1", 8, 8),
                                        variant(arena, "b", "+M=2", 1, 4),
                                        variant(arena, "b", "+M=4", 1, 1)};
    const tm_model_definition definitions[] = {definition_of("a", first, 4),
                                               definition_of("b", second, 3)};
    const tm_model model = {.definitions = definitions, .definition_count = 2};
    size_t count;
    const tm_tuning_family *families = tm_tuning_find(arena, &model, &count);
    assert_int_equal(count, 1);
    assert_string_equal(families->name, "fast_{definition}");
    assert_int_equal(families->tuning_count, 2);
    assert_ptr_equal(families->tunings[0].best, &first[1]);
    assert_ptr_equal(families->tunings[1].best, &second[2]);
    assert_int_equal(families->row_count, 3);
    assert_string_equal(families->best->example->name, "fast_a+M=2");
    assert_int_equal(families->best->best_of, 0);
    assert_int_equal(families->rows[0].best_of, 1);
    assert_int_equal(families->rows[2].best_of, 1);
    assert_int_equal(families->rows[2].score.cells, 4);
    assert_ptr_equal(tm_tuning_of(families, count, &second[1]), &families->tunings[1]);
    assert_null(tm_tuning_of(families, count, &first[0]));
    assert_int_equal(tm_tuning_fastest(&families->tunings[0], 0), 2);
    assert_int_equal(tm_tuning_fastest(&families->tunings[0], 1), 0);
    assert_string_equal(tm_tuning_values(arena, &first[3]), "M=4");
    tm_arena_destroy(arena);
}

/* Where no variant passed every cell, the one with most of them is shown and none is best. A row
 * that is not there for every definition is not best over all. */
static void test_incomplete(void **state) {
    (void)state;
    tm_arena *arena = tm_arena_create();
    const tm_model_solution first[] = {variant(arena, "a", "+M=1", 0, 0),
                                       variant(arena, "a", "+M=2", 0, 2)};
    const tm_model_solution second[] = {variant(arena, "b", "+M=1", 8, 8),
                                        variant(arena, "b", "+M=3", 1, 1)};
    tm_model_definition definitions[] = {
        definition_of("a", first, 2), definition_of("b", second, 2), definition_of("c", first, 2)};
    definitions[2].workload_count = 0; /* no cells: not counted */
    const tm_model model = {.definitions = definitions, .definition_count = 3};
    size_t count;
    const tm_tuning_family *families = tm_tuning_find(arena, &model, &count);
    assert_int_equal(count, 1);
    assert_int_equal(families->tuning_count, 2);
    assert_null(families->tunings[0].best);
    assert_ptr_equal(families->tunings[0].shown, &first[1]);
    assert_ptr_equal(families->tunings[1].shown, &second[1]);
    assert_int_equal(tm_tuning_fastest(&families->tunings[0], 0), -1);
    assert_int_equal(families->row_count, 3);
    assert_null(families->best);
    tm_arena_destroy(arena);
}

static void test_names(void **state) {
    (void)state;
    tm_arena *arena = tm_arena_create();
    assert_string_equal(tm_figure_solution(arena, "fast_gemm_n4096+M=64+N=128", "gemm_n4096", 20),
                        "fast_*+M=64+N=128");
    assert_string_equal(tm_figure_solution(arena, "fast_gemm_n4096+M=64+N=128", "gemm_n4096", 26),
                        "fast_gemm_n4096+M=64+N=128");
    assert_string_equal(tm_figure_solution(arena, "fast_gemm_n4096_x+M=64", "gemm_n4096", 20),
                        "fast_gemm_n4096_x+..");
    assert_string_equal(tm_figure_solution(arena, "fast_gemm_n4096", "gemm_n4096", 12), "fast_*");
    tm_arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families),
        cmocka_unit_test(test_incomplete),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
