#include "reports/rank_test.h"

#include <math.h>
#include <stdlib.h>

#include "reports/student.h"

typedef struct {
    double variance; /* of the mean placement */
    double samples, mean;
} placements;

/* How many of all trials' samples are below `value`, equal ones by half. */
static double count_below(const tm_timing *timing, double value) {
    double below = 0.0;
    for (size_t i = 0; i < timing->trial_count; i++) {
        const double *ns = timing->trials[i].ns;
        size_t bounds[2]; /* first that is not below, first that is above */
        for (int is_above = 0; is_above < 2; is_above++) {
            size_t low = 0, high = timing->trials[i].count;
            while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (is_above ? ns[middle] <= value : ns[middle] < value)
                    low = middle + 1;
                else
                    high = middle;
            }
            bounds[is_above] = low;
        }
        below += (double)(bounds[0] + bounds[1]) / 2.0;
    }
    return below;
}

static double count_samples(const tm_timing *timing) {
    double count = 0.0;
    for (size_t i = 0; i < timing->trial_count; i++)
        count += (double)timing->trials[i].count;
    return count;
}

/* The share of `other` below each sample of `own`. */
static placements place(const tm_timing *own, const tm_timing *other) {
    double others = count_samples(other), n = count_samples(own), sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < own->trial_count; i++)
        for (size_t j = 0; j < own->trials[i].count; j++) {
            double share = count_below(other, own->trials[i].ns[j]) / others;
            sum += share;
            squares += share * share;
        }
    return (placements){fmax(0.0, squares - sum * sum / n) / (n - 1.0) / n, n, sum / n};
}

/* Of two variances with their degrees of freedom (Welch, Satterthwaite). */
static double freedom_of(double left, double left_freedom, double right, double right_freedom) {
    double parts = 0.0;
    if (left > 0.0)
        parts += left * left / left_freedom;
    if (right > 0.0)
        parts += right * right / right_freedom;
    return parts > 0.0 ? (left + right) * (left + right) / parts : INFINITY;
}

tm_rank_test tm_rank_test_run(const tm_timing *before, const tm_timing *after) {
    placements old = place(before, after), new = place(after, before);
    double variance = old.variance + new.variance;
    double freedom = freedom_of(old.variance, old.samples - 1.0, new.variance, new.samples - 1.0);
    tm_rank_test result = {.larger = new.mean, .freedom = freedom};
    double excess = new.mean - 0.5;
    /* Squares leave a rest of rounding where all placements are alike. */
    if (variance > 1e-18)
        result.t = excess / sqrt(variance);
    else
        result.t = fabs(excess) < 1e-9 ? 0.0 : copysign(INFINITY, excess);
    double least = 2.0 * exp(tm_student_log_gamma(old.samples + 1.0) +
                             tm_student_log_gamma(new.samples + 1.0) -
                             tm_student_log_gamma(old.samples + new.samples + 1.0));
    result.p = fmin(1.0, fmax(tm_student_two_sided(result.t, freedom), least));
    return result;
}
