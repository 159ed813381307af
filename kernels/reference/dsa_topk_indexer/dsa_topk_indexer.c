/* The entries of a paged cache of keys that a sequence's query scores highest: the sum over the
 * index heads of relu(q . k) times the head's weight. Three phases: the score of every entry (an
 * item is TOKENS of them), the choice (an item is a sequence), their order.
 *
 * A page holds the fp8 elements of its keys and behind them the float32 scales, a key each. Highest
 * scores come first; of equal ones, the earlier entry, and NaN is the highest, as PyTorch has it.
 * What is left is -1. An entry of the block table that names no page is not in the sequence. */
#include "contract.h"

#include "../cut.h"

enum { TOKENS = 4, HEADS = 4 }; /* of a tile whose products are formed together */

typedef struct {
    const tm_q_index_fp8_t *q;       /* [batch_size, heads, dim] */
    const tm_k_index_cache_fp8_t *k; /* [num_pages, page_bytes] */
    const tm_weights_t *weights;     /* [batch_size, heads] */
    const tm_seq_lens_t *seq_lens;   /* [batch_size] */
    const tm_block_table_t *pages;   /* [batch_size, max_num_pages] */
    tm_topk_indices_t *topk_indices; /* [batch_size, topk] */
    int64_t batch_size, heads, dim, page_size, page_bytes, topk, max_num_pages, num_pages;
    uint32_t *keys;     /* [batch_size, max_num_pages * page_size]: 0, or grows with the score */
    uint32_t *chosen;   /* [batch_size, topk]: keys */
    int32_t *chosen_at; /* [batch_size, topk]: index of the entry in the cache */
} indexer_job;

TM_ITEM int64_t indexer_least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Entries of a sequence: no more than its pages hold. */
TM_ITEM int64_t indexer_length(const indexer_job *job, int64_t sequence) {
    const int64_t given = job->seq_lens[sequence];
    return given < 0 ? 0 : indexer_least(given, job->max_num_pages * job->page_size);
}

/* The page of a sequence's entry, or -1. */
TM_ITEM int64_t indexer_page(const indexer_job *job, int64_t sequence, int64_t token) {
    const int64_t page = job->pages[sequence * job->max_num_pages + token / job->page_size];
    return page >= 0 && page < job->num_pages ? page : -1;
}

/* In the order of scores; never 0. */
TM_ITEM uint32_t indexer_key(float score) {
    const float positive_zero = score + 0.0f;
    uint32_t bits;
    memcpy(&bits, &positive_zero, sizeof bits);
    if (score != score)
        return 0xffffffffu;
    return bits >> 31 ? ~bits : bits | 0x80000000u;
}

