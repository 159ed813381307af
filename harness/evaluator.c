#include "harness/evaluator.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POINT_TO(name) &tm_evaluator_##name,
static const tm_evaluator *const registry[] = {TM_EVALUATORS(POINT_TO)};

/* Elements converted to float at a time. */
#define CHUNK_ELEMS 4096

const tm_evaluator *tm_evaluator_for(const tm_table *table) {
    size_t i = 0;
    while (!registry[i]->claims(table))
        i++;
    return registry[i];
}

void tm_verdict_begin(tm_verdict *verdict) {
    *verdict = (tm_verdict){.status = TM_STATUS_PASSED, .matched_ratio = 1.0};
}

void tm_verdict_end(tm_verdict *verdict) {
    free(verdict->tvds);
    verdict->tvds = NULL;
    verdict->tvd_count = 0;
}

void tm_verdict_add(tm_verdict *verdict, const tm_verdict *other) {
    if (verdict->status == TM_STATUS_PASSED && other->status != TM_STATUS_PASSED) {
        verdict->status = other->status;
        memcpy(verdict->reason, other->reason, sizeof verdict->reason);
    }
    verdict->max_absolute_error = fmax(verdict->max_absolute_error, other->max_absolute_error);
    verdict->max_relative_error = fmax(verdict->max_relative_error, other->max_relative_error);
    verdict->matched_ratio = fmin(verdict->matched_ratio, other->matched_ratio);
    for (size_t i = 0; i < TM_EVALUATOR_MAX_OUTPUTS; i++)
        verdict->relative_l2[i] = fmax(verdict->relative_l2[i], other->relative_l2[i]);
    verdict->compared_elems += other->compared_elems;
}

void tm_verdict_void(tm_verdict *verdict, const char *reason) {
    verdict->status = TM_STATUS_VOID;
    snprintf(verdict->reason, sizeof verdict->reason, "no verdict: %s", reason);
}

static void set_sampling(tm_json *extra, const tm_verdict *verdict) {
    tm_json *tvds = tm_json_array();
    double largest = 0;
    for (size_t i = 0; i < verdict->tvd_count; i++) {
        tm_json_push_number(tvds, verdict->tvds[i]);
        largest = fmax(largest, verdict->tvds[i]);
    }
    tm_json_set_number(extra, "tvd", largest);
    tm_json_set(extra, "tvds_per_batch", tvds);
    tm_json_set_number(extra, "tvd_limit", verdict->tvd_limit);
    tm_json_set_int(extra, "sampling_rounds", verdict->sampling_rounds);
    tm_json_set_int(extra, "samples_per_row", verdict->samples_per_row);
    tm_json_set_int(extra, "sampling_repeats", verdict->sampling_repeats);
}

tm_json *tm_verdict_extra(const tm_verdict *verdict, const tm_table *table,
                          const tm_evaluator *evaluator) {
    tm_json *extra = tm_json_object(), *l2 = tm_json_object();
    tm_json_set_string(extra, "evaluator", evaluator->name);
    tm_json_set_number(extra, "matched_ratio", verdict->matched_ratio);
    tm_json_set_int(extra, "compared_elems", verdict->compared_elems);
    for (size_t i = 0; i < table->output_count && i < TM_EVALUATOR_MAX_OUTPUTS; i++)
        tm_json_set_number(l2, table->tensors[table->input_count + i].name,
                           verdict->relative_l2[i]);
    tm_json_set(extra, "relative_l2", l2);
    if (verdict->tvd_count)
        set_sampling(extra, verdict);
    return extra;
}

/* What one chunk, and in sum one output, came to. */
typedef struct {
    int64_t bad;
    int64_t first_bad; /* element index, -1 when none */
    double max_absolute, max_relative;
    double square_error, square_expected; /* over pairs of finite values */
} tally;

static void add_tally(tally *total, const tally *part) {
    total->bad += part->bad;
    if (part->first_bad >= 0 && (total->first_bad < 0 || part->first_bad < total->first_bad))
        total->first_bad = part->first_bad;
    total->max_absolute = fmax(total->max_absolute, part->max_absolute);
    total->max_relative = fmax(total->max_relative, part->max_relative);
    total->square_error += part->square_error;
    total->square_expected += part->square_expected;
}

static void note_bad(tally *t, int64_t elem) {
    if (t->bad++ == 0 || elem < t->first_bad)
        t->first_bad = elem;
}

/* Pairs with infinities or NaN among them, which are wrong unless they are the same. */
static void compare_special(tally *t, const float *x, const float *y, int64_t begin,
                            int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (!(isfinite(x[i]) && isfinite(y[i])) && x[i] != y[i] && !(isnan(x[i]) && isnan(y[i]))) {
            t->max_absolute = t->max_relative = INFINITY;
            note_bad(t, begin + i);
        }
}

/* The same for the vector units of today's x86; chosen when the program starts. */
#if defined(__x86_64__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define WIDE __attribute__((target_clones("default", "avx2")))
#else
#define WIDE
#endif

