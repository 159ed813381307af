/* Scores and figures of the reports, on cells made by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/arena.h"
#include "lib/text.h"
#include "reports/doubt.h"
#include "reports/figure.h"
#include "reports/group.h"
#include "reports/junit.h"
#include "reports/score.h"
#include "tests/unit/model_check.h"

#define NEAR 1e-12

/* A PASSED cell; a speedup of 0 means that the reference was not timed. */
static tm_model_cell passed(double latency_ms, double speedup) {
    tm_model_cell cell = {.state = TM_MODEL_RAN, .reason = ""};
    cell.trace.status = TM_STATUS_PASSED;
    cell.trace.has_performance = cell.trace.has_correctness = true;
    cell.trace.latency_ms = latency_ms;
    cell.trace.reference_latency_ms = latency_ms * speedup;
    cell.trace.speedup_factor = speedup;
    return cell;
}

static tm_model_cell with_status(tm_status status) {
    tm_model_cell cell = {.state = TM_MODEL_RAN, .reason = "why"};
    cell.trace.status = status;
    return cell;
}

static tm_model_cell with_errors(tm_model_cell cell, double absolute, double relative) {
    cell.trace.max_absolute_error = absolute;
    cell.trace.max_relative_error = relative;
    return cell;
}

static tm_model_solution solution_of(const tm_model_cell *cells, size_t count) {
    return (tm_model_solution){.cells = cells, .score = tm_score_cells(cells, count)};
}

static void test_no_cells(void **state) {
    (void)state;
    tm_score score = tm_score_cells(NULL, 0);
    assert_int_equal(score.cells, 0);
    assert_false(tm_score_complete(&score));
    assert_true(tm_score_latency_ms(&score) == 0.0);
    assert_true(tm_score_speedup(&score) == 0.0);
    assert_true(tm_score_mean_speedup(&score) == 0.0);
}

static void test_means(void **state) {
    (void)state;
    const tm_model_cell cells[] = {passed(1.0, 1.0), passed(4.0, 8.0), passed(2.0, 27.0)};
    tm_score score = tm_score_cells(cells, 3);
    assert_true(fabs(tm_score_latency_ms(&score) - 2.0) < NEAR);
    assert_true(fabs(tm_score_speedup(&score) - 6.0) < NEAR);
    assert_true(fabs(tm_score_mean_speedup(&score) - 12.0) < NEAR);
    assert_true(score.min_latency_ms == 1.0 && score.max_latency_ms == 4.0);
    assert_true(score.min_speedup == 1.0 && score.max_speedup == 27.0);
    assert_true(tm_score_complete(&score));
}

/* A trace that says how near to the limit its cell came. */
static tm_model_cell limited(tm_model_cell cell, tm_node *details, tm_node *percent, double value) {
    *percent = (tm_node){.type = TM_NODE_NUMBER, .key = "percent_of_limit", .number = value};
    *details = (tm_node){.type = TM_NODE_OBJECT, .child = percent, .count = 1};
    cell.trace.details_node = details;
    return cell;
}

/* A trace that says `text` (JSON with ' for ") under `tracemill`. */
static tm_model_cell saying(tm_node_reader *reader, tm_model_cell cell, const char *text) {
    cell.trace.details_node = model_parse(reader, text);
    return cell;
}

