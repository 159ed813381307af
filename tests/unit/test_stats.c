/* Order statistics against values worked out by hand, and the interval of a median by counting. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "harness/stats.h"

#define NEAR 1e-12
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void assert_near(double got, double wanted) {
    if (!(fabs(got - wanted) <= NEAR * fmax(1, fabs(wanted))))
        fail_msg("expected %.17g, got %.17g", wanted, got);
}

static void test_one_sample(void **state) {
    (void)state;
    double samples[] = {7.5};
    tm_stats stats = tm_stats_of(samples, 1);
    assert_int_equal(stats.count, 1);
    assert_near(stats.min, 7.5);
    assert_near(stats.p10, 7.5);
    assert_near(stats.median, 7.5);
    assert_near(stats.p90, 7.5);
    assert_near(stats.mean, 7.5);
    assert_near(stats.standard_deviation, 0);
}

/* numpy.quantile([1, 2, 4, 8], [.1, .5, .9]) = 1.3, 3, 6.8; std(ddof=1) = sqrt(115 / 12). */
static void test_even_count(void **state) {
    (void)state;
    double samples[] = {8, 1, 4, 2};
    tm_stats stats = tm_stats_of(samples, COUNT(samples));
    assert_near(stats.min, 1);
    assert_near(stats.p10, 1.3);
    assert_near(stats.median, 3);
    assert_near(stats.p90, 6.8);
    assert_near(stats.mean, 3.75);
    assert_near(stats.standard_deviation, sqrt(115.0 / 12.0));
    for (size_t i = 1; i < COUNT(samples); i++)
        assert_true(samples[i - 1] < samples[i]); /* sorted, as the header says */
}

/* An outlier moves the mean and not the median. */
static void test_odd_count_with_outlier(void **state) {
    (void)state;
    double samples[] = {10, 1000, 12, 11, 9};
    tm_stats stats = tm_stats_of(samples, COUNT(samples));
    assert_near(stats.median, 11);
    assert_near(stats.p10, 9.4);
    assert_near(stats.p90, 604.8);
    assert_near(stats.mean, 208.4);
}

static void test_equal_samples(void **state) {
    (void)state;
    double samples[] = {3, 3, 3, 3, 3, 3};
    tm_stats stats = tm_stats_of(samples, COUNT(samples));
    assert_near(stats.median, 3);
    assert_near(stats.mean, 3);
    assert_near(stats.standard_deviation, 0);
}

/* Probability that exactly the ranks [low, high] of `count` samples enclose the median: that at
 * least low + 1 and at most high of them lie below it. */
static double enclosing_probability(size_t count, size_t low, size_t high) {
    double term = pow(0.5, (double)count), sum = 0;
    for (size_t below = 0; below <= high; below++) {
        if (below > low)
            sum += term;
        term *= (double)(count - below) / (double)(below + 1);
    }
    return sum;
}

static void test_interval_of_few_samples(void **state) {
    (void)state;
    double one[] = {5}, five[] = {1, 2, 3, 4, 5}, low, high;
    tm_stats_median_interval(one, 1, &low, &high);
    assert_near(low, 5);
    assert_near(high, 5);
    tm_stats_median_interval(five, 5, &low, &high);
    assert_near(low, 1);
    assert_near(high, 5);
    /* Even the extremes of 5 enclose the median less often than 95 %: 1 - 2 / 2^5. */
    assert_near(enclosing_probability(5, 0, 4), 0.9375);
    assert_near(enclosing_probability(6, 0, 5), 0.96875);
}

static void test_interval_encloses_the_median(void **state) {
    (void)state;
    for (size_t count = 6; count <= 400; count++) {
        double ranks[400], low, high;
        for (size_t i = 0; i < count; i++)
            ranks[i] = (double)i;
        tm_stats_median_interval(ranks, count, &low, &high);
        assert_near(low + high, (double)(count - 1)); /* the same distance from both ends */
        double probability = enclosing_probability(count, (size_t)low, (size_t)high);
        if (probability < 0.95)
            fail_msg("%zu samples: [%g, %g] encloses with probability %.4f", count, low, high,
                     probability);
        /* At most one rank wider than needed at each end, which happens at 17, 44, 67, ... */
        size_t inner = (size_t)low + 2, outer = (size_t)high - 2;
        if (inner < outer && enclosing_probability(count, inner, outer) >= 0.95)
            fail_msg("%zu samples: [%zu, %zu] would do, got [%g, %g]", count, inner, outer, low,
                     high);
    }
}