/* In double, for chunks where something is wrong, or nearly. One loop without branches, so that it
 * becomes vector code: what is found is looked for again. */
WIDE static void compare_closely(tally *t, const float *x, const float *y, int64_t begin,
                                 int64_t count, const tm_config *config) {
    double max_absolute = 0, max_relative = 0, errors = 0, expected = 0, bad = 0, special = 0;
    double atol = config->atol, rtol = config->rtol;
#pragma omp simd reduction(+ : errors, expected, bad, special) \
    reduction(max : max_absolute, max_relative)
    for (int64_t i = 0; i < count; i++) {
        /* 0 where both are finite, else NaN: all comparisons below are false then. */
        double nothing = ((double)x[i] - (double)x[i]) + ((double)y[i] - (double)y[i]);
        double absolute = fabs((double)x[i] - (double)y[i]), magnitude = fabs((double)y[i]);
        absolute = nothing == 0 ? absolute : 0;
        magnitude = nothing == 0 ? magnitude : 0;
        double relative = absolute / (magnitude + 1e-8);
        max_absolute = absolute > max_absolute ? absolute : max_absolute;
        max_relative = relative > max_relative ? relative : max_relative;
        errors += absolute * absolute;
        expected += magnitude * magnitude;
        double wrong = absolute > atol ? 1 : 0;
        bad += relative > rtol ? wrong : 0;
        special += nothing == 0 ? 0 : 1;
    }
    t->max_absolute = max_absolute;
    t->max_relative = max_relative;
    t->square_error = errors;
    t->square_expected = expected;
    for (int64_t i = 0; bad > 0 && i < count; i++) {
        double absolute = fabs((double)x[i] - (double)y[i]);
        if (isfinite(x[i]) && isfinite(y[i]) && absolute > atol &&
            absolute / (fabs((double)y[i]) + 1e-8) > rtol)
            note_bad(t, begin + i);
    }
    if (special > 0)
        compare_special(t, x, y, begin, count);
}

/* Rounding in float is far below this: what is not within it of a tolerance is on the same side of
 * it in double. */
#define NEARLY 0.9999f

/* A tolerance for float; 0 where float has not its precision. */
static float screen(double tolerance) {
    return tolerance >= FLT_MIN / NEARLY && tolerance <= FLT_MAX ? (float)tolerance * NEARLY : 0;
}

/* One loop without branches, so that it becomes vector code, in float, whose divisions take a
 * quarter of the time. Errors are of float's precision then. */
WIDE static void compare_floats(tally *t, const float *x, const float *y, int64_t begin,
                                int64_t count, const tm_config *config) {
    float max_absolute = 0, max_relative = 0;
    double errors = 0, expected = 0;
    float atol = screen(config->atol), rtol = screen(config->rtol);
    int suspects = 0;
#pragma omp simd reduction(+ : errors, expected, suspects) \
    reduction(max : max_absolute, max_relative)
    for (int64_t i = 0; i < count; i++) {
        float absolute = fabsf(x[i] - y[i]), magnitude = fabsf(y[i]);
        float relative = absolute / (magnitude + 1e-8f);
        max_absolute = absolute > max_absolute ? absolute : max_absolute;
        max_relative = relative > max_relative ? relative : max_relative;
        errors += (double)absolute * (double)absolute;
        expected += (double)magnitude * (double)magnitude;
        /* A NaN or an infinity is none of these: as each is false of a NaN. */
        int is_right = (absolute <= atol) | (relative <= rtol);
        int is_finite = (fabsf(x[i]) <= FLT_MAX) & (magnitude <= FLT_MAX);
        suspects += !(is_right & is_finite);
    }
    if (suspects > 0) {
        compare_closely(t, x, y, begin, count, config);
        return;
    }
    t->max_absolute = (double)max_absolute;
    t->max_relative = (double)max_relative;
    t->square_error = errors;
    t->square_expected = expected;
}

static void compare_ints(tally *t, const int64_t *x, const int64_t *y, int64_t begin,
                         int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        double absolute = fabs((double)x[i] - (double)y[i]);
        t->max_absolute = fmax(t->max_absolute, absolute);
        t->max_relative = fmax(t->max_relative, absolute / (fabs((double)y[i]) + 1e-8));
        t->square_error += absolute * absolute;
        t->square_expected += (double)y[i] * (double)y[i];
        if (x[i] != y[i])
            note_bad(t, begin + i);
    }
}

static tally compare_chunk(tm_dtype dtype, const void *actual, const void *expected, int64_t begin,
                           int64_t count, const tm_config *config) {
    tally t = {.first_bad = -1};
    if (tm_dtype_is_float(dtype)) {
        float x[CHUNK_ELEMS], y[CHUNK_ELEMS];
        tm_dtype_read_floats(dtype, actual, begin, count, x);
        tm_dtype_read_floats(dtype, expected, begin, count, y);
        compare_floats(&t, x, y, begin, count, config);
    } else {
        int64_t x[CHUNK_ELEMS], y[CHUNK_ELEMS];
        tm_dtype_read_ints(dtype, actual, begin, count, x);
        tm_dtype_read_ints(dtype, expected, begin, count, y);
        compare_ints(&t, x, y, begin, count);
    }
    return t;
}