/* Flags and times count whatever the status, unknown flags too; what is none of them does not. */
static void test_doubts(void **state) {
    (void)state;
    tm_node_reader reader = model_begin();
    const tm_model_cell cells[] = {
        saying(&reader, passed(1.0, 1.0),
               "{'flags':['UNSTABLE','CAPPED'],'judging_ms':30,'protocol_ms':20}"),
        saying(&reader, with_status(TM_STATUS_RUNTIME_ERROR),
               "{'flags':['IMPOSSIBLE',7,'UNSTABLE ','?'],'judging_ms':10,'protocol_ms':5}"),
        saying(&reader, with_status(TM_STATUS_VOID),
               "{'flags':'UNSTABLE','judging_ms':-1,'protocol_ms':'9'}"),
        passed(1.0, 1.0)};
    tm_score score = tm_score_cells(cells, 4);
    const size_t expected[TM_DOUBT_COUNT] = {1, 0, 0, 1, 1, 1};
    assert_memory_equal(score.doubts, expected, sizeof expected);
    assert_true(score.judging_ms == 40.0 && score.protocol_ms == 25.0);
    assert_string_equal(tm_doubt_measuring(reader.arena, &score),
                        "25.0 ms of 40.0 ms of judging went to flushes and calls");
    assert_string_equal(tm_doubt_flags(reader.arena, &cells[0]), "UNSTABLE, CAPPED");
    assert_string_equal(tm_doubt_flags(reader.arena, &cells[3]), "");
    score = tm_score_cells(&cells[2], 2);
    assert_null(tm_doubt_measuring(reader.arena, &score));
    model_end(&reader);
}

/* The second one's limit is not known, and the last one has not passed. */
static void test_percent_of_limit(void **state) {
    (void)state;
    tm_node nodes[8];
    const tm_model_cell cells[] = {
        limited(passed(1.0, 1.0), &nodes[0], &nodes[1], 80.0), passed(1.0, 1.0),
        limited(passed(1.0, 1.0), &nodes[2], &nodes[3], 20.0),
        limited(passed(1.0, 1.0), &nodes[4], &nodes[5], 5.0),
        limited(with_status(TM_STATUS_RUNTIME_ERROR), &nodes[6], &nodes[7], 300.0)};
    tm_score score = tm_score_cells(cells, 5);
    assert_int_equal(score.limited, 3);
    assert_true(score.max_percent == 80.0);
    assert_true(fabs(tm_score_mean_percent(&score) - 20.0) < 1e-9);
    assert_true(tm_score_percent(&cells[1]) == 0.0);
    score = tm_score_cells(NULL, 0);
    assert_true(tm_score_mean_percent(&score) == 0.0 && score.max_percent == 0.0);
}

static void test_percent(void **state) {
    (void)state;
    tm_arena *arena = tm_arena_create();
    assert_string_equal(tm_figure_percent(arena, 0.0), "-");
    assert_string_equal(tm_figure_percent(arena, 0.04), "<0.1%");
    assert_string_equal(tm_figure_percent(arena, 0.05), "0.1%");
    assert_string_equal(tm_figure_percent(arena, 9.94), "9.9%");
    assert_string_equal(tm_figure_percent(arena, 9.96), "10%");
    assert_string_equal(tm_figure_percent(arena, 104.4), "104%");
    tm_arena_destroy(arena);
}

static void test_counts_every_outcome(void **state) {
    (void)state;
    tm_model_cell cells[TM_STATUS_COUNT + 2];
    for (int status = 0; status < TM_STATUS_COUNT; status++)
        cells[status] = with_status((tm_status)status);
    cells[TM_STATUS_COUNT] = (tm_model_cell){.state = TM_MODEL_NOT_RUN};
    cells[TM_STATUS_COUNT + 1] = (tm_model_cell){.state = TM_MODEL_BROKEN};
    tm_score score = tm_score_cells(cells, TM_STATUS_COUNT + 2);
    assert_int_equal(score.cells, 10);
    for (int status = 0; status < TM_STATUS_COUNT; status++)
        assert_int_equal(score.by_status[status], 1);
    assert_int_equal(score.not_run, 1);
    assert_int_equal(score.broken, 1);
    assert_int_equal(tm_score_failed(&score), 6);
    assert_false(tm_score_complete(&score));
}

