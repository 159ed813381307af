/* Change points: of series whose changes are known, against all ways to cut short ones, and how
 * often they are wrong on noise made here and on the latencies recorded in tests/data/noise. */
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
#include "reports/change_point.h"
#include "reports/gate.h"
#include "reports/student.h"
#include "tests/unit/recording.h"

#define THRESHOLD 0.02

typedef struct {
    uint32_t number; /* of the next draw */
} dice;

static double roll(dice *random) {
    philox4x32_ctr_t counter = {{random->number++, 6, 7, 8}};
    philox4x32_key_t key = {{9, 10}};
    philox4x32_ctr_t words = philox4x32(counter, key);
    float normals[2];
    tm_random_normals2(words.v[0], words.v[1], normals);
    return (double)normals[0];
}

static size_t draw(dice *random, size_t most) {
    philox4x32_ctr_t counter = {{random->number++, 11, 12, 13}};
    philox4x32_key_t key = {{14, 15}};
    return philox4x32(counter, key).v[0] % most;
}

/* ---- known series ---- */

/* "0 10 12:+20.0" for levels that begin there: the change in percent; " last" when the last value
 * differs. Values are in percent, each known to 0.5. */
static const char *changes_of(tm_arena *arena, const double *percents, size_t count,
                              double chance) {
    tm_change_point_value *values = tm_arena_array(arena, count, sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = (tm_change_point_value){log1p(percents[i] / 100), 0.005 * 0.005};
    tm_change_points found = tm_change_point_find(arena, values, count, chance, THRESHOLD);
    const char *text = "";
    assert_int_equal(found.levels[0].begin, 0);
    assert_int_equal(found.levels[found.count - 1].end, count);
    for (size_t i = 1; i < found.count; i++) {
        assert_int_equal(found.levels[i].begin, found.levels[i - 1].end);
        text =
            tm_arena_format(arena, "%s%s%zu:%+.1f", text, *text ? " " : "", found.levels[i].begin,
                            100 * expm1(found.levels[i].level - found.levels[i - 1].level));
    }
    return found.last_differs ? tm_arena_format(arena, "%s%slast", text, *text ? " " : "") : text;
}

#define CHANGES(expected, ...)                                                                     \
    do {                                                                                           \
        static const double percents[] = {__VA_ARGS__};                                            \
        assert_string_equal(changes_of(arena, percents, sizeof percents / sizeof *percents, 1e-5), \
                            expected);                                                             \
    } while (0)

static void test_known(void **state) {
    (void)state;
    tm_arena *arena = tm_arena_create();
    CHANGES("", 0);
    CHANGES("", 0, 0.1);
    CHANGES("last", 0, 50);
    CHANGES("", 0.2, 0, 0.1, -0.2, 0.3, 0, 0.1, 0.2);
    /* One run is no change, wherever it is; the last might become one. */
    CHANGES("", 0, 0, 0, 80, 0, 0, 0, 0);
    CHANGES("", 80, 0, 0, 0, 0, 0, 0, 0);
    CHANGES("last", 0, 0.1, 0, 0.2, 0, 0, 0, 80);
    /* Two that are alike at the end are a change, as they are at the beginning. */
    CHANGES("6:+10.0", 0, 0, 0, 0, 0, 0, 10, 10);
    CHANGES("2:-9.1", 10, 10, 0, 0, 0, 0, 0, 0);
    /* Two that came and went are not, three are. */
    CHANGES("", 0, 0, 0, 80, 80, 0, 0, 0, 0);
    CHANGES("3:+80.0 6:-44.4", 0, 0, 0, 80, 80, 80, 0, 0, 0);
    CHANGES("4:+5.0", 0, 0, 0, 0, 5, 5, 5, 5, 5);
    CHANGES("4:+20.0 8:+25.0 12:-33.3", 0, 0, 0, 0, 20, 20, 20, 20, 50, 50, 50, 50, 0, 0, 0, 0);
    /* An outlier beside a change moves it not. */
    CHANGES("4:+10.0", 0, 0, 0, 60, 10, 10, 10, 10, 10);
    CHANGES("4:+10.0", 0, 0, 0, 0, 10, -40, 10, 10, 10, 10, 10, 10, 10, 10, 10);
    CHANGES("4:+10.0 last", 0, 0, 0, 0, 10, 10, 10, 10, 30);
    /* What is not relevant is none, however sure; twice it is one. */
    CHANGES("", 0, 0, 0, 0, 0, 0, 0, 0, 0, 1.9, 1.9, 1.9, 1.9, 1.9, 1.9, 1.9, 1.9, 1.9);
    CHANGES("9:+2.1", 0, 0, 0, 0, 0, 0, 0, 0, 0, 2.1, 2.1, 2.1, 2.1, 2.1, 2.1, 2.1, 2.1, 2.1);
    /* What creeps, 0.25 % a run, is told in steps. */
    double creeping[40];
    for (int i = 0; i < 40; i++)
        creeping[i] = 0.25 * i;
    const char *steps = changes_of(arena, creeping, 40, 1e-5);
    printf("creeping by 10 %%: %s\n", steps);
    assert_true(strchr(steps, ':') != NULL && strchr(steps, '-') == NULL);
    /* Noise that the series shows itself counts for more than what was known. */
    CHANGES("", 0, 7, -5, 8, -6, 4, 9, -8, 6, -7, 5, 9, 7, 12, 4, 8);
    tm_arena_destroy(arena);
}

static void test_interval(void **state) {
    (void)state;
    dice random = {0};
    int covered = 0, sets = 600;
    for (int set = 0; set < sets; set++) {
        tm_arena *arena = tm_arena_create();
        tm_change_point_value values[24];
        for (size_t i = 0; i < 24; i++)
            values[i] = (tm_change_point_value){(i < 10 ? 0.0 : 0.1) + 0.005 * roll(&random),
                                                0.005 * 0.005};
        tm_change_points found = tm_change_point_find(arena, values, 24, 1e-5, THRESHOLD);
        assert_int_equal(found.count, 2);
        double change = found.levels[1].level - found.levels[0].level;
        covered += fabs(change - 0.1) <= tm_change_point_margin(&found, 1);
        tm_arena_destroy(arena);
    }
    printf("95 %% interval: covers %.1f %%\n", 100.0 * covered / sets);
    assert_in_range(covered, sets * 92 / 100, sets * 98 / 100);
}

/* ---- against all ways to cut ---- */

static int compare_doubles(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* The least sum of bounded squares: the level is the mean of some neighbours in order of size. */
static double cost_of(const double *logs, size_t count, double variance, double most) {
    double sorted[16], best = INFINITY;
    memcpy(sorted, logs, count * sizeof *logs);
    qsort(sorted, count, sizeof *sorted, compare_doubles);
    for (size_t i = 0; i < count; i++)
        for (size_t j = i; j < count; j++) {
            double mean = 0, sum = 0;
            for (size_t k = i; k <= j; k++)
                mean += sorted[k] / (double)(j - i + 1);
            for (size_t k = 0; k < count; k++)
                sum += fmin(most, (sorted[k] - mean) * (sorted[k] - mean) / variance);
            best = fmin(best, sum);
        }
    return best;
}

static void test_no_way_is_cheaper(void **state) {
    (void)state;
    enum { COUNT = 9 };
    const double variance = 0.005 * 0.005, chance = 1e-3;
    dice random = {0};
    size_t with_changes = 0;
    for (int set = 0; set < 300; set++) {
        tm_arena *arena = tm_arena_create();
        tm_change_point_value values[COUNT];
        double logs[COUNT], level = 0;
        for (size_t i = 0; i < COUNT; i++) {
            level += draw(&random, 3) == 0 ? 0.03 * roll(&random) : 0;
            logs[i] = level + 0.005 * roll(&random) + (draw(&random, 8) == 0 ? 0.2 : 0);
            values[i] = (tm_change_point_value){logs[i], variance};
        }
        tm_change_points found = tm_change_point_find(arena, values, COUNT, chance, 0);
        double limit = 0;
        for (double step = 1024; step > 1e-6; step /= 2)
            while (tm_student_two_sided(limit + step, found.freedom) > chance)
                limit += step;
        double penalty = limit * limit, most = 0.75 * penalty, least = INFINITY, got = 0;
        for (unsigned cuts = 0; cuts < 1u << (COUNT - 1); cuts++) {
            double sum = 0;
            for (size_t i = 0, begin = 0; i < COUNT; i++)
                if (i + 1 == COUNT || cuts >> i & 1) {
                    sum += cost_of(logs + begin, i + 1 - begin, variance * found.scale, most);
                    sum += begin > 0 ? penalty : 0;
                    begin = i + 1;
                }
            least = fmin(least, sum);
        }
        for (size_t i = 0; i < found.count; i++)
            got +=
                cost_of(logs + found.levels[i].begin, found.levels[i].end - found.levels[i].begin,
                        variance * found.scale, most) +
                (i > 0 ? penalty : 0);
        if (fabs(got - least) > 1e-3 * penalty)
            fail_msg("set %d: %g, but %g is to be had", set, got, least);
        with_changes += found.count > 1;
        tm_arena_destroy(arena);
    }
    assert_in_range(with_changes, 50, 250);
}

/* ---- how often it is wrong ---- */

typedef struct {
    size_t series, wrong; /* with a change where there is none */
    size_t last;          /* whose last run is said to differ */
    size_t found, near;   /* with one change, of about the planted size; within one run */
} rates;

static void count(rates *sum, const tm_change_points *found, size_t planted_at, double planted) {
    sum->series++;
    sum->wrong += found->count > 1;
    sum->last += found->last_differs;
    if (planted_at == 0 || found->count != 2)
        return;
    double change = found->levels[1].level - found->levels[0].level;
    size_t at = found->levels[1].begin;
    sum->found += change > planted / 2 && change < planted * 2;
    sum->near += at + 1 >= planted_at && at <= planted_at + 1;
}

static void print_rates(const char *what, const rates *got) {
    printf("%-44s %6zu series: %5.2f %% with a change, %5.2f %% with a last run that differs\n",
           what, got->series, 100.0 * (double)got->wrong / (double)got->series,
           100.0 * (double)got->last / (double)got->series);
}

static double share(size_t part, size_t of) {
    return (double)part / (double)of;
}

static void test_made_noise(void **state) {
    (void)state;
    enum { SERIES = 500 };
    static const double noises[] = {0.001, 0.005, 0.01, 0.03};
    static const size_t lengths[] = {5, 10, 20, 50};
    for (int heavy = 0; heavy < 2; heavy++) /* Student's t of 3 degrees of freedom */
        for (size_t i = 0; i < 4; i++)
            for (size_t j = 0; j < 4; j++) {
                dice random = {0};
                rates sum = {0};
                size_t runs = lengths[j];
                for (int k = 0; k < SERIES; k++) {
                    tm_arena *arena = tm_arena_create();
                    tm_change_point_value values[50];
                    for (size_t run = 0; run < runs; run++) {
                        double a = roll(&random), b = roll(&random), c = roll(&random);
                        double size = heavy ? sqrt(3 / (a * a + b * b + c * c)) / sqrt(3) : 1;
                        values[run] = (tm_change_point_value){noises[i] * size * roll(&random),
                                                              0.005 * 0.005};
                    }
                    tm_change_points found = tm_change_point_find(
                        arena, values, runs, TM_CHANGE_POINT_LEVEL / (79.0 * (double)(runs - 1)),
                        THRESHOLD);
                    count(&sum, &found, 0, 0);
                    tm_arena_destroy(arena);
                }
                char what[64];
                snprintf(what, sizeof what, "made, %s, %.1f %%, %zu runs",
                         heavy ? "heavy tails" : "normal", 100 * noises[i], runs);
                print_rates(what, &sum);
                assert_true(share(sum.wrong, sum.series) <= 0.01);
            }
}

static bool is_steady(const recording *all, const char *cell) {
    double least = INFINITY, most = 0;
    for (int run = 1; run <= all->runs; run++) {
        const recorded *row = recording_find(all, run, cell);
        if (row == NULL)
            return false;
        least = fmin(least, tm_timing_latency_ns(&row->timing));
        most = fmax(most, tm_timing_latency_ns(&row->timing));
    }
    return most < 1.01 * least;
}

/* Series of `runs` runs of one cell, drawn from the recorded ones; from `planted_at` on times
 * `factor`. */
static rates judge(const recording *all, const char *backend, size_t runs, size_t planted_at,
                   double factor, bool only_steady) {
    enum { REPEATS = 25 };
    double relative, absolute;
    tm_gate_noise(backend, &relative, &absolute);
    rates sum = {0};
    dice random = {0};
    size_t cells = 0;
    for (size_t i = 0; i < all->count; i++)
        cells += all->rows[i].run == 1;
    double chance = TM_CHANGE_POINT_LEVEL / ((double)cells * (double)(runs - 1));
    for (size_t i = 0; i < all->count; i++) {
        const char *cell = all->rows[i].cell;
        if (all->rows[i].run != 1 || (only_steady && !is_steady(all, cell)))
            continue;
        const recorded *rows[16];
        assert_true(all->runs <= 16);
        for (int run = 0; run < all->runs; run++)
            rows[run] = recording_find(all, run + 1, cell);
        for (int repeat = 0; repeat < REPEATS; repeat++) {
            tm_arena *arena = tm_arena_create();
            tm_timing *timings = tm_arena_array(arena, runs, sizeof *timings);
            size_t kept = 0, at = 0;
            for (size_t run = 0; run < runs; run++) {
                const recorded *row = rows[draw(&random, (size_t)all->runs)];
                at = run == planted_at ? kept : at;
                if (row != NULL)
                    timings[kept++] = tm_timing_scale(
                        arena, &row->timing, planted_at > 0 && run >= planted_at ? factor : 1);
            }
            tm_change_point_value *values =
                tm_change_point_values(arena, timings, kept, relative, absolute);
            tm_change_points found = tm_change_point_find(arena, values, kept, chance, THRESHOLD);
            count(&sum, &found, at, log(factor));
            tm_arena_destroy(arena);
        }
    }
    return sum;
}

static void test_recorded_noise(void **state) {
    (void)state;
    tm_arena *arena = tm_arena_create();
    size_t files_count, recordings = 0;
    const tm_file_entry *files = tm_file_list(arena, "tests/data/noise", &files_count);
    for (size_t i = 0; files != NULL && i < files_count; i++) {
        const char *path = tm_file_join(arena, "tests/data/noise", files[i].name);
        bool is_cpu = strncmp(files[i].name, "cpu-", 4) == 0;
        const char *backend = is_cpu ? "cpu" : "cuda";
        recording all = recording_read(arena, path);
        static const size_t lengths[] = {5, 10, 20, 50};
        for (size_t j = 0; j < 4; j++) {
            /* Those beside which other programs ran as well, which history leaves out. */
            rates unchanged = judge(&all, backend, lengths[j], 0, 1, false);
            print_rates(tm_arena_format(arena, "%s, %zu runs", files[i].name, lengths[j]),
                        &unchanged);
            if (lengths[j] < 20)
                continue;
            assert_true(share(unchanged.wrong, unchanged.series) <= 0.01);
            static const double places[] = {0.25, 0.5, 0.9};
            for (size_t k = 0; k < 3; k++) {
                size_t at = (size_t)(places[k] * (double)lengths[j]);
                rates slowed = judge(&all, backend, lengths[j], at, 1.05, true);
                if (slowed.series == 0) /* the CPU of a shared machine has no steady cell */
                    continue;
                printf("%s, %zu runs, x 1.05 from the %zu. on: %.2f %% of %zu found, %.2f %% "
                       "within one run\n",
                       files[i].name, lengths[j], at + 1, 100 * share(slowed.found, slowed.series),
                       slowed.series, 100 * share(slowed.near, slowed.series));
                assert_true(share(slowed.found, slowed.series) >= 0.95);
                assert_true(share(slowed.near, slowed.series) >= 0.95);
            }
        }
        recordings++;
    }
    assert_true(recordings > 0);
    tm_arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_interval),
        cmocka_unit_test(test_no_way_is_cheaper),
        cmocka_unit_test(test_made_noise),
        cmocka_unit_test(test_recorded_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
