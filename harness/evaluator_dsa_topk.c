/* evaluator_dsa_topk: the indices that a sparse attention's indexer selects (dsa_topk_indexer*).
 *
 * Equal scores, and sums in another order, make other indices as good as the reference's. So each
 * index is checked for what it must be: a token that the row's block table reaches below its
 * length, no token twice, exactly as many as there are to select, and -1 behind them. Indices that
 * only one side has are scored here, from the inputs; the scores of both sides, sorted, are
 * compared by the default rule. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/evaluator.h"
#include "lib/dtype_convert.h"

#define SCALE_BYTES 4
/* From this many indices on, several threads are worth their start. */
#define PARALLEL_INDICES 4096

typedef struct {
    int64_t rows, heads, dim, page_size, page_bytes, num_pages, max_pages, topk;
    const uint8_t *queries, *cache;
    const float *weights;
    const int32_t *lengths, *block_table;
    const int32_t *expected, *actual;
    const char *output;
} indexer;

/* What one row, and in sum the call, came to. */
typedef struct {
    tm_status status;
    char reason[512];
    double max_absolute, max_relative, square_error, square_expected;
    int64_t selected, bad;
} tally;

static bool claims(const tm_table *table) {
    return strncmp(table->definition, "dsa_topk_indexer", strlen("dsa_topk_indexer")) == 0;
}

static bool fits(const tm_table_tensor *tensor, tm_dtype dtype, int rank) {
    return tensor && tensor->dtype == dtype && tensor->rank == rank && !tensor->is_scalar;
}

static bool fill_indexer(indexer *x, const tm_table *table, tm_inputs *inputs) {
    const tm_table_tensor *queries = tm_inputs_tensor(inputs, "q_index_fp8");
    const tm_table_tensor *cache = tm_inputs_tensor(inputs, "k_index_cache_fp8");
    const tm_table_tensor *weights = tm_inputs_tensor(inputs, "weights");
    const tm_table_tensor *lengths = tm_inputs_tensor(inputs, "seq_lens");
    const tm_table_tensor *block_table = tm_inputs_tensor(inputs, "block_table");
    const tm_table_tensor *output = &table->tensors[table->input_count];
    if (!fits(queries, TM_DTYPE_FLOAT8_E4M3FN, 3) || !fits(cache, TM_DTYPE_INT8, 4) ||
        !fits(weights, TM_DTYPE_FLOAT32, 2) || !fits(lengths, TM_DTYPE_INT32, 1) ||
        !fits(block_table, TM_DTYPE_INT32, 2) || table->output_count != 1 ||
        !fits(output, TM_DTYPE_INT32, 2))
        return false;
    *x = (indexer){.rows = queries->shape[0],
                   .heads = queries->shape[1],
                   .dim = queries->shape[2],
                   .num_pages = cache->shape[0],
                   .page_size = cache->shape[1],
                   .page_bytes = cache->shape[1] * cache->shape[2] * cache->shape[3],
                   .max_pages = block_table->shape[1],
                   .topk = output->shape[1],
                   .output = output->name};
    return cache->shape[2] == 1 && cache->shape[3] == x->dim + SCALE_BYTES &&
           weights->shape[0] == x->rows && weights->shape[1] == x->heads &&
           lengths->shape[0] == x->rows && block_table->shape[0] == x->rows &&
           output->shape[0] == x->rows;
}

/* The score of a token for a row whose queries are `q`, [heads][dim]. */
static double score_of(const indexer *x, int64_t row, const float *q, int64_t token, float *key) {
    const uint8_t *page = x->cache + token / x->page_size * x->page_bytes;
    int64_t offset = token % x->page_size;
    float scale;
    memcpy(&scale, page + x->page_size * x->dim + offset * SCALE_BYTES, sizeof scale);
    tm_dtype_read_floats(TM_DTYPE_FLOAT8_E4M3FN, page, offset * x->dim, x->dim, key);
    double score = 0;
    for (int64_t head = 0; head < x->heads; head++) {
        float dot = 0;
#pragma omp simd reduction(+ : dot)
        for (int64_t i = 0; i < x->dim; i++)
            dot += q[head * x->dim + i] * key[i];
        dot *= scale;
        score += (double)(dot > 0 ? dot : 0) * (double)x->weights[row * x->heads + head];
    }
    return score;
}

