/* The indexer on the CPU. Scores: a page at a time, over OpenMP threads; its keys are widened and
 * turned, so that a vector holds neighbouring tokens and a head's elements are broadcast.
 * Selection: the scores of a sequence as integers, sorted by three digits from the last to the
 * first. */
#include "contract.h"

#include <stdlib.h>

enum {
    LANES = 8,
    VECTORS = 2,
    TOKENS = VECTORS * LANES, /* of a page, whose scores are formed together */
    HEADS = 4,
    DIGIT = 11,
    BINS = 1 << DIGIT,
    SCALE_BYTES = 4,
};

typedef float token_vector __attribute__((vector_size(4 * LANES)));
typedef int32_t mask_vector __attribute__((vector_size(4 * LANES)));

typedef struct {
    const tm_float8_e4m3fn *q;
    const uint8_t *k;
    const float *weights;
    const int32_t *seq_lens, *block_table;
    int64_t heads, dim, page_size, topk, max_num_pages, num_pages;
    float values[256]; /* of fp8 */
} problem;

/* A token with its score: a larger score is a smaller key, and the index decides no ties. */
typedef struct {
    uint32_t key, token;
} ranked;

static float value_of(unsigned bits) {
    const int exponent = bits >> 3 & 15, mantissa = bits & 7;
    float value = exponent == 0 ? (float)mantissa / 8 / 64 : (1 + (float)mantissa / 8) / 64;
    for (int i = 1; i < exponent; ++i)
        value *= 2;
    if ((bits & 0x7f) == 0x7f)
        value = __builtin_nanf("");
    return bits & 0x80 ? -value : value;
}

static uint32_t key_of(float score) {
    const float positive_zero = score + 0.0f;
    uint32_t bits;
    memcpy(&bits, &positive_zero, sizeof bits);
    if (score != score)
        return 0;
    return bits >> 31 ? bits : ~(bits | 0x80000000u);
}

/* Scores of TOKENS tokens of a page; `turned` is [dim][TOKENS], `queries` [heads][dim]. */
static void score_tokens(const problem *p, const float *turned, const float *queries,
                         const float *weights, const float *scales, float *scores) {
    token_vector sum[VECTORS] = {{0}}, scale[VECTORS];
    memcpy(scale, scales, sizeof scale);
    for (int64_t head = 0; head < p->heads; head += HEADS) {
        token_vector dot[HEADS][VECTORS] = {{{0}}};
        const float *query[HEADS];
        for (int h = 0; h < HEADS; ++h) /* past the last head: the last one again, not used */
            query[h] = queries + (head + h < p->heads ? head + h : p->heads - 1) * p->dim;
        for (int64_t i = 0; i < p->dim; ++i) {
            token_vector keys[VECTORS];
            memcpy(keys, turned + i * TOKENS, sizeof keys);
            for (int h = 0; h < HEADS; ++h)
                for (int v = 0; v < VECTORS; ++v)
                    dot[h][v] += keys[v] * query[h][i];
        }
        for (int h = 0; h < HEADS && head + h < p->heads; ++h) {
            for (int v = 0; v < VECTORS; ++v) {
                const token_vector logit = dot[h][v] * scale[v];
                const mask_vector negative = logit < 0; /* what is no number is not */
                sum[v] += (token_vector)((mask_vector)logit & ~negative) * weights[head + h];
            }
        }
    }
    memcpy(scores, sum, sizeof sum);
}

static void score_page(const problem *p, int64_t page, const float *queries, const float *weights,
                       float *turned, int64_t tokens, ranked *to, uint32_t first) {
    const uint8_t *keys = p->k + page * p->page_size * (p->dim + SCALE_BYTES);
    for (int64_t begin = 0; begin < tokens; begin += TOKENS) {
        float scores[TOKENS], scales[TOKENS] = {0};
        for (int t = 0; t < TOKENS; ++t) { /* past the end of the page: its last token */
            const int64_t token = begin + t < p->page_size ? begin + t : p->page_size - 1;
            for (int64_t i = 0; i < p->dim; ++i)
                turned[i * TOKENS + t] = p->values[keys[token * p->dim + i]];
            memcpy(&scales[t], keys + p->page_size * p->dim + token * SCALE_BYTES, SCALE_BYTES);
        }
        score_tokens(p, turned, queries, weights, scales, scores);
        for (int64_t t = 0; t < TOKENS && begin + t < tokens; ++t)
            to[begin + t] = (ranked){key_of(scores[t]), first + (uint32_t)(begin + t)};
    }
}