TM_ITEM void indexer_score(const indexer_job *job, int64_t item, int lane) {
    (void)lane;
    const int64_t tokens = job->max_num_pages * job->page_size;
    const int64_t tiles = (tokens + TOKENS - 1) / TOKENS, sequence = item / tiles;
    const int64_t first = item % tiles * TOKENS, length = indexer_length(job, sequence);
    const tm_float8_e4m3fn *keys = (const tm_float8_e4m3fn *)(const void *)job->k;
    int64_t begin[TOKENS]; /* of a key */
    float scale[TOKENS];
    double score[TOKENS];
    int is_there[TOKENS];
    if (first >= length)
        return;
    TM_UNROLL
    for (int t = 0; t < TOKENS; ++t) { /* past the end: the last one again, not stored */
        const int64_t token = indexer_least(first + t, length - 1);
        const int64_t page = indexer_page(job, sequence, token), in_page = token % job->page_size;
        const int64_t base = (page < 0 ? 0 : page) * job->page_bytes;
        is_there[t] = page >= 0;
        begin[t] = base + in_page * job->dim;
        score[t] = 0;
        scale[t] = 0;
        if (job->num_pages > 0)
            memcpy(&scale[t],
                   (const char *)job->k + base + job->page_size * job->dim +
                       in_page * (int64_t)sizeof *scale,
                   sizeof *scale);
    }
    for (int64_t head = 0; head < job->heads && job->num_pages > 0; head += HEADS) {
        tm_partial dot[HEADS][TOKENS];
        memset(dot, 0, sizeof dot);
        for (int64_t i = 0; i < job->dim; i += TM_WIDE) {
            tm_wide q[HEADS], k[TOKENS];
            TM_UNROLL
            for (int h = 0; h < HEADS; ++h) {
                const int64_t row = sequence * job->heads + indexer_least(head + h, job->heads - 1);
                tm_load_wide(job->q, row * job->dim + i, job->dim - i, &q[h]);
            }
            TM_UNROLL
            for (int t = 0; t < TOKENS; ++t)
                tm_load_wide(keys, begin[t] + i, job->dim - i, &k[t]);
            TM_UNROLL
            for (int h = 0; h < HEADS; ++h) {
                TM_UNROLL
                for (int t = 0; t < TOKENS; ++t)
                    tm_multiply_add(&dot[h][t], &q[h], &k[t]);
            }
        }
        TM_UNROLL
        for (int h = 0; h < HEADS; ++h) {
            if (head + h >= job->heads)
                continue;
            const float weight = tm_load(job->weights, sequence * job->heads + head + h);
            TM_UNROLL
            for (int t = 0; t < TOKENS; ++t) {
                const float logit = tm_partial_sum(&dot[h][t]) * scale[t];
                score[t] += (double)((logit < 0 ? 0 : logit) * weight);
            }
        }
    }
    TM_UNROLL
    for (int t = 0; t < TOKENS; ++t) {
        if (first + t < length)
            job->keys[sequence * tokens + first + t] =
                is_there[t] ? indexer_key((float)score[t]) : 0;
    }
}

TM_DRIVER(indexer_scores, indexer_job, indexer_score, 1)

typedef struct {
    tm_cut_work cut;
    uint64_t ties[TM_BLOCK_TEAMS], kept[TM_BLOCK_TEAMS]; /* of each team's part */
} indexer_shared;

/* Whether key `at` of a row is kept, `ties` that equal the cut's standing before it. */
TM_ITEM int indexer_is_kept(const tm_cut *cut, uint32_t key, uint64_t ties) {
    return key > 0 && (key > cut->key || (key == cut->key && ties < cut->ties));
}

/* Collects the kept entries in the sequence's order. */
TM_ITEM void indexer_choose(const indexer_job *job, int64_t sequence, indexer_shared *shared) {
    const int64_t tokens = job->max_num_pages * job->page_size;
    const int64_t length = indexer_length(job, sequence);
    const int64_t wanted = indexer_least(job->topk, length);
    const int team = tm_block_thread() / TM_TEAM, lane = tm_block_thread() % TM_TEAM;
    const tm_cut_row row = {job->keys + sequence * tokens, length, 0, 0};
    uint32_t *chosen = job->chosen + sequence * job->topk;
    int32_t *chosen_at = job->chosen_at + sequence * job->topk;
    for (int64_t i = tm_block_thread(); i < job->topk; i += TM_BLOCK)
        chosen[i] = 0;
    if (wanted == 0)
        return;
    const tm_cut cut = tm_cut_find(&row, &shared->cut, 0, (uint64_t)wanted - 1);

    /* Each team has a part of the row. */
    const int64_t part = (length + TM_BLOCK_TEAMS - 1) / TM_BLOCK_TEAMS;
    const int64_t begin = indexer_least(team * part, length);
    const int64_t end = indexer_least(begin + part, length);
    uint64_t ties = 0, above = 0;
    for (int64_t i = begin + lane; i < end; i += TM_TEAM) {
        const uint32_t key = tm_cut_key(&row, i);
        ties += key == cut.key;
        above += key > cut.key;
    }
    ties = tm_team_total(ties);
    above = tm_team_total(above);
    if (lane == 0)
        shared->ties[team] = ties;
    tm_block_wait();
    uint64_t ties_before = 0, kept_before = 0;
    for (int t = 0; t < team; ++t)
        ties_before += shared->ties[t];
    const uint64_t left = ties_before < cut.ties ? cut.ties - ties_before : 0;
    if (lane == 0)
        shared->kept[team] = above + (cut.key > 0 ? (ties < left ? ties : left) : 0);
    tm_block_wait();
    for (int t = 0; t < team; ++t)
        kept_before += shared->kept[t];
    for (int64_t base = begin; base < end; base += TM_TEAM) {
        const int64_t i = base + lane;
        const uint32_t key = i < end ? tm_cut_key(&row, i) : 0;
        const uint64_t is_tie = i < end && key == cut.key;
        const uint64_t is_kept =
            (uint64_t)indexer_is_kept(&cut, key, ties_before + tm_team_before(is_tie));
        const uint64_t to = kept_before + tm_team_before(is_kept);
        if (is_kept) {
            chosen[to] = key;
            chosen_at[to] =
                (int32_t)(indexer_page(job, sequence, i) * job->page_size + i % job->page_size);
        }
        ties_before += tm_team_total(is_tie);
        kept_before += tm_team_total(is_kept);
    }
}