static void test_adding_is_scoring_together(void **state) {
    (void)state;
    const tm_model_cell cells[] = {with_status(TM_STATUS_TIMEOUT), passed(3.0, 0.0),
                                   passed(1.0, 2.0), passed(2.0, 8.0)};
    tm_score whole = tm_score_cells(cells, 4);
    tm_score sum = tm_score_cells(cells, 2), rest = tm_score_cells(cells + 2, 2);
    tm_score_add(&sum, &rest);
    assert_int_equal(sum.cells, whole.cells);
    assert_int_equal(sum.timed, 3);
    assert_int_equal(sum.compared, 2);
    assert_true(sum.min_latency_ms == 1.0 && sum.max_latency_ms == 3.0);
    assert_true(sum.min_speedup == 2.0 && sum.max_speedup == 8.0);
    assert_true(fabs(tm_score_speedup(&sum) - 4.0) < NEAR);
    assert_true(fabs(tm_score_latency_ms(&sum) - tm_score_latency_ms(&whole)) < NEAR);
}

static void test_void_does_not_spoil_a_solution(void **state) {
    (void)state;
    const tm_model_cell good[] = {passed(1.0, 2.0), with_status(TM_STATUS_VOID)};
    const tm_model_cell empty[] = {with_status(TM_STATUS_VOID), with_status(TM_STATUS_VOID)};
    tm_score score = tm_score_cells(good, 2);
    assert_true(tm_score_complete(&score));
    score = tm_score_cells(empty, 2);
    assert_false(tm_score_complete(&score));
}

static void test_best_is_complete_and_fastest(void **state) {
    (void)state;
    const tm_model_cell slow[] = {passed(2.0, 1.0), passed(2.0, 1.0)};
    const tm_model_cell fast[] = {passed(1.0, 2.0), passed(1.0, 2.0)};
    const tm_model_cell wrong[] = {passed(0.1, 20.0), with_status(TM_STATUS_INCORRECT_NUMERICAL)};
    const tm_model_cell partial[] = {passed(0.1, 20.0), {.state = TM_MODEL_NOT_RUN}};
    const tm_model_solution solutions[] = {solution_of(slow, 2), solution_of(fast, 2),
                                           solution_of(wrong, 2), solution_of(partial, 2),
                                           solution_of(fast, 2)};
    assert_int_equal(tm_score_best(solutions, 5), 1);
    assert_int_equal(tm_score_best(solutions, 1), 0);
    assert_int_equal(tm_score_best(solutions + 2, 2), -1);
    assert_int_equal(tm_score_best(solutions, 0), -1);
}

static void test_best_without_timed_reference(void **state) {
    (void)state;
    const tm_model_cell slow[] = {passed(2.0, 0.0)}, fast[] = {passed(1.0, 0.0)};
    const tm_model_cell compared[] = {passed(9.0, 0.1)};
    const tm_model_solution solutions[] = {solution_of(slow, 1), solution_of(fast, 1),
                                           solution_of(compared, 1)};
    assert_int_equal(tm_score_best(solutions, 2), 1);
    assert_int_equal(tm_score_best(solutions, 3), 2);
}

static void test_best_flashinfer_looks_at_errors(void **state) {
    (void)state;
    const tm_model_cell first[] = {with_errors(passed(1.0, 3.0), 1e-2, 1e-2),
                                   with_errors(passed(1.0, 9.0), 1e-3, 1.1e-2)};
    const tm_model_cell second[] = {with_errors(passed(1.0, 8.0), NAN, 0.0),
                                    with_errors(passed(1.0, 4.0), 0.0, 0.0)};
    const tm_model_solution solutions[] = {solution_of(first, 2), solution_of(second, 2)};
    tm_model_definition definition = {
        .solutions = solutions, .solution_count = 2, .workload_count = 2};
    tm_model_best_trace best = tm_score_best_flashinfer(&definition);
    assert_ptr_equal(best.solution, &solutions[1]);
    assert_int_equal(best.workload, 1);
    assert_ptr_equal(best.trace, &second[1].trace);
    definition.solution_count = 1;
    best = tm_score_best_flashinfer(&definition);
    assert_ptr_equal(best.solution, &solutions[0]);
    assert_int_equal(best.workload, 0);
    const tm_model_cell untimed[] = {with_errors(passed(1.0, 0.0), 0.0, 0.0)};
    const tm_model_solution none[] = {solution_of(untimed, 1)};
    definition = (tm_model_definition){.solutions = none, .solution_count = 1, .workload_count = 1};
    assert_null(tm_score_best_flashinfer(&definition).solution);
}

