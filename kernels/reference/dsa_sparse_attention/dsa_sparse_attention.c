/* Multi-head latent attention, absorbed, over the listed entries of a paged cache: an entry is the
 * compressed key, which is the value too, and the rotated key. -1 lists nothing; where nothing is
 * listed the output is 0 and the logarithm of the softmax's denominator (to base 2) -infinity. An
 * item is some heads of a token, which share the entries; the softmax is online (Milakov and
 * Gimelshein, "Online normalizer calculation for softmax", 2018). */
#include "contract.h"

#include "../reference.h"

enum {
    HEADS = 4, /* of an item */
    MOST_KEY = 640,
    MOST_VALUE = 512,
    KEY_SLOTS = MOST_KEY / TM_TEAM, /* elements of a lane: every TM_TEAM-th */
    VALUE_SLOTS = MOST_VALUE / TM_TEAM,
};

typedef struct {
    const tm_q_nope_t *q_nope;                 /* [num_tokens, heads, ckv] */
    const tm_q_pe_t *q_pe;                     /* [num_tokens, heads, kpe] */
    const tm_ckv_cache_t *ckv_cache;           /* [entries, ckv] */
    const tm_kpe_cache_t *kpe_cache;           /* [entries, kpe] */
    const tm_sparse_indices_t *sparse_indices; /* [num_tokens, topk] */
    tm_output_t *output;                       /* [num_tokens, heads, ckv] */
    tm_lse_t *lse;                             /* [num_tokens, heads] */
    int64_t heads, ckv, kpe, topk, entries;
    float scale; /* of logits to base 2 */
} dsa_job;

/* Defines `name`, which loads row `number` of two tensors, one behind the other. */
#define DSA_DEFINE_LOAD(name, head_type, tail_type)                                           \
    TM_ITEM void name(const dsa_job *job, const head_type *heads, const tail_type *tails,     \
                      int64_t number, int lane, float to[KEY_SLOTS]) {                        \
        const int64_t ckv = job->ckv, kpe = job->kpe;                                         \
        TM_UNROLL                                                                             \
        for (int64_t i = 0; i < (TM_ON_GPU ? KEY_SLOTS : ckv); ++i) {                         \
            const int64_t elem = i * TM_TEAM + lane;                                          \
            to[i] = !TM_ON_GPU || elem < ckv ? tm_load(heads, number * ckv + elem) : 0;       \
        }                                                                                     \
        TM_UNROLL                                                                             \
        for (int64_t i = TM_ON_GPU ? 0 : ckv; i < (TM_ON_GPU ? KEY_SLOTS : ckv + kpe); ++i) { \
            const int64_t elem = i * TM_TEAM + lane - ckv;                                    \
            if (!TM_ON_GPU || (elem >= 0 && elem < kpe))                                      \
                to[i] = tm_load(tails, number * kpe + elem);                                  \
        }                                                                                     \
    }
DSA_DEFINE_LOAD(dsa_load_query, tm_q_nope_t, tm_q_pe_t)
DSA_DEFINE_LOAD(dsa_load_entry, tm_ckv_cache_t, tm_kpe_cache_t)

/* What a lane knows of a head while entries go by. */
typedef struct {
    float q[KEY_SLOTS];
    float sums[VALUE_SLOTS]; /* of values, weighted by 2^(logit - most) */
    float total;             /* of the weights */
    float most;              /* of the logits */
} dsa_head;

TM_ITEM void dsa_add(dsa_head *head, const float key[KEY_SLOTS], float scale, int64_t key_slots,
                     int64_t value_slots) {
    float dot = 0;
#if TM_ON_GPU
    TM_UNROLL
#else
    TM_SUMS(dot)
#endif
    for (int64_t i = 0; i < key_slots; ++i)
        dot += head->q[i] * key[i];
    const float logit = (float)tm_team_sum(dot) * scale;
    if (!(logit <= head->most)) { /* NaN too, which then stays */
        const float shrink = exp2f(head->most - logit);
        head->most = logit;
        head->total *= shrink;
        TM_UNROLL
        for (int64_t i = 0; i < value_slots; ++i)
            head->sums[i] *= shrink;
    }
    const float weight = exp2f(logit - head->most);
    head->total += weight;
    TM_UNROLL
    for (int64_t i = 0; i < value_slots; ++i)
        head->sums[i] += weight * key[i];
}