/* One element as text, for the reason. */
static void describe_elem(tm_dtype dtype, const void *data, int64_t elem, char *out, size_t size) {
    if (tm_dtype_is_float(dtype)) {
        float value;
        tm_dtype_read_floats(dtype, data, elem, 1, &value);
        snprintf(out, size, "%.6g", (double)value);
    } else {
        int64_t value;
        tm_dtype_read_ints(dtype, data, elem, 1, &value);
        snprintf(out, size, "%" PRId64, value);
    }
}

/* "[3, 17]" of a flat index. */
static void describe_index(const tm_table_tensor *tensor, int64_t elem, char *out, size_t size) {
    int64_t index[TM_TABLE_MAX_RANK] = {0};
    for (int i = tensor->rank - 1; i >= 0; i--) {
        index[i] = elem % tensor->shape[i];
        elem /= tensor->shape[i];
    }
    size_t used = (size_t)snprintf(out, size, "[");
    for (int i = 0; i < tensor->rank && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%" PRId64, i ? ", " : "", index[i]);
    if (used < size)
        snprintf(out + used, size - used, "]");
}

static void settle_output(const tm_table_tensor *tensor, const tally *total, int64_t elems,
                          double ratio, const void *expected, const void *actual,
                          tm_verdict *verdict) {
    double matched = 1.0 - (double)total->bad / (double)elems;
    verdict->matched_ratio = fmin(verdict->matched_ratio, matched);
    if (total->bad == 0 || matched >= ratio || verdict->status != TM_STATUS_PASSED)
        return;
    char index[128], got[32], wanted[32];
    describe_index(tensor, total->first_bad, index, sizeof index);
    describe_elem(tensor->dtype, actual, total->first_bad, got, sizeof got);
    describe_elem(tensor->dtype, expected, total->first_bad, wanted, sizeof wanted);
    verdict->status = TM_STATUS_INCORRECT_NUMERICAL;
    snprintf(verdict->reason, sizeof verdict->reason,
             "%s: %" PRId64 " of %" PRId64 " elements wrong, the first at %s: expected %s, got %s",
             tensor->name, total->bad, elems, index, wanted, got);
}

/* What a tolerance per element lets pass in sum. A limit of 0 is none. */
static void settle_l2(const tm_table_tensor *tensor, double l2, double limit, tm_verdict *verdict) {
    if (limit == 0 || l2 <= limit || verdict->status != TM_STATUS_PASSED)
        return;
    verdict->status = TM_STATUS_INCORRECT_NUMERICAL;
    snprintf(verdict->reason, sizeof verdict->reason,
             "%s: a relative L2 error of %.6g, more than max_relative_l2 = %g", tensor->name, l2,
             limit);
}

void tm_evaluator_elementwise(const tm_table *table, const tm_config *config, double ratio,
                              void *const *expected, void *const *actual, tm_verdict *verdict) {
    for (size_t output = 0; output < table->output_count; output++) {
        const tm_table_tensor *tensor = &table->tensors[table->input_count + output];
        int64_t elems = 1;
        for (int i = 0; i < tensor->rank; i++)
            elems *= tensor->shape[i];
        if (elems == 0)
            continue;
        tally total = {.first_bad = -1};
        int64_t chunks = (elems + CHUNK_ELEMS - 1) / CHUNK_ELEMS;
#pragma omp parallel if (chunks > 16)
        {
            tally mine = {.first_bad = -1};
#pragma omp for schedule(static)
            for (int64_t chunk = 0; chunk < chunks; chunk++) {
                int64_t begin = chunk * CHUNK_ELEMS, left = elems - begin;
                tally part = compare_chunk(tensor->dtype, actual[output], expected[output], begin,
                                           left < CHUNK_ELEMS ? left : CHUNK_ELEMS, config);
                add_tally(&mine, &part);
            }
#pragma omp critical
            add_tally(&total, &mine);
        }
        verdict->compared_elems += elems;
        verdict->max_absolute_error = fmax(verdict->max_absolute_error, total.max_absolute);
        verdict->max_relative_error = fmax(verdict->max_relative_error, total.max_relative);
        double l2 = sqrt(total.square_error) / (sqrt(total.square_expected) + 1e-30);
        if (isinf(total.max_absolute))
            l2 = INFINITY;
        if (output < TM_EVALUATOR_MAX_OUTPUTS)
            verdict->relative_l2[output] = fmax(verdict->relative_l2[output], l2);
        settle_output(tensor, &total, elems, ratio, expected[output], actual[output], verdict);
        settle_l2(tensor, l2, config->max_relative_l2, verdict);
    }
}