/* Of a cell that failed another trace may be the best. */
static void test_best_flashinfer_looks_at_repeats(void **state) {
    (void)state;
    const tm_model_cell good = with_errors(passed(1.0, 5.0), 0.0, 0.0);
    tm_model_cell cells[] = {with_errors(passed(1.0, 3.0), 0.0, 0.0),
                             with_status(TM_STATUS_TIMEOUT)};
    const tm_model_solution solutions[] = {solution_of(cells, 2)};
    const tm_model_definition definition = {
        .solutions = solutions, .solution_count = 1, .workload_count = 2};
    assert_int_equal(tm_score_best_flashinfer(&definition).workload, 0);
    cells[1].repeats = &good.trace;
    cells[1].repeat_count = 1;
    assert_int_equal(tm_score_best_flashinfer(&definition).workload, 1);
    assert_ptr_equal(tm_score_best_flashinfer(&definition).trace, &good.trace);
}

static void test_latency(void **state) {
    (void)state;
    static const struct {
        double latency_ms;
        const char *text;
    } rows[] = {
        {0.0, "-"},          {-1.0, "-"},           {NAN, "-"},           {INFINITY, "-"},
        {1e-7, "0.10 ns"},   {8.5e-4, "850 ns"},    {9.994e-4, "999 ns"}, {9.996e-4, "1.00 us"},
        {0.0012, "1.20 us"}, {0.009996, "10.0 us"}, {0.09996, "100 us"},  {34.46, "34.5 ms"},
        {999.6, "1.00 s"},   {2100.0, "2.10 s"},    {5e6, "5000 s"}};
    tm_arena *arena = tm_arena_create();
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_string_equal(tm_figure_latency(arena, rows[i].latency_ms), rows[i].text);
    assert_string_equal(tm_figure_latency_range(arena, 0.0012, 0.0345), "1.20 .. 34.5 us");
    assert_string_equal(tm_figure_latency_range(arena, 0.0012, 3.4), "1.20 us .. 3.40 ms");
    assert_string_equal(tm_figure_latency_range(arena, 1.0, 1.0001), "1.00 ms");
    assert_string_equal(tm_figure_latency_range(arena, 0.0, 0.0), "-");
    tm_arena_destroy(arena);
}

static void test_speedup_and_error(void **state) {
    (void)state;
    tm_arena *arena = tm_arena_create();
    assert_string_equal(tm_figure_speedup(arena, 3.414), "3.41x");
    assert_string_equal(tm_figure_speedup(arena, 0.0994), "0.099x");
    assert_string_equal(tm_figure_speedup(arena, 0.0996), "0.10x");
    assert_string_equal(tm_figure_speedup(arena, 1e-4), "<0.001x");
    assert_string_equal(tm_figure_speedup(arena, 1234.5), "1234x");
    assert_string_equal(tm_figure_speedup(arena, 0.0), "-");
    assert_string_equal(tm_figure_error(arena, 0.0), "0");
    assert_string_equal(tm_figure_error(arena, 0.012345), "0.0123");
    assert_string_equal(tm_figure_error(arena, INFINITY), "inf");
    assert_string_equal(tm_figure_error(arena, -NAN), "nan");
    tm_arena_destroy(arena);
}

static void test_names(void **state) {
    (void)state;
    tm_arena *arena = tm_arena_create();
    assert_string_equal(tm_figure_solution(arena, "vec_norm_h8", "norm_h8", 11), "vec_norm_h8");
    assert_string_equal(tm_figure_solution(arena, "vec_norm_h8", "norm_h8", 10), "vec_*");
    assert_string_equal(tm_figure_solution(arena, "norm_h8", "norm_h8", 6), "norm..");
    assert_string_equal(tm_figure_line(arena, "a\n\x1b[31mb\xc2\x9b"
                                              "c"),
                        "a  [31mb  c");
    assert_string_equal(tm_figure_uuid(arena, "98773f58-2d55-497d-a79d-df0bca20e369"), "98773f58");
    assert_string_equal(tm_figure_uuid(arena, "small-one"), "small-one");
    const tm_model_workload workload = {.uuid = "w1", .axes = "m=1, n=2"};
    assert_string_equal(tm_figure_workload(arena, &workload), "w1 (m=1, n=2)");
    assert_int_equal(tm_figure_break("one two three", 9), 7);
    assert_int_equal(tm_figure_break("unbreakable", 4), 4);
    assert_string_equal(tm_figure_count(arena, 1, "cell"), "1 cell");
    assert_string_equal(tm_figure_count(arena, 0, "cell"), "0 cells");
    tm_arena_destroy(arena);
}

