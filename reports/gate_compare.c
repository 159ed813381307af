/* The statistics of one cell, and of all of them together: docs/MEASUREMENT.md, "Two runs". */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/gate.h"
#include "reports/rank_test.h"
#include "reports/student.h"

/* Variance of the logarithm of a latency from run to run of the same code, as far as it is known.
 */
static double run_variance(const tm_timing *timing, double noise, double noise_ns) {
    double absolute = noise_ns / tm_timing_latency_ns(timing);
    return noise * noise + absolute * absolute;
}

/* How far three trials are believed about how much trials differ: as if this many more had been
 * seen, of which the standard deviation is that of runs times the share. */
#define PRIOR_FREEDOM 4.0
#define PRIOR_SHARE 0.5

/* Variance of the logarithm of the ratio of two runs of the same code. */
typedef struct {
    double known;   /* of runs */
    double trials;  /* of the latencies, as far as the trials of a run differ */
    double beyond;  /* runs differ among each other at least as trials of a run do */
    double freedom; /* of the two before; 0: not known */
} variances;

static variances variances_of(const tm_timing *before, const tm_timing *after, double noise,
                              double noise_ns) {
    double trials_before = (double)before->trial_count, trials_after = (double)after->trial_count;
    variances result = {.known = run_variance(before, noise, noise_ns) +
                                 run_variance(after, noise, noise_ns),
                        .freedom = trials_before + trials_after - 2.0};
    if (result.freedom > 0.0) {
        double prior = PRIOR_FREEDOM * PRIOR_SHARE * PRIOR_SHARE * result.known / 2.0;
        result.freedom += PRIOR_FREEDOM;
        double one =
            (tm_timing_scatter(before) + tm_timing_scatter(after) + prior) / result.freedom;
        result.trials = one * (1.0 / trials_before + 1.0 / trials_after);
        result.beyond = 2.0 * one;
    }
    return result;
}

/* Whether the runs differ by more than runs of the same code do: Student's t, with the degrees of
 * freedom of a sum of which one part is known (Satterthwaite). */
static double run_test(const variances *parts, double log_ratio) {
    double estimated = parts->trials + parts->beyond, variance = parts->known + estimated;
    double freedom =
        estimated > 0.0 ? variance * variance / (estimated * estimated / parts->freedom) : INFINITY;
    return tm_student_two_sided(log_ratio / sqrt(variance), freedom);
}

static size_t count_samples(const tm_timing *timing) {
    size_t count = 0;
    for (size_t i = 0; timing->source == TM_TIMING_SAMPLES && i < timing->trial_count; i++)
        count += timing->trials[i].count;
    return count;
}

tm_gate_comparison tm_gate_compare(const tm_timing *before, const tm_timing *after, double noise,
                                   double noise_ns) {
    variances parts = variances_of(before, after, noise, noise_ns);
    tm_gate_comparison result = {.ratio =
                                     tm_timing_latency_ns(after) / tm_timing_latency_ns(before)};
    result.interval = tm_bootstrap_ratio(before, after, sqrt(parts.known), TM_GATE_INTERVAL_SHARE);
    result.p = run_test(&parts, log(result.ratio));
    if (count_samples(before) > 1 && count_samples(after) > 1) {
        tm_rank_test test = tm_rank_test_run(before, after);
        result.larger = test.larger;
        result.p = fmax(result.p, test.p);
    }
    result.p_adjusted = result.p;
    return result;
}

static int compare_p(const void *left_pointer, const void *right_pointer) {
    const tm_gate_comparison *left = *(tm_gate_comparison *const *)left_pointer;
    const tm_gate_comparison *right = *(tm_gate_comparison *const *)right_pointer;
    return (left->p > right->p) - (left->p < right->p);
}

/* Holm 1979: the chance of any false alarm is bounded, whatever depends on what. One is enough to
 * stop a merge, so their number, not their share among alarms, is what counts. */
void tm_gate_adjust(tm_arena *arena, tm_gate_comparison *const *comparisons, size_t count) {
    tm_gate_comparison **sorted = tm_arena_array(arena, count, sizeof(*sorted));
    for (size_t i = 0; i < count; i++)
        sorted[i] = comparisons[i];
    if (count > 0)
        qsort(sorted, count, sizeof(*sorted), compare_p);
    double least = 0.0;
    for (size_t i = 0; i < count; i++) {
        least = fmax(least, fmin(1.0, sorted[i]->p * (double)(count - i)));
        sorted[i]->p_adjusted = least;
    }
}

tm_gate_verdict tm_gate_decide(const tm_gate_comparison *comparison, double threshold,
                               bool is_crowded) {
    double most = 1.0 + threshold;
    bool differs = comparison->p_adjusted <= TM_GATE_LEVEL && !is_crowded;
    if (differs && comparison->ratio > most)
        return TM_GATE_SLOWER;
    if (differs && comparison->ratio < 1.0 / most)
        return TM_GATE_FASTER;
    bool is_within = comparison->interval.low >= 1.0 / most && comparison->interval.high <= most;
    return is_within ? TM_GATE_SAME : TM_GATE_AMBIGUOUS;
}

/* Standard deviation of a cell's latency from run to run of the same code, each in processes of its
 * own, beyond what its trials show: docs/MEASUREMENT.md, "Two runs". */
void tm_gate_noise(const char *backend, double *noise, double *noise_ns) {
    bool is_cpu = strcmp(backend, "cpu") == 0;
    *noise = is_cpu ? 0.05 : 0.005;
    *noise_ns = is_cpu ? 50.0 : 10.0;
}
