/* The gate's statistics: against scipy, on noise made here whose distribution is known, and on the
 * latencies recorded in tests/data/noise. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/arena.h"
#include "lib/file.h"
#include "lib/random.h"
#include "reports/bootstrap.h"
#include "reports/gate.h"
#include "reports/rank_test.h"
#include "reports/student.h"
#include "tests/unit/recording.h"

static void assert_near(double got, double expected, double relative) {
    if (fabs(got - expected) > relative * fabs(expected))
        fail_msg("expected %.12g, got %.12g", expected, got);
}

static void assert_between(double got, double least, double most) {
    if (!(got >= least && got <= most))
        fail_msg("expected %g .. %g, got %g", least, most, got);
}

static tm_timing timing_of(tm_arena *arena, const double *ns, size_t count) {
    tm_timing_trial *trial = tm_arena_alloc(arena, sizeof *trial);
    *trial = recording_trial(arena, ns, count);
    return (tm_timing){TM_TIMING_SAMPLES, trial, 1};
}

/* ---- against scipy 1.17.1 ---- */

/* 2 * scipy.stats.t.sf(t, freedom) */
static void test_student(void **state) {
    (void)state;
    assert_near(tm_student_two_sided(2.0, 4), 0.11611652351681556, 1e-12);
    assert_near(tm_student_two_sided(-0.5, 1), 0.7048327646991335, 1e-12);
    assert_near(tm_student_two_sided(12.706204736432095, 1), 0.05, 1e-9);
    assert_near(tm_student_two_sided(3.2, 62.5), 0.002160163192356526, 1e-11);
    assert_near(tm_student_two_sided(25.0, 2.3), 0.0007489318228622558, 1e-10);
    assert_near(tm_student_two_sided(6.0, 1e8), 1.973182034315279e-09, 1e-5);
    assert_near(tm_student_two_sided(0.0, 4), 1.0, 1e-15);
    assert_true(tm_student_two_sided(INFINITY, 4) == 0.0);
}

/* scipy.stats.brunnermunzel(before, after) */
static void test_brunner_munzel(void **state) {
    (void)state;
    static const double a[] = {1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 1, 1};
    static const double b[] = {3, 3, 4, 3, 1, 2, 3, 1, 1, 5, 4};
    static const double x[] = {10.1, 10.3, 9.9, 10.0, 10.2, 10.4, 9.8};
    static const double y[] = {10.25, 10.6, 10.15, 10.5, 10.7, 10.05};
    tm_arena *arena = tm_arena_create();
    tm_timing before = timing_of(arena, a, 14), after = timing_of(arena, b, 11);
    tm_rank_test test = tm_rank_test_run(&before, &after);
    assert_near(test.t, 3.1374674823029505, 1e-12);
    assert_near(test.p, 0.005786208666151469, 1e-9);
    assert_near(test.larger, 1 - 0.21103896103896103, 1e-12);
    test = tm_rank_test_run(&after, &before);
    assert_near(test.t, -3.1374674823029505, 1e-12);
    before = timing_of(arena, x, 7);
    after = timing_of(arena, y, 6);
    test = tm_rank_test_run(&before, &after);
    assert_near(test.t, 2.123533510925846, 1e-12);
    assert_near(test.p, 0.058833364959835516, 1e-9);
    tm_arena_destroy(arena);
}

/* No overlap: what the most extreme of all orders has by chance, and no less. */
static void test_no_overlap(void **state) {
    (void)state;
    static const double low[] = {1, 2, 3, 4, 5}, high[] = {6, 7, 8, 9, 10};
    tm_arena *arena = tm_arena_create();
    tm_timing before = timing_of(arena, low, 5), after = timing_of(arena, high, 5);
    tm_rank_test test = tm_rank_test_run(&before, &after);
    assert_true(isinf(test.t) && test.larger == 1.0);
    assert_near(test.p, 2.0 / 252.0, 1e-9);
    test = tm_rank_test_run(&before, &before);
    assert_near(test.p, 1.0, 1e-9);
    tm_arena_destroy(arena);
}

/* ---- noise of a known distribution ---- */

typedef struct {
    uint32_t number; /* of the next draw */
} dice;

static double roll(dice *random) {
    philox4x32_ctr_t counter = {{random->number++, 1, 2, 3}};
    philox4x32_key_t key = {{4, 5}};
    philox4x32_ctr_t words = philox4x32(counter, key);
    float normals[2];
    tm_random_normals2(words.v[0], words.v[1], normals);
    return (double)normals[0];
}

/* Relative standard deviations. */
typedef struct {
    double run, trial, sample;
} noise;

