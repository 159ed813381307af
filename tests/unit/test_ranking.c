/* Authors against each other, on a matrix small enough to be scored by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/arena.h"
#include "reports/ranking.h"
#include "reports/score.h"

#define NEAR 1e-12
#define ROWS 2

static tm_model_cell passed(double latency_ms, double speedup) {
    tm_model_cell cell = {.state = TM_MODEL_RAN, .reason = ""};
    cell.trace.status = TM_STATUS_PASSED;
    cell.trace.has_performance = cell.trace.has_correctness = true;
    cell.trace.latency_ms = latency_ms;
    cell.trace.speedup_factor = speedup;
    return cell;
}

static tm_model_cell with_status(tm_status status) {
    tm_model_cell cell = {.state = TM_MODEL_RAN, .reason = "why"};
    cell.trace.status = status;
    return cell;
}

static tm_model_solution solution_of(const char *author, const tm_model_cell *cells) {
    return (tm_model_solution){
        .name = "s", .author = author, .cells = cells, .score = tm_score_cells(cells, ROWS)};
}

static tm_model_definition definition_of(const tm_model_solution *solutions, size_t count) {
    static const tm_model_workload workloads[ROWS] = {{.uuid = "a"}, {.uuid = "b"}};
    return (tm_model_definition){.name = "d",
                                 .workloads = workloads,
                                 .workload_count = ROWS,
                                 .solutions = solutions,
                                 .solution_count = count};
}

static const tm_ranking_author *find(const tm_ranking *ranking, const char *name) {
    for (size_t i = 0; i < ranking->author_count; i++)
        if (strcmp(ranking->authors[i].name, name) == 0)
            return &ranking->authors[i];
    fail_msg("no author %s", name);
    return NULL;
}

static void assert_near(double got, double expected) {
    if (!(fabs(got - expected) < NEAR))
        fail_msg("expected %.17g, got %.17g", expected, got);
}

/* Latencies in ms; the reference takes 8 and 16 in the first definition, 4 and 4 in the second. */
typedef struct {
    tm_model_cell cells[6][ROWS];
    tm_model_solution first[4], second[2];
    tm_model_definition definitions[2];
    tm_model model;
} matrix;

static void make(matrix *m) {
    *m = (matrix){.cells = {{passed(4, 2), passed(4, 4)}, /* baseline */
                            {passed(2, 4), passed(8, 2)}, /* ada: 2 and 0.5 */
                            {passed(1, 8), passed(4, 4)}, /* ada's better one: 4 and 1 */
                            {passed(1, 8), with_status(TM_STATUS_TIMEOUT)}, /* bob: 0 and 0 */
                            {passed(4, 1), passed(4, 1)},                   /* baseline */
                            {passed(2, 2), with_status(TM_STATUS_VOID)}}};  /* ada: 2 */
    m->first[0] = solution_of("baseline", m->cells[0]);
    m->first[1] = solution_of("ada", m->cells[1]);
    m->first[2] = solution_of("ada", m->cells[2]);
    m->first[3] = solution_of("bob", m->cells[3]);
    m->second[0] = solution_of("baseline", m->cells[4]);
    m->second[1] = solution_of("ada", m->cells[5]);
    m->definitions[0] = definition_of(m->first, 4);
    m->definitions[1] = definition_of(m->second, 2);
    m->model = (tm_model){.definitions = m->definitions, .definition_count = 2};
}

