/* evaluator_sampling: op_type sampling, tokens drawn from rows of probabilities under top-k, top-p
 * or both.
 *
 * No two honest samplers draw the same tokens. So each sample is held against the probabilities,
 * which the judge makes itself: inside the vocabulary, of a probability above 0, among the k
 * largest (ties allowed), and where the mass above it is at most p + 0.05. What came over many
 * calls is held against the distribution that the definition describes (docs/MEASUREMENT.md). */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/evaluator.h"
#include "lib/dtype_convert.h"

#define TOP_P_SLACK 0.05
/* An honest sampler exceeds a limit of ours in one cell of so many. */
#define ODDS 1e9
/* From this many probabilities on, several threads are worth their start. */
#define PARALLEL_ELEMS (1 << 16)

typedef struct {
    int64_t rows, vocabulary;
    const float *probs;
    const tm_table_tensor *top_k, *top_p; /* NULL: none */
    const void *top_k_data, *top_p_data;
} sampler;

/* What may come in a row, and how often. */
typedef struct {
    float member;      /* the least probability that a sample may have */
    float kept;        /* the least that the definition keeps */
    double tied_share; /* of the tokens with just that, so many of all are kept */
    double mass;       /* of all that is kept */
    bool is_tied;      /* not all of them are */
} mask;

static bool claims(const tm_table *table) {
    return strcmp(table->op_type, "sampling") == 0;
}

static const tm_table_tensor *find(const tm_table *table, const char *name) {
    for (size_t i = 0; i < table->input_count; i++)
        if (strcmp(table->tensors[i].name, name) == 0)
            return &table->tensors[i];
    return NULL;
}

/* Whether every tensor has the batch in front, so that it can be repeated. */
static bool shape(const tm_table *table, int64_t *rows, int64_t *vocabulary) {
    const tm_table_tensor *probs = find(table, "probs"), *output;
    if (!probs || probs->dtype != TM_DTYPE_FLOAT32 || probs->rank != 2 || table->output_count != 1)
        return false;
    *rows = probs->shape[0];
    *vocabulary = probs->shape[1];
    output = &table->tensors[table->input_count];
    for (size_t i = 0; i < table->input_count; i++)
        if (!table->tensors[i].is_scalar && table->tensors[i].fill != TM_FILL_ABSENT &&
            (table->tensors[i].rank < 1 || table->tensors[i].shape[0] != *rows))
            return false;
    return output->rank == 1 && output->shape[0] == *rows &&
           (output->dtype == TM_DTYPE_INT64 || output->dtype == TM_DTYPE_INT32);
}

/* False with the reason in the verdict. */
static bool fill_sampler(sampler *s, const tm_table *table, tm_inputs *inputs,
                         tm_verdict *verdict) {
    *s = (sampler){0};
    if (!shape(table, &s->rows, &s->vocabulary)) {
        tm_verdict_void(verdict, "expected probs [batch, vocabulary] in float32 and one output "
                                 "[batch] of int32 or int64");
        return false;
    }
    s->probs = tm_inputs_get(inputs, "probs");
    s->top_k = find(table, "top_k");
    s->top_p = find(table, "top_p");
    s->top_k_data = tm_inputs_get(inputs, "top_k");
    s->top_p_data = tm_inputs_get(inputs, "top_p");
    if (!s->probs || tm_inputs_error(inputs)[0]) {
        tm_verdict_void(verdict, tm_inputs_error(inputs));
        return false;
    }
    return true;
}

static int64_t top_k_of(const sampler *s, int64_t row) {
    int64_t k = 0;
    if (s->top_k_data)
        tm_dtype_read_ints(s->top_k->dtype, s->top_k_data, s->top_k->rank ? row : 0, 1, &k);
    return k > 0 && k < s->vocabulary ? k : s->vocabulary;
}

static double top_p_of(const sampler *s, int64_t row) {
    float p = 1;
    if (s->top_p_data)
        tm_dtype_read_floats(s->top_p->dtype, s->top_p_data, s->top_p->rank ? row : 0, 1, &p);
    return (double)p;
}