TM_ITEM void dsa_heads(const dsa_job *job, int64_t item, int lane) {
    const int64_t tiles = (job->heads + HEADS - 1) / HEADS, token = item / tiles;
    const int64_t first = item % tiles * HEADS;
    const int64_t key_slots = TM_ON_GPU ? KEY_SLOTS : job->ckv + job->kpe;
    const int64_t value_slots = TM_ON_GPU ? VALUE_SLOTS : job->ckv;
    const tm_sparse_indices_t *listed = job->sparse_indices + token * job->topk;
    dsa_head heads[HEADS];
    int64_t count = 0;
    int is_outside = 0;
    TM_UNROLL
    for (int h = 0; h < HEADS; ++h) { /* past the last head: the last one again, not stored */
        const int64_t head = first + h < job->heads ? first + h : job->heads - 1;
        dsa_load_query(job, job->q_nope, job->q_pe, token * job->heads + head, lane, heads[h].q);
        heads[h].total = 0;
        heads[h].most = -INFINITY;
        TM_UNROLL
        for (int64_t i = 0; i < value_slots; ++i)
            heads[h].sums[i] = 0;
    }
    for (int64_t j = 0; j < job->topk; ++j) {
        float key[KEY_SLOTS];
        if (listed[j] == -1)
            continue;
        /* Other negative ones count from the end, as indices of the definition do. */
        const int64_t entry = listed[j] < 0 ? listed[j] + job->entries : listed[j];
        ++count;
        if (entry < 0 || entry >= job->entries) {
            is_outside = 1;
            continue;
        }
        dsa_load_entry(job, job->ckv_cache, job->kpe_cache, entry, lane, key);
        TM_UNROLL
        for (int h = 0; h < HEADS; ++h)
            dsa_add(&heads[h], key, job->scale, key_slots, value_slots);
    }
    TM_UNROLL
    for (int h = 0; h < HEADS; ++h) {
        if (first + h >= job->heads)
            continue;
        const int64_t number = token * job->heads + first + h;
        /* What is not in the cache has no value. */
        const float total = is_outside ? NAN : heads[h].total;
        TM_UNROLL
        for (int64_t i = 0; i < value_slots; ++i) {
            const int64_t elem = i * TM_TEAM + lane;
            if (elem < job->ckv)
                tm_store(job->output, number * job->ckv + elem,
                         count > 0 ? heads[h].sums[i] / total : 0.0f);
        }
        if (lane == 0)
            tm_store(job->lse, number, count > 0 ? heads[h].most + log2f(total) : -INFINITY);
    }
}

TM_DRIVER(dsa_tiles, dsa_job, dsa_heads, TM_TEAM)

int TM_ENTRY(const tm_q_nope_t *q_nope, const tm_q_pe_t *q_pe, const tm_ckv_cache_t *ckv_cache,
             const tm_kpe_cache_t *kpe_cache, const tm_sparse_indices_t *sparse_indices,
             tm_float32 sm_scale, tm_output_t *output, tm_lse_t *lse, const tm_axes *axes,
             tm_stream stream) {
    const int64_t heads = axes->num_qo_heads, ckv = axes->head_dim_ckv, kpe = axes->head_dim_kpe;
    if (ckv > MOST_VALUE || ckv + kpe > MOST_KEY)
        return tm_fail(2, "expected at most %d elements of ckv and %d with kpe, got %lld and %lld",
                       MOST_VALUE, MOST_KEY, (long long)ckv, (long long)(ckv + kpe));
    const float log2_e = 1.44269504088896340736f;
    const dsa_job job = {q_nope,
                         q_pe,
                         ckv_cache,
                         kpe_cache,
                         sparse_indices,
                         output,
                         lse,
                         heads,
                         ckv,
                         kpe,
                         axes->topk,
                         axes->num_pages * axes->page_size,
                         sm_scale * log2_e};
    return dsa_tiles(&job, axes->num_tokens * ((heads + HEADS - 1) / HEADS), stream);
}