static void test_groups(void **state) {
    (void)state;
    const tm_model_cell cells[] = {with_status(TM_STATUS_TIMEOUT),
                                   with_status(TM_STATUS_COMPILE_ERROR),
                                   with_status(TM_STATUS_TIMEOUT),
                                   with_status(TM_STATUS_VOID),
                                   {.state = TM_MODEL_NOT_RUN}};
    const tm_model_workload workloads[] = {{.uuid = "a", .axes = ""},
                                           {.uuid = "b", .axes = ""},
                                           {.uuid = "c", .axes = ""},
                                           {.uuid = "d", .axes = ""},
                                           {.uuid = "e", .axes = ""}};
    const tm_model_solution solution = solution_of(cells, 5);
    const tm_model_definition definition = {.workloads = workloads,
                                            .workload_count = 5,
                                            .solutions = &solution,
                                            .solution_count = 1,
                                            .score = solution.score};
    const tm_model model = {.definitions = &definition, .definition_count = 1};
    tm_arena *arena = tm_arena_create();
    size_t count;
    const tm_group *groups = tm_group_failures(arena, &model, &count);
    assert_int_equal(count, 2);
    assert_int_equal(groups[0].count, 1);
    assert_string_equal(groups[0].cells[0].workload->uuid, "b");
    assert_int_equal(groups[1].count, 2);
    assert_string_equal(groups[1].cells[1].workload->uuid, "c");
    groups = tm_group_not_run(arena, &model, &count);
    assert_int_equal(count, 1);
    assert_string_equal(groups[0].cells[0].workload->uuid, "e");
    groups = tm_group_void(arena, &model, &count);
    assert_int_equal(count, 1);
    assert_null(groups[0].solution);
    assert_string_equal(groups[0].cells[0].workload->uuid, "d");
    tm_arena_destroy(arena);
}

static void test_xml(void **state) {
    (void)state;
    tm_text text = {0};
    tm_junit_add_escaped(&text, "<a b=\"c\">&\x01\x1b\x7f\n\xc3\xa9\xef\xbf\xbf");
    assert_string_equal(tm_text_get(&text), "&lt;a b=&quot;c&quot;&gt;&amp;\n\xc3\xa9");
    tm_text_clear(&text);
    /* a lone byte, a cut character, a surrogate, an overlong form: all replaced */
    tm_junit_add_escaped(&text, "\xff|\xc3|\xed\xa0\x80|\xc0\xaf");
    assert_string_equal(tm_text_get(&text),
                        "\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|"
                        "\xef\xbf\xbd\xef\xbf\xbd");
    tm_text_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_cells),
        cmocka_unit_test(test_means),
        cmocka_unit_test(test_percent_of_limit),
        cmocka_unit_test(test_doubts),
        cmocka_unit_test(test_percent),
        cmocka_unit_test(test_counts_every_outcome),
        cmocka_unit_test(test_adding_is_scoring_together),
        cmocka_unit_test(test_void_does_not_spoil_a_solution),
        cmocka_unit_test(test_best_is_complete_and_fastest),
        cmocka_unit_test(test_best_without_timed_reference),
        cmocka_unit_test(test_best_flashinfer_looks_at_errors),
        cmocka_unit_test(test_best_flashinfer_looks_at_repeats),
        cmocka_unit_test(test_latency),
        cmocka_unit_test(test_speedup_and_error),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_xml),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