static tm_timing draw_run(tm_arena *arena, dice *random, double ns, noise of) {
    enum { TRIALS = 3, SAMPLES = 50 };
    tm_timing_trial *trials = tm_arena_array(arena, TRIALS, sizeof *trials);
    double run = ns * exp(of.run * roll(random));
    for (int i = 0; i < TRIALS; i++) {
        double trial = run * exp(of.trial * roll(random)), samples[SAMPLES];
        for (int j = 0; j < SAMPLES; j++) /* ticks of 1 ns */
            samples[j] = round(trial * exp(of.sample * roll(random)));
        trials[i] = recording_trial(arena, samples, SAMPLES);
    }
    return (tm_timing){TM_TIMING_SAMPLES, trials, TRIALS};
}

static void test_interval_covers(void **state) {
    (void)state;
    static const noise kinds[] = {{0.004, 0.002, 0.02}, {0.004, 0, 0.05}, {0.01, 0.004, 0.01}};
    dice random = {0};
    for (size_t kind = 0; kind < 3; kind++) {
        int covered = 0;
        for (int i = 0; i < 400; i++) {
            tm_arena *arena = tm_arena_create();
            tm_timing before = draw_run(arena, &random, 20000, kinds[kind]);
            tm_timing after = draw_run(arena, &random, 21000, kinds[kind]);
            tm_bootstrap interval =
                tm_bootstrap_ratio(&before, &after, kinds[kind].run * sqrt(2), 0.9);
            covered += interval.low <= 1.05 && interval.high >= 1.05;
            tm_bootstrap again =
                tm_bootstrap_ratio(&before, &after, kinds[kind].run * sqrt(2), 0.9);
            assert_true(again.low == interval.low && again.high == interval.high);
            tm_arena_destroy(arena);
        }
        assert_between(covered / 400.0, 0.85, 0.94);
    }
}

typedef struct {
    size_t cells, changed, slower, same, ambiguous;
} shares;

static void count(shares *sum, tm_gate_verdict verdict) {
    sum->cells++;
    sum->changed += verdict == TM_GATE_SLOWER || verdict == TM_GATE_FASTER;
    sum->slower += verdict == TM_GATE_SLOWER;
    sum->same += verdict == TM_GATE_SAME;
    sum->ambiguous += verdict == TM_GATE_AMBIGUOUS;
}

/* Verdicts on 20 matrices of 80 cells whose every latency has become `factor` times as long. */
static shares judge_drawn(noise of, double ns, double factor) {
    enum { CELLS = 80 };
    dice random = {0};
    shares sum = {0};
    double relative, absolute;
    tm_gate_noise("cuda", &relative, &absolute);
    for (int matrix = 0; matrix < 20; matrix++) {
        tm_arena *arena = tm_arena_create();
        tm_gate_comparison comparisons[CELLS], *pointers[CELLS];
        for (int i = 0; i < CELLS; i++) {
            tm_timing before = draw_run(arena, &random, ns, of);
            tm_timing after = draw_run(arena, &random, ns * factor, of);
            comparisons[i] = tm_gate_compare(&before, &after, relative, absolute);
            pointers[i] = &comparisons[i];
        }
        tm_gate_adjust(arena, pointers, CELLS);
        for (int i = 0; i < CELLS; i++)
            count(&sum, tm_gate_decide(&comparisons[i], TM_GATE_THRESHOLD, false));
        tm_arena_destroy(arena);
    }
    return sum;
}

static void test_unchanged_is_not_slower(void **state) {
    (void)state;
    /* Runs as on an H200: in the median, in the worst cell of ten, in the worst. */
    static const noise kinds[] = {
        {0.0025, 0.002, 0.02}, {0.009, 0.003, 0.02}, {0.012, 0.012, 0.05}};
    for (size_t i = 0; i < 3; i++) {
        shares got = judge_drawn(kinds[i], 12000, 1);
        assert_int_equal(got.cells, 1600);
        printf("made noise %zu: %zu of 1600 SLOWER or FASTER, %zu SAME\n", i, got.changed,
               got.same);
        /* All of the cells as the worst of ten, or of all, are in a matrix: none is such. */
        assert_between((double)got.changed / 1600, 0, i == 0 ? 0.005 : 0.02);
        if (i == 0)
            assert_between((double)got.same / 1600, 0.8, 1);
    }
}

static void test_slower_is_found(void **state) {
    (void)state;
    static const noise steady = {0.0025, 0.002, 0.02};
    assert_between((double)judge_drawn(steady, 12000, 1.05).slower / 1600, 0.95, 1);
    /* 20 us and more: no floor of the clock. */
    assert_between((double)judge_drawn(steady, 60000, 1.05).slower / 1600, 0.95, 1);
    shares faster = judge_drawn(steady, 12000, 1 / 1.05);
    assert_between((double)faster.changed / 1600, 0.95, 1);
    assert_int_equal(faster.slower, 0);
    /* What is not relevant is not told, however surely it is there. */
    assert_int_equal(judge_drawn((noise){0.0001, 0.0001, 0.001}, 60000, 1.015).changed, 0);
}