TM_BLOCK_DRIVER(indexer_choices, indexer_job, indexer_choose, indexer_shared)

/* One of those that were chosen goes behind all with a higher key, or an equal one and earlier. */
TM_ITEM void indexer_place(const indexer_job *job, int64_t item, int lane) {
    const int64_t sequence = item / job->topk, own = item % job->topk;
    const uint32_t *chosen = job->chosen + sequence * job->topk;
    const uint32_t key = chosen[own];
    uint64_t before = 0;
    for (int64_t i = lane; i < job->topk; i += TM_TEAM)
        before += chosen[i] > key || (chosen[i] == key && i < own);
    before = tm_team_total(before);
    if (lane == 0)
        job->topk_indices[sequence * job->topk + (int64_t)before] =
            key > 0 ? job->chosen_at[item] : -1;
}

TM_DRIVER(indexer_places, indexer_job, indexer_place, TM_TEAM)

int TM_ENTRY(const tm_q_index_fp8_t *q_index_fp8, const tm_k_index_cache_fp8_t *k_index_cache_fp8,
             const tm_weights_t *weights, const tm_seq_lens_t *seq_lens,
             const tm_block_table_t *block_table, tm_topk_indices_t *topk_indices,
             const tm_axes *axes, tm_stream stream) {
    indexer_job job = {q_index_fp8,
                       k_index_cache_fp8,
                       weights,
                       seq_lens,
                       block_table,
                       topk_indices,
                       axes->batch_size,
                       axes->num_index_heads,
                       axes->index_head_dim,
                       axes->page_size,
                       axes->page_size * axes->head_dim_with_scale,
                       axes->topk,
                       axes->max_num_pages,
                       axes->num_pages,
                       NULL,
                       NULL,
                       NULL};
    if (axes->kv_cache_num_heads != 1 || axes->head_dim_with_scale != job.dim + 4)
        return tm_fail(2,
                       "expected one head of keys of %lld elements and 4 bytes, got %lld of %lld",
                       (long long)job.dim, (long long)axes->kv_cache_num_heads,
                       (long long)axes->head_dim_with_scale);
    const int64_t tokens = job.max_num_pages * job.page_size, chosen = job.batch_size * job.topk;
    char *scratch = (char *)tm_scratch((size_t)(job.batch_size * tokens + 2 * chosen) * 4);
    if (!scratch)
        return tm_fail(3, "no memory for %lld scores", (long long)(job.batch_size * tokens));
    job.chosen = (uint32_t *)(void *)scratch;
    job.chosen_at = (int32_t *)(void *)(scratch + chosen * 4);
    job.keys = (uint32_t *)(void *)(scratch + chosen * 8);
    int status = indexer_scores(&job, job.batch_size * ((tokens + TOKENS - 1) / TOKENS), stream);
    if (status == 0)
        status = indexer_choices(&job, job.batch_size, stream);
    return status == 0 ? indexer_places(&job, chosen, stream) : status;
}
