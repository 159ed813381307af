/* Attention over listed entries on the CPU: some heads of a token at a time, over OpenMP threads.
 * ENTRIES entries are widened once for all of these heads; their logits, the running softmax and
 * the weighted sum of their values then come from the L1 and L2. */
#include "contract.h"

#include <math.h>
#include <stdlib.h>

enum {
    ENTRIES = 32,
    HEADS = 8,    /* of an item */
    TOGETHER = 4, /* entries whose products with a query are formed together */
};

typedef struct {
    const tm_bfloat16 *q_nope, *q_pe, *ckv_cache, *kpe_cache;
    const int32_t *sparse_indices;
    tm_bfloat16 *output;
    float *lse;
    int64_t heads, ckv, kpe, topk, entries;
    float scale; /* of logits to base 2 */
} problem;

/* Of a thread; rows of ckv + kpe elements. */
typedef struct {
    float *queries; /* [HEADS] */
    float *keys;    /* [ENTRIES] */
    float *sums;    /* [HEADS] rows of ckv elements: values, weighted by 2^(logit - most) */
    float most[HEADS], total[HEADS];
} workspace;

static inline void widen(const tm_bfloat16 *from, int64_t elems, float *to) {
    for (int64_t i = 0; i < elems; ++i) {
        const uint32_t bits = (uint32_t)from[i].bits << 16;
        memcpy(&to[i], &bits, sizeof bits);
    }
}

static inline tm_bfloat16 narrow(float value) { /* to nearest even; NaN becomes a quiet NaN */
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits = value == value ? bits + 0x7fff + (bits >> 16 & 1) : bits | 0x400000;
    return (tm_bfloat16){(uint16_t)(bits >> 16)};
}

static void form_logits(const float *query, const float *keys, int64_t elems, float scale,
                        float logits[TOGETHER]) {
    float a = 0, b = 0, c = 0, d = 0;
#pragma omp simd reduction(+ : a, b, c, d)
    for (int64_t i = 0; i < elems; ++i) {
        a += query[i] * keys[i];
        b += query[i] * keys[elems + i];
        c += query[i] * keys[2 * elems + i];
        d += query[i] * keys[3 * elems + i];
    }
    logits[0] = a * scale;
    logits[1] = b * scale;
    logits[2] = c * scale;
    logits[3] = d * scale;
}

/* The next `count` entries, which lie in `keys`, for one head. */
static void add_entries(const problem *p, workspace *work, int head, int count) {
    const int64_t elems = p->ckv + p->kpe;
    float weights[ENTRIES], most = work->most[head], total = 0;
    float *sums = work->sums + head * p->ckv;
    for (int j = 0; j < count; j += TOGETHER) /* behind the last: zeros, whose weight is 0 */
        form_logits(work->queries + head * elems, work->keys + j * elems, elems, p->scale,
                    weights + j);
    for (int j = 0; j < count; ++j)
        most = weights[j] > most ? weights[j] : most;
    const float shrink = exp2f(work->most[head] - most);
    for (int j = 0; j < ENTRIES; ++j) {
        weights[j] = j < count ? exp2f(weights[j] - most) : 0;
        total += weights[j];
    }
    work->most[head] = most;
    work->total[head] = work->total[head] * shrink + total;
    for (int64_t i = 0; i < p->ckv; ++i)
        sums[i] *= shrink;
    for (int j = 0; j < count; j += TOGETHER) {
        const float *keys = work->keys + j * elems;
        const float *w = weights + j;
        for (int64_t i = 0; i < p->ckv; ++i)
            sums[i] += (w[0] * keys[i] + w[1] * keys[elems + i]) +
                       (w[2] * keys[2 * elems + i] + w[3] * keys[3 * elems + i]);
    }
}

/* Heads [first, first + count) of a token. Returns whether all of its entries are in the cache. */
static int attend(const problem *p, workspace *work, int64_t token, int64_t first, int count) {
    const int32_t *listed = p->sparse_indices + token * p->topk;
    const int64_t elems = p->ckv + p->kpe, row = token * p->heads + first;
    int64_t at = 0;
    for (int h = 0; h < count; ++h) {
        widen(p->q_nope + (row + h) * p->ckv, p->ckv, work->queries + h * elems);
        widen(p->q_pe + (row + h) * p->kpe, p->kpe, work->queries + h * elems + p->ckv);
        work->most[h] = -INFINITY;
        work->total[h] = 0;
    }
    memset(work->sums, 0, (size_t)(HEADS * p->ckv) * sizeof *work->sums);
    while (at < p->topk) {
        int gathered = 0;
        for (; at < p->topk && gathered < ENTRIES; ++at) {
            const int64_t entry = listed[at];
            if (entry == -1)
                continue;
            if (entry < 0 || entry >= p->entries)
                return 0;
            widen(p->ckv_cache + entry * p->ckv, p->ckv, work->keys + gathered * elems);
            widen(p->kpe_cache + entry * p->kpe, p->kpe, work->keys + gathered * elems + p->ckv);
            ++gathered;
        }
        if (gathered % TOGETHER != 0)
            memset(work->keys + gathered * elems, 0,
                   (size_t)((TOGETHER - gathered % TOGETHER) * elems) * sizeof *work->keys);
        for (int h = 0; gathered > 0 && h < count; ++h)
            add_entries(p, work, h, gathered);
    }
    for (int h = 0; h < count; ++h) {
        const float inverse = work->total[h] > 0 ? 1 / work->total[h] : 0;
        for (int64_t i = 0; i < p->ckv; ++i)
            p->output[(row + h) * p->ckv + i] = narrow(work->sums[h * p->ckv + i] * inverse);
        p->lse[row + h] = work->most[h] + log2f(work->total[h]);
    }
    return 1;
}

int TM_ENTRY(const tm_bfloat16 *q_nope, const tm_bfloat16 *q_pe, const tm_bfloat16 *ckv_cache,
             const tm_bfloat16 *kpe_cache, const int32_t *sparse_indices, float sm_scale,
             tm_bfloat16 *output, float *lse, const tm_axes *axes, tm_stream stream) {
    (void)stream;
    const problem p = {q_nope,
                       q_pe,
                       ckv_cache,
                       kpe_cache,
                       sparse_indices,
                       output,
                       lse,
                       axes->num_qo_heads,
                       axes->head_dim_ckv,
                       axes->head_dim_kpe,
                       axes->topk,
                       axes->num_pages * axes->page_size,
                       sm_scale * 1.44269504088896340736f};
    const int64_t groups = (p.heads + HEADS - 1) / HEADS, elems = p.ckv + p.kpe;
    int refused = 0, failures = 0;
#pragma omp parallel reduction(+ : refused, failures)
    {
        workspace work;
        float *memory =
            malloc((size_t)((HEADS + ENTRIES) * elems + HEADS * p.ckv) * sizeof *memory);
        if (memory) {
            work.queries = memory;
            work.keys = work.queries + HEADS * elems;
            work.sums = work.keys + ENTRIES * elems;
#pragma omp for schedule(dynamic)
            for (int64_t i = 0; i < axes->num_tokens * groups; ++i) {
                const int64_t first = i % groups * HEADS, left = p.heads - first;
                refused +=
                    !attend(&p, &work, i / groups, first, (int)(left < HEADS ? left : HEADS));
            }
        } else {
            failures++;
        }
        free(memory);
    }
    if (refused > 0)
        return tm_fail(2, "an index outside of the %lld entries of the cache",
                       (long long)p.entries);
    return failures == 0 ? 0 : tm_fail(3, "no memory for %d entries", ENTRIES);
}