/* A trial of 50 samples with this median and this p90 - p10. */
static tm_stats trial_of(double median, double spread) {
    return (tm_stats){
        .count = 50, .median = median, .p10 = median - spread / 4, .p90 = median + spread * 3 / 4};
}

static bool unstable(tm_stats first, tm_stats second, tm_stats third, double least_ns) {
    tm_stats trials[] = {first, second, third};
    return tm_stats_unstable(trials, COUNT(trials), least_ns);
}

static void test_unstable_spread(void **state) {
    (void)state;
    const double least = TM_STATS_LEAST_CUPTI_NS;
    tm_stats calm = trial_of(100e3, 9.9e3), restless = trial_of(100e3, 10.1e3);
    assert_false(unstable(calm, calm, calm, least));
    assert_true(unstable(restless, restless, restless, least));
    assert_true(unstable(restless, calm, restless, least));
    assert_false(unstable(calm, restless, calm, least));
    assert_true(tm_stats_unstable(&restless, 1, least));
    assert_false(tm_stats_unstable(&calm, 1, least));
    tm_stats pair[] = {calm, restless};
    assert_true(tm_stats_unstable(pair, 2, least));
    assert_false(tm_stats_unstable(NULL, 0, least));
}

static void test_unstable_drift(void **state) {
    (void)state;
    const double least = TM_STATS_LEAST_CUPTI_NS;
    tm_stats base = trial_of(100e3, 1e3), near = trial_of(102.9e3, 1e3),
             far = trial_of(103.1e3, 1e3);
    assert_false(unstable(base, near, base, least));
    assert_true(unstable(base, far, base, least));
    assert_true(unstable(far, base, base, least));
    assert_true(unstable(base, base, far, least));
    assert_false(unstable(far, far, far, least));
}

/* What is under the clock's floor is judged as the floor; a finer clock says more. */
static void test_unstable_floor(void **state) {
    (void)state;
    tm_stats calm = trial_of(1770, 990), restless = trial_of(1770, 1010);
    assert_false(unstable(calm, calm, calm, TM_STATS_LEAST_CUPTI_NS));
    assert_true(unstable(restless, restless, restless, TM_STATS_LEAST_CUPTI_NS));
    assert_false(unstable(restless, restless, restless, TM_STATS_LEAST_EVENTS_NS));
    assert_true(unstable(calm, calm, calm, TM_STATS_LEAST_MONOTONIC_NS));
    tm_stats later = trial_of(1770 + 290, 100), late = trial_of(1770 + 310, 100),
             base = trial_of(1770, 100);
    assert_false(unstable(base, later, base, TM_STATS_LEAST_CUPTI_NS));
    assert_true(unstable(base, late, base, TM_STATS_LEAST_CUPTI_NS));
    assert_false(unstable(base, late, base, TM_STATS_LEAST_EVENTS_NS));
    assert_true(unstable(base, later, base, TM_STATS_LEAST_MONOTONIC_NS));
}

static void test_unstable_without_a_number(void **state) {
    (void)state;
    const double least = TM_STATS_LEAST_CUPTI_NS;
    tm_stats calm = trial_of(100e3, 1e3);
    assert_true(unstable(calm, trial_of(NAN, 1e3), calm, least));
    assert_true(unstable(calm, trial_of(100e3, NAN), calm, least));
    assert_true(unstable(calm, trial_of(INFINITY, 1e3), calm, least));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_sample),
        cmocka_unit_test(test_even_count),
        cmocka_unit_test(test_odd_count_with_outlier),
        cmocka_unit_test(test_equal_samples),
        cmocka_unit_test(test_interval_of_few_samples),
        cmocka_unit_test(test_interval_encloses_the_median),
        cmocka_unit_test(test_unstable_spread),
        cmocka_unit_test(test_unstable_drift),
        cmocka_unit_test(test_unstable_floor),
        cmocka_unit_test(test_unstable_without_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