static void test_scores(void **state) {
    (void)state;
    tm_arena *arena = tm_arena_create();
    matrix m;
    make(&m);
    tm_ranking ranking = tm_ranking_make(arena, &m.model);
    assert_int_equal(ranking.author_count, 3);
    assert_string_equal(ranking.authors[0].name, "ada");
    assert_string_equal(ranking.authors[1].name, "baseline");
    assert_string_equal(ranking.authors[2].name, "bob");
    assert_int_equal(ranking.no_baseline + ranking.many_baselines, 0);
    const tm_ranking_author *ada = find(&ranking, "ada");
    assert_int_equal(ada->definitions, 2);
    assert_int_equal(ada->solutions, 3);
    assert_int_equal(ada->cells, 5);
    assert_int_equal(ada->passed, 5);
    assert_int_equal(ada->baseline.definitions, 2);
    assert_near(ada->baseline.mean, ((4.0 + 1.0) / 2 + 2.0) / 2);
    assert_near(ada->baseline.geomean, 2.0); /* of 4, 1 and 2 */
    assert_near(ada->baseline.win_rate, (0.5 + 1.0) / 2);
    assert_near(ada->reference.mean, ((8.0 + 4.0) / 2 + 2.0) / 2);
    assert_near(ada->reference.geomean, 4.0); /* of 8, 4 and 2 */
    assert_near(ada->reference.win_rate, 1.0);
    const tm_ranking_author *baseline = find(&ranking, "baseline");
    assert_near(baseline->baseline.mean, 1.0);
    assert_near(baseline->baseline.win_rate, 0.0);
    tm_arena_destroy(arena);
}

/* A failed cell makes all of the solution's ratios 0; a workload without a base counts for none. */
static void test_failure(void **state) {
    (void)state;
    tm_arena *arena = tm_arena_create();
    matrix m;
    make(&m);
    tm_ranking ranking = tm_ranking_make(arena, &m.model);
    const tm_ranking_author *bob = find(&ranking, "bob");
    assert_int_equal(bob->cells, 2);
    assert_int_equal(bob->passed, 1);
    assert_int_equal(bob->baseline.definitions, 1);
    assert_int_equal(bob->baseline.ratio_count, 2);
    assert_near(bob->baseline.mean, 0.0);
    assert_near(bob->baseline.geomean, 0.0);
    assert_near(bob->baseline.win_rate, 0.0);
    m.cells[0][1] = with_status(TM_STATUS_RUNTIME_ERROR);
    m.first[0] = solution_of("baseline", m.cells[0]);
    ranking = tm_ranking_make(arena, &m.model);
    assert_int_equal(find(&ranking, "bob")->baseline.ratio_count, 1);
    tm_arena_destroy(arena);
}

static void test_win_at(void **state) {
    (void)state;
    tm_arena *arena = tm_arena_create();
    matrix m;
    make(&m);
    tm_ranking ranking = tm_ranking_make(arena, &m.model);
    const tm_ranking_score *score = &find(&ranking, "ada")->baseline; /* 1, 2, 4 */
    assert_near(tm_ranking_win_at(score, 0.5), 1.0);
    assert_near(tm_ranking_win_at(score, 1.0), 2.0 / 3);
    assert_near(tm_ranking_win_at(score, 3.9), 1.0 / 3);
    assert_near(tm_ranking_win_at(score, 4.0), 0.0);
    assert_near(tm_ranking_win_at(&(tm_ranking_score){0}, 1.0), 0.0);
    tm_arena_destroy(arena);
}

/* Without exactly one solution of "baseline" a definition is left out and counted. */
static void test_no_baseline(void **state) {
    (void)state;
    tm_arena *arena = tm_arena_create();
    matrix m;
    make(&m);
    m.first[1].author = "baseline";
    m.second[0].author = "carol";
    tm_ranking ranking = tm_ranking_make(arena, &m.model);
    assert_int_equal(ranking.many_baselines, 1);
    assert_int_equal(ranking.no_baseline, 1);
    assert_int_equal(find(&ranking, "ada")->baseline.definitions, 0);
    assert_near(find(&ranking, "ada")->baseline.mean, 0.0);
    assert_int_equal(find(&ranking, "ada")->reference.definitions, 2);
    tm_arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scores), cmocka_unit_test(test_failure),
        cmocka_unit_test(test_win_at), cmocka_unit_test(test_no_baseline)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