/* The row's probabilities, largest first: those of floats above 0 are in the order of their bits.
 * `spare` is as long. */
static void sort_falling(const float *row, int64_t count, uint32_t *sorted, uint32_t *spare) {
    enum { DIGIT = 11, DIGITS = 3, BUCKETS = 1 << DIGIT };
    uint32_t *from = sorted, *to = spare;
    for (int64_t i = 0; i < count; i++) /* NaN and what is below 0 count as 0 */
        from[i] = ~(row[i] > 0 ? tm_convert_float_bits(row[i]) : 0);
    for (int digit = 0; digit < DIGITS; digit++) {
        int64_t starts[BUCKETS + 1] = {0};
        for (int64_t i = 0; i < count; i++)
            starts[(from[i] >> digit * DIGIT) % BUCKETS + 1]++;
        for (int bucket = 0; bucket < BUCKETS; bucket++)
            starts[bucket + 1] += starts[bucket];
        for (int64_t i = 0; i < count; i++)
            to[starts[(from[i] >> digit * DIGIT) % BUCKETS]++] = from[i];
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    for (int64_t i = 0; i < count; i++) /* an odd number of passes: they ended in `spare` */
        sorted[i] = ~from[i];
}

static float value(const uint32_t *sorted, int64_t index) {
    return tm_convert_bits_float(sorted[index]);
}

static mask mask_of(const sampler *s, int64_t row, uint32_t *sorted, uint32_t *spare) {
    int64_t k = top_k_of(s, row), kept = 0, member = 0, tied = 0, tied_kept = 0;
    double p = top_p_of(s, row), total = 0, above = 0;
    mask m = {0};
    sort_falling(s->probs + row * s->vocabulary, s->vocabulary, sorted, spare);
    for (int64_t i = 0; i < k; i++)
        total += (double)value(sorted, i);
    /* The first token is always kept; the next while the mass before it is at most p. */
    for (int64_t i = 0; i < k; i++) {
        double before = above / total;
        bool is_first = value(sorted, i) == value(sorted, 0);
        if (i == 0 || p >= 1 || before <= p)
            kept = i + 1;
        /* A tie has the mass before the first of it. */
        if (is_first || value(sorted, i) == value(sorted, member) || p >= 1 ||
            (p > 0 && before <= p + TOP_P_SLACK))
            member = i;
        above += (double)value(sorted, i);
    }
    m.member = value(sorted, member);
    m.kept = value(sorted, kept - 1);
    for (int64_t i = 0; i < s->vocabulary && value(sorted, i) >= m.kept; i++) {
        bool is_tied = value(sorted, i) == m.kept;
        tied += is_tied;
        tied_kept += is_tied && i < kept;
        m.mass += i < kept ? (double)value(sorted, i) : 0;
    }
    m.is_tied = tied > tied_kept;
    m.tied_share = (double)tied_kept / (double)tied;
    return m;
}

static double expected_of(const mask *m, float prob) {
    if (!(prob >= m->kept) || m->mass <= 0)
        return 0;
    return (double)prob / m->mass * (prob == m->kept ? m->tied_share : 1);
}

/* A line about a token that must not come; the worst of a call is its first. */
static void refuse(const tm_table *table, const sampler *s, int64_t row, int64_t token,
                   const mask *m, tm_verdict *verdict) {
    const char *name = table->tensors[table->input_count].name;
    verdict->max_absolute_error = verdict->max_relative_error = INFINITY;
    verdict->matched_ratio = 0;
    if (verdict->status != TM_STATUS_PASSED)
        return;
    verdict->status = TM_STATUS_INCORRECT_NUMERICAL;
    if (token < 0 || token >= s->vocabulary)
        snprintf(verdict->reason, sizeof verdict->reason,
                 "%s: expected a token of the vocabulary of %" PRId64 " in row %" PRId64
                 ", got one outside of it",
                 name, s->vocabulary, row);
    else
        snprintf(verdict->reason, sizeof verdict->reason,
                 "%s: expected a token with a probability of %.6g or more in row %" PRId64
                 ", which its mask leaves, got %" PRId64 " with %.6g",
                 name, (double)m->member, row, token,
                 (double)s->probs[row * s->vocabulary + token]);
}

static bool is_member(const sampler *s, int64_t row, int64_t token, const mask *m) {
    if (token < 0 || token >= s->vocabulary)
        return false;
    float prob = s->probs[row * s->vocabulary + token];
    return prob > 0 && prob >= m->member;
}

static uint32_t *row_memory(const sampler *s) {
    uint32_t *memory = malloc(2 * (size_t)s->vocabulary * sizeof *memory);
    if (!memory)
        abort();
    return memory;
}

static void judge(const tm_table *table, const tm_config *config, tm_inputs *inputs,
                  void *const *expected, void *const *actual, tm_verdict *verdict) {
    (void)config;
    (void)expected;
    sampler s;
    if (!fill_sampler(&s, table, inputs, verdict))
        return;
#pragma omp parallel if (s.rows * s.vocabulary > PARALLEL_ELEMS)
    {
        uint32_t *memory = row_memory(&s);
#pragma omp for schedule(dynamic)
        for (int64_t row = 0; row < s.rows; row++) {
            int64_t token;
            mask m = mask_of(&s, row, memory, memory + s.vocabulary);
            tm_dtype_read_ints(table->tensors[table->input_count].dtype, actual[0], row, 1, &token);
#pragma omp critical
            if (!is_member(&s, row, token, &m))
                refuse(table, &s, row, token, &m, verdict);
        }
        free(memory);
    }
    verdict->compared_elems += s.rows;
}

/* What the counts of one row come to. */
typedef struct {
    int64_t wrong;                /* the first token that must not come, -1: none */
    double tvd, noise;            /* noise: no less than an honest sampler's tvd is on average */
    double score, mean, variance; /* of the expected probabilities of what came, the largest being
                                     1; of one sample of an honest sampler */
} tally;

static tally tally_row(const sampler *s, int64_t row, const uint32_t *cells, int64_t samples,
                       const mask *m) {
    const float *probs = s->probs + row * s->vocabulary;
    tally t = {.wrong = cells[s->vocabulary] ? s->vocabulary : -1};
    double n = (double)samples, tied = 0, tied_expected = 0, largest = 0, squares = 0, cubes = 0;
    for (int64_t i = 0; i < s->vocabulary; i++)
        largest = fmax(largest, expected_of(m, probs[i]));
    for (int64_t i = 0; i < s->vocabulary; i++) {
        double p = expected_of(m, probs[i]), share = (double)cells[i] / n;
        if (cells[i] && t.wrong < 0 && !is_member(s, row, i, m))
            t.wrong = i;
        t.noise += fmin(p * (1 - p), 0.5 * sqrt(p * (1 - p) / n));
        t.score += (double)cells[i] * p / largest;
        squares += p * p / largest;
        cubes += p * p / largest * p / largest;
        if (m->is_tied && probs[i] == m->kept) { /* which of them are kept is anybody's choice */
            tied += share;
            tied_expected += p;
        } else
            t.tvd += 0.5 * fabs(share - p);
    }
    t.tvd += 0.5 * (fabs(tied - tied_expected) + (double)cells[s->vocabulary] / n);
    t.mean = squares;
    t.variance = fmax(cubes - squares * squares, 0);
    return t;
}

/* E(tvd) <= noise (Jensen); one sample more or less changes a tvd by 1/n at most, so that it
 * exceeds its mean by t with probability exp(-2 n t^2) at most (McDiarmid, 1989). */
static double limit_of(double threshold, double noise, int64_t samples) {
    return fmin(1, fmax(threshold, noise + sqrt(log(ODDS) / (2 * (double)samples))));
}

/* The sum of n independent values in [0, 1] is farther from its mean than this with probability
 * 1 / ODDS at most (Bernstein). */
static double deviation(double variance) {
    double l = log(2 * ODDS);
    return l / 3 + sqrt(l * l / 9 + 2 * l * variance);
}

static void settle(const tm_table *table, const tm_config *config, const tm_sample_counts *counts,
                   const tally *rows, tm_verdict *verdict) {
    const char *name = table->tensors[table->input_count].name;
    double threshold = tm_config_extra(config, "sampling_tvd_threshold", 0.2);
    double score = 0, mean = 0, variance = 0;
    for (int64_t i = 0; i < counts->rows; i++) {
        double limit = limit_of(threshold, rows[i].noise, counts->samples);
        score += rows[i].score;
        mean += rows[i].mean * (double)counts->samples;
        variance += rows[i].variance * (double)counts->samples;
        if (counts->is_own_size)
            continue;
        verdict->tvds[counts->first + i] = rows[i].tvd;
        verdict->tvd_limit = fmax(verdict->tvd_limit, limit);
        if (verdict->status != TM_STATUS_PASSED || rows[i].tvd <= limit)
            continue;
        verdict->status = TM_STATUS_INCORRECT_NUMERICAL;
        snprintf(verdict->reason, sizeof verdict->reason,
                 "%s: expected a total variation distance of at most %.4g in row %" PRId64
                 " over %" PRId64 " samples, got %.4g",
                 name, limit, counts->first + i, counts->samples, rows[i].tvd);
    }
    /* A distribution within the threshold moves a sum of values in [0, 1] by no more than that. */
    double all = (double)counts->samples * (double)counts->rows;
    double room = deviation(variance) + threshold * all;
    if (verdict->status != TM_STATUS_PASSED || fabs(score - mean) <= room)
        return;
    verdict->status = TM_STATUS_INCORRECT_NUMERICAL;
    snprintf(verdict->reason, sizeof verdict->reason,
             "%s: tokens come that are %s than those of an honest sampler, over %" PRId64
             " samples of each row%s: expected a sum of probabilities of %.4g +- %.4g, got %.4g",
             name, score > mean ? "likelier" : "less likely", counts->samples,
             counts->is_own_size ? " in calls of its own size" : "", mean, room, score);
}

static void judge_counts(const tm_table *table, const tm_config *config, tm_inputs *inputs,
                         const tm_sample_counts *counts, tm_verdict *verdict) {
    sampler s;
    if (!fill_sampler(&s, table, inputs, verdict))
        return;
    tally *rows = calloc((size_t)counts->rows, sizeof *rows);
    if (!counts->is_own_size && !verdict->tvds) {
        verdict->tvds = calloc((size_t)s.rows, sizeof *verdict->tvds);
        verdict->tvd_count = (size_t)s.rows;
    }
    if (!rows || (!counts->is_own_size && !verdict->tvds))
        abort();
#pragma omp parallel if (s.rows * s.vocabulary > PARALLEL_ELEMS)
    {
        uint32_t *memory = row_memory(&s);
#pragma omp for schedule(dynamic)
        for (int64_t i = 0; i < counts->rows; i++) {
            int64_t row = counts->first + i;
            const uint32_t *cells = counts->cells + i * (s.vocabulary + 1);
            mask m = mask_of(&s, row, memory, memory + s.vocabulary);
            rows[i] = tally_row(&s, row, cells, counts->samples, &m);
#pragma omp critical
            if (rows[i].wrong >= 0)
                refuse(table, &s, row, rows[i].wrong, &m, verdict);
        }
        free(memory);
    }
    settle(table, config, counts, rows, verdict);
    free(rows);
}

static const tm_sampling_rule rule = {"batch_size", shape, judge_counts};

const tm_evaluator tm_evaluator_sampling = {
    .name = "sampling", .claims = claims, .judge = judge, .sampling = &rule};