static void test_holm(void **state) {
    (void)state;
    tm_arena *arena = tm_arena_create();
    tm_gate_comparison of[4] = {{.p = 0.03}, {.p = 0.005}, {.p = 0.04}, {.p = 0.01}};
    tm_gate_comparison *pointers[4] = {&of[0], &of[1], &of[2], &of[3]};
    tm_gate_adjust(arena, pointers, 4);
    assert_near(of[1].p_adjusted, 0.02, 1e-12);
    assert_near(of[3].p_adjusted, 0.03, 1e-12);
    assert_near(of[0].p_adjusted, 0.06, 1e-12);
    assert_near(of[2].p_adjusted, 0.06, 1e-12); /* never below that of a smaller p */
    tm_arena_destroy(arena);
}

/* ---- recorded noise ---- */

/* Whether the cell's latencies differ by less than 1 % over all runs, largest to smallest. */
static bool is_steady(const recording *all, const char *cell) {
    double least = INFINITY, most = 0;
    for (int run = 1; run <= all->runs; run++) {
        const recorded *row = recording_find(all, run, cell);
        if (row == NULL)
            return false;
        double latency = tm_timing_latency_ns(&row->timing);
        least = fmin(least, latency);
        most = fmax(most, latency);
    }
    return most < 1.01 * least;
}

/* Each run against each earlier one, the later times `factor`; of all cells, or the steady ones. */
static shares judge_recorded(const recording *all, const char *backend, double factor,
                             bool only_steady) {
    shares sum = {0};
    double relative, absolute;
    tm_gate_noise(backend, &relative, &absolute);
    for (int later = 2; later <= all->runs; later++)
        for (int earlier = 1; earlier < later; earlier++) {
            tm_arena *arena = tm_arena_create();
            tm_gate_comparison *comparisons =
                tm_arena_array(arena, all->count, sizeof *comparisons);
            tm_gate_comparison **pointers = tm_arena_array(arena, all->count, sizeof *pointers);
            const recorded **befores = tm_arena_array(arena, all->count, sizeof *befores);
            const recorded **afters = tm_arena_array(arena, all->count, sizeof *afters);
            size_t cells = 0;
            for (size_t i = 0; i < all->count; i++) {
                const recorded *before = &all->rows[i];
                const recorded *after =
                    before->run == earlier ? recording_find(all, later, before->cell) : NULL;
                if (after == NULL)
                    continue;
                tm_timing scaled = tm_timing_scale(arena, &after->timing, factor);
                comparisons[cells] = tm_gate_compare(&before->timing, &scaled, relative, absolute);
                pointers[cells] = &comparisons[cells];
                befores[cells] = before;
                afters[cells++] = after;
            }
            tm_gate_adjust(arena, pointers, cells);
            for (size_t i = 0; i < cells; i++)
                if (!only_steady || is_steady(all, befores[i]->cell))
                    count(&sum, tm_gate_decide(&comparisons[i], TM_GATE_THRESHOLD,
                                               befores[i]->wait >= 20 || afters[i]->wait >= 20));
            tm_arena_destroy(arena);
        }
    return sum;
}

/* tests/data/noise/<backend>-*.txt */
static void test_recorded_noise(void **state) {
    (void)state;
    tm_arena *arena = tm_arena_create();
    size_t count_of_files;
    const tm_file_entry *files = tm_file_list(arena, "tests/data/noise", &count_of_files);
    size_t recordings = 0;
    for (size_t i = 0; files != NULL && i < count_of_files; i++) {
        const char *path = tm_file_join(arena, "tests/data/noise", files[i].name);
        const char *backend = strncmp(files[i].name, "cpu-", 4) == 0 ? "cpu" : "cuda";
        recording all = recording_read(arena, path);
        shares unchanged = judge_recorded(&all, backend, 1, false);
        shares slowed = judge_recorded(&all, backend, 1.05, true);
        shares doubled = judge_recorded(&all, backend, 2, false);
        printf("%s: %d runs, %zu comparisons: %zu SLOWER or FASTER, %zu SAME; x 1.05: %zu of %zu "
               "steady ones found; x 2: %zu found\n",
               path, all.runs, unchanged.cells, unchanged.changed, unchanged.same, slowed.slower,
               slowed.cells, doubled.slower);
        assert_true(all.runs >= 2 && unchanged.cells > 0);
        assert_between((double)unchanged.changed / (double)unchanged.cells, 0, 0.01);
        /* The CPU of a shared machine has no steady cell. */
        assert_true(slowed.cells > 0 || strcmp(backend, "cpu") == 0);
        if (slowed.cells > 0)
            assert_between((double)slowed.slower / (double)slowed.cells, 0.95, 1);
        recordings++;
    }
    assert_true(recordings > 0);
    tm_arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_student),
        cmocka_unit_test(test_brunner_munzel),
        cmocka_unit_test(test_no_overlap),
        cmocka_unit_test(test_interval_covers),
        cmocka_unit_test(test_unchanged_is_not_slower),
        cmocka_unit_test(test_slower_is_found),
        cmocka_unit_test(test_holm),
        cmocka_unit_test(test_recorded_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