static int compare_ints(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static int compare_falling(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* How often the row's block table reaches a token below the row's length. */
static int64_t times_reached(const indexer *x, int64_t row, int64_t length, int64_t token) {
    int64_t times = 0;
    for (int64_t page = 0; page * x->page_size < length; page++)
        times += x->block_table[row * x->max_pages + page] == token / x->page_size &&
                 page * x->page_size + token % x->page_size < length;
    return times;
}

static void refuse(const indexer *x, int64_t row, int64_t at, tally *t, const char *expected) {
    t->status = TM_STATUS_INCORRECT_NUMERICAL;
    t->max_absolute = t->max_relative = INFINITY;
    snprintf(t->reason, sizeof t->reason, "%s: expected %s at [%" PRId64 ", %" PRId64 "], got %d",
             x->output, expected, row, at, x->actual[row * x->topk + at]);
}

/* Whether each of the row's first `selected` indices is a token that it may select, once, and the
 * others are -1. `reached` has a bit per token of the cache, all 0 before and after. */
static bool is_selection(const indexer *x, int64_t row, int64_t length, int64_t selected,
                         uint8_t *reached, tally *t) {
    const int32_t *actual = x->actual + row * x->topk;
    const int32_t *pages = x->block_table + row * x->max_pages;
    bool good = true;
    for (int64_t i = 0; i < length; i++) {
        int64_t token = (int64_t)pages[i / x->page_size] * x->page_size + i % x->page_size;
        reached[token / 8] |= (uint8_t)(1u << token % 8);
    }
    for (int64_t i = 0; good && i < x->topk; i++) {
        int64_t token = actual[i];
        bool is_token = token >= 0 && token < x->num_pages * x->page_size;
        bool is_new = is_token && reached[token / 8] >> token % 8 & 1;
        good = i < selected ? is_new : token == -1;
        if (is_new)
            reached[token / 8] &= (uint8_t) ~(1u << token % 8);
        else if (i < selected && is_token && times_reached(x, row, length, token) > 0) {
            int64_t before = 0;
            for (int64_t k = 0; k < i; k++)
                before += actual[k] == token;
            good = before < times_reached(x, row, length, token);
            if (!good)
                refuse(x, row, i, t, "no index twice");
        } else if (!good)
            refuse(x, row, i, t,
                   i >= selected ? "-1 behind the indices that there are to select"
                   : token == -1 ? "another index before the padding"
                                 : "a token that the block table reaches below seq_lens");
    }
    for (int64_t i = 0; i < length; i++) {
        int64_t token = (int64_t)pages[i / x->page_size] * x->page_size + i % x->page_size;
        reached[token / 8] = 0;
    }
    return good;
}

/* Leaves in `a` the sorted indices that `b` has not; returns how many. */
static int64_t only_in(const int32_t *a, const int32_t *b, int64_t count, int32_t *out) {
    int64_t i = 0, k = 0, found = 0;
    while (i < count)
        if (k == count || a[i] < b[k])
            out[found++] = a[i++];
        else if (a[i] > b[k])
            k++;
        else
            i++, k++;
    return found;
}

typedef struct {
    float *queries, *key;
    int32_t *sorted[2], *only[2];
    double *scores[2];
    uint8_t *reached;
} scratch;

static void *need(size_t count, size_t bytes) {
    void *memory = calloc(count ? count : 1, bytes);
    if (!memory)
        abort();
    return memory;
}

static void compare_scores(const indexer *x, const tm_config *config, int64_t row, int64_t selected,
                           scratch *s, tally *t) {
    const int32_t *sides[2] = {x->expected + row * x->topk, x->actual + row * x->topk};
    int64_t count = 0;
    for (int side = 0; side < 2; side++) {
        memcpy(s->sorted[side], sides[side], (size_t)selected * sizeof **s->sorted);
        qsort(s->sorted[side], (size_t)selected, sizeof **s->sorted, compare_ints);
    }
    for (int side = 0; side < 2; side++)
        count = only_in(s->sorted[side], s->sorted[!side], selected, s->only[side]);
    if (count == 0)
        return;
    tm_dtype_read_floats(TM_DTYPE_FLOAT8_E4M3FN, x->queries, row * x->heads * x->dim,
                         x->heads * x->dim, s->queries);
    for (int side = 0; side < 2; side++) {
        for (int64_t i = 0; i < count; i++)
            s->scores[side][i] = score_of(x, row, s->queries, s->only[side][i], s->key);
        qsort(s->scores[side], (size_t)count, sizeof **s->scores, compare_falling);
    }
    int64_t bad = 0;
    for (int64_t i = 0; i < count; i++) {
        double wanted = s->scores[0][i], absolute = fabs(s->scores[1][i] - wanted);
        double relative = absolute / (fabs(wanted) + 1e-8);
        t->max_absolute = fmax(t->max_absolute, absolute);
        t->max_relative = fmax(t->max_relative, relative);
        t->square_error += absolute * absolute;
        t->square_expected += wanted * wanted;
        if (!(absolute <= config->atol || relative <= config->rtol) && bad++ == 0 &&
            t->reason[0] == '\0')
            snprintf(t->reason, sizeof t->reason,
                     "%s: row %" PRId64 " has %" PRId64 " of %" PRId64
                     " indices that the reference has not, the best of them that is too bad with a "
                     "score of %.6g where %.6g was to be had",
                     x->output, row, count, selected, s->scores[1][i], wanted);
    }
    t->bad += bad;
}

static tally judge_row(const indexer *x, const tm_config *config, int64_t row, scratch *s) {
    tally t = {.status = TM_STATUS_PASSED};
    int64_t most = x->max_pages * x->page_size, length = x->lengths[row];
    length = length < 0 ? 0 : length < most ? length : most;
    int64_t selected = length < x->topk ? length : x->topk;
    t.selected = selected;
    for (int64_t page = 0; page * x->page_size < length; page++) {
        int32_t number = x->block_table[row * x->max_pages + page];
        if (number < 0 || number >= x->num_pages) {
            t.status = TM_STATUS_VOID;
            snprintf(t.reason, sizeof t.reason,
                     "no verdict: block_table[%" PRId64 ", %" PRId64 "] is %d, of %" PRId64
                     " pages",
                     row, page, number, x->num_pages);
            return t;
        }
    }
    for (int64_t i = 0; i < selected; i++) {
        int32_t token = x->expected[row * x->topk + i];
        if (token < 0 || token >= x->num_pages * x->page_size) {
            t.status = TM_STATUS_VOID;
            snprintf(t.reason, sizeof t.reason,
                     "no verdict: the reference selects %d at [%" PRId64 ", %" PRId64 "]", token,
                     row, i);
            return t;
        }
    }
    if (is_selection(x, row, length, selected, s->reached, &t))
        compare_scores(x, config, row, selected, s, &t);
    return t;
}

static void add_row(tally *total, const tally *row) {
    if (row->reason[0] && (total->status == TM_STATUS_PASSED || row->status == TM_STATUS_VOID) &&
        (total->reason[0] == '\0' || row->status != TM_STATUS_PASSED))
        memcpy(total->reason, row->reason, sizeof total->reason);
    if (row->status != TM_STATUS_PASSED && total->status != TM_STATUS_VOID)
        total->status = row->status;
    total->max_absolute = fmax(total->max_absolute, row->max_absolute);
    total->max_relative = fmax(total->max_relative, row->max_relative);
    total->square_error += row->square_error;
    total->square_expected += row->square_expected;
    total->selected += row->selected;
    total->bad += row->bad;
}

static void judge_rows(const indexer *x, const tm_config *config, tally *total) {
#pragma omp parallel if (x->rows * x->topk > PARALLEL_INDICES)
    {
        size_t topk = (size_t)x->topk;
        scratch s = {.queries = need((size_t)(x->heads * x->dim), sizeof *s.queries),
                     .key = need((size_t)x->dim, sizeof *s.key),
                     .reached = need((size_t)(x->num_pages * x->page_size / 8 + 1), 1)};
        for (int side = 0; side < 2; side++) {
            s.sorted[side] = need(topk, sizeof **s.sorted);
            s.only[side] = need(topk, sizeof **s.only);
            s.scores[side] = need(topk, sizeof **s.scores);
        }
#pragma omp for schedule(dynamic)
        for (int64_t row = 0; row < x->rows; row++) {
            tally t = judge_row(x, config, row, &s);
#pragma omp critical
            add_row(total, &t);
        }
        for (int side = 0; side < 2; side++) {
            free(s.sorted[side]);
            free(s.only[side]);
            free(s.scores[side]);
        }
        free(s.queries);
        free(s.key);
        free(s.reached);
    }
}

static void judge(const tm_table *table, const tm_config *config, tm_inputs *inputs,
                  void *const *expected, void *const *actual, tm_verdict *verdict) {
    indexer x;
    if (!fill_indexer(&x, table, inputs)) {
        tm_verdict_void(verdict, "expected the tensors of a DSA top-k indexer: q_index_fp8, "
                                 "k_index_cache_fp8, weights, seq_lens, block_table");
        return;
    }
    x.queries = tm_inputs_get(inputs, "q_index_fp8");
    x.cache = tm_inputs_get(inputs, "k_index_cache_fp8");
    x.weights = tm_inputs_get(inputs, "weights");
    x.lengths = tm_inputs_get(inputs, "seq_lens");
    x.block_table = tm_inputs_get(inputs, "block_table");
    x.expected = expected[0];
    x.actual = actual[0];
    if (!x.queries || !x.cache || !x.weights || !x.lengths || !x.block_table) {
        tm_verdict_void(verdict, tm_inputs_error(inputs));
        return;
    }
    tally total = {.status = TM_STATUS_PASSED};
    judge_rows(&x, config, &total);
    double matched = total.selected ? 1 - (double)total.bad / (double)total.selected : 1;
    double l2 = sqrt(total.square_error) / (sqrt(total.square_expected) + 1e-30);
    if (total.status == TM_STATUS_PASSED &&
        matched < (config->has_matched_ratio ? config->required_matched_ratio : 1.0))
        total.status = TM_STATUS_INCORRECT_NUMERICAL;
    verdict->compared_elems += x.rows * x.topk;
    verdict->matched_ratio = fmin(verdict->matched_ratio, matched);
    verdict->max_absolute_error = fmax(verdict->max_absolute_error, total.max_absolute);
    verdict->max_relative_error = fmax(verdict->max_relative_error, total.max_relative);
    /* Of the scores in which the two sides differ: more than that of all. */
    verdict->relative_l2[0] = fmax(verdict->relative_l2[0], l2);
    if (verdict->status != TM_STATUS_PASSED || total.status == TM_STATUS_PASSED)
        return;
    verdict->status = total.status;
    memcpy(verdict->reason, total.reason, sizeof verdict->reason);
}

const tm_evaluator tm_evaluator_dsa_topk = {.name = "dsa_topk", .claims = claims, .judge = judge};