/* Sorts by key; equal ones stay in their order. Ends in `list`, by way of `other`. */
static void sort(ranked *list, ranked *other, int64_t length) {
    for (int shift = 0; shift < 33; shift += DIGIT) {
        int64_t at[BINS] = {0}, sum = 0;
        for (int64_t i = 0; i < length; ++i)
            at[list[i].key >> shift & (BINS - 1)]++;
        for (int bin = 0; bin < BINS; ++bin) {
            const int64_t count = at[bin];
            at[bin] = sum;
            sum += count;
        }
        for (int64_t i = 0; i < length; ++i)
            other[at[list[i].key >> shift & (BINS - 1)]++] = list[i];
        ranked *const swapped = list;
        list = other;
        other = swapped;
    }
    memcpy(other, list, (size_t)length * sizeof *list); /* after three digits they are exchanged */
}

static int64_t length_of(const problem *p, int64_t sequence) {
    const int64_t most = p->max_num_pages * p->page_size, given = p->seq_lens[sequence];
    return given < 0 ? 0 : given < most ? given : most;
}

/* Writes the indices of one sequence from its sorted list. */
static void write_indices(const problem *p, int64_t sequence, const ranked *list, int64_t length,
                          int32_t *to) {
    for (int64_t i = 0; i < p->topk; ++i) {
        if (i >= length) {
            to[i] = -1;
            continue;
        }
        const int64_t token = list[i].token;
        const int64_t page = p->block_table[sequence * p->max_num_pages + token / p->page_size];
        to[i] = (int32_t)(page * p->page_size + token % p->page_size);
    }
}

int TM_ENTRY(const tm_float8_e4m3fn *q_index_fp8, const int8_t *k_index_cache_fp8,
             const float *weights, const int32_t *seq_lens, const int32_t *block_table,
             int32_t *topk_indices, const tm_axes *axes, tm_stream stream) {
    (void)stream;
    problem p = {q_index_fp8,
                 (const uint8_t *)k_index_cache_fp8,
                 weights,
                 seq_lens,
                 block_table,
                 axes->num_index_heads,
                 axes->index_head_dim,
                 axes->page_size,
                 axes->topk,
                 axes->max_num_pages,
                 axes->num_pages,
                 {0}};
    const int64_t batch = axes->batch_size, tokens = p.max_num_pages * p.page_size;
    const int64_t q_elems = p.heads * p.dim;
    if (axes->kv_cache_num_heads != 1 || axes->head_dim_with_scale != p.dim + SCALE_BYTES)
        return tm_fail(2, "expected one head of keys with a scale of 4 bytes");
    for (unsigned bits = 0; bits < 256; ++bits)
        p.values[bits] = value_of(bits);
    ranked *lists = malloc((size_t)(2 * batch * tokens + 1) * sizeof *lists);
    float *queries = malloc((size_t)(batch * q_elems + 1) * sizeof *queries);
    int refused = 0, failures = !lists || !queries;
    if (failures == 0) {
        for (int64_t i = 0; i < batch * q_elems; ++i)
            queries[i] = p.values[q_index_fp8[i].bits];
#pragma omp parallel reduction(+ : refused, failures)
        {
            float *turned = malloc((size_t)(p.dim * TOKENS) * sizeof *turned);
            failures += !turned;
#pragma omp for schedule(dynamic, 4)
            for (int64_t i = 0; i < batch * p.max_num_pages; ++i) {
                const int64_t sequence = i / p.max_num_pages;
                const int64_t first = i % p.max_num_pages * p.page_size;
                const int64_t left = length_of(&p, sequence) - first, page = block_table[i];
                if (left <= 0 || !turned)
                    continue;
                if (page < 0 || page >= p.num_pages) {
                    refused++;
                    continue;
                }
                score_page(&p, page, queries + sequence * q_elems, weights + sequence * p.heads,
                           turned, left < p.page_size ? left : p.page_size,
                           lists + sequence * tokens + first, (uint32_t)first);
            }
            free(turned);
        }
    }
    if (failures == 0 && refused == 0) {
#pragma omp parallel for schedule(dynamic)
        for (int64_t b = 0; b < batch; ++b) {
            sort(lists + b * tokens, lists + (batch + b) * tokens, length_of(&p, b));
            write_indices(&p, b, lists + b * tokens, length_of(&p, b), topk_indices + b * p.topk);
        }
    }
    free(queries);
    free(lists);
    if (refused > 0)
        return tm_fail(2, "%d pages of the block table outside of the cache", refused);
    return failures == 0 ? 0 : tm_fail(3, "no memory for %lld scores", (long long)(batch * tokens));
}
