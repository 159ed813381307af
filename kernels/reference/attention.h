/* attention: softmax(q k^T sm_scale) v and the base-2 logarithm of the softmax's denominator, in
 * float32, for keys and values in pages or in one piece. Queries of a request are its last tokens:
 * query i of n sees the keys up to i + tokens - n. A row that sees none is 0, its lse -infinity.
 *
 * An item is a few rows (query, head) that share a head of keys, so that each key is read once for
 * all of them; the softmax is online (Milakov and Gimelshein, "Online normalizer calculation for
 * softmax", 2018). What comes from index tensors is checked: offsets are cut to the tensor's
 * length, and a page that does not exist makes the rows that see it NaN.
 *
 * Before it is included, a family has contract.h and defines the types attention_q, attention_k,
 * attention_v, attention_output and, of a second part of query and key, attention_q_tail and
 * attention_k_tail; and ATTENTION_VALUES_IN_KEYS: 1 when a value is the first part of its key. */
#ifndef TM_ATTENTION_H
#define TM_ATTENTION_H

#include "reference.h"

/* Before the loops that keep vectors in registers; on the CPU they lie in memory. */
#if TM_ON_GPU
#define ATTENTION_UNROLL TM_UNROLL
#else
#define ATTENTION_UNROLL
#endif

enum {
    ATTENTION_ROWS = 4,
    ATTENTION_KEYS = 4, /* at most, loaded together */
    ATTENTION_MOST_ELEMS = !TM_ON_GPU || ATTENTION_VALUES_IN_KEYS ? 640 : 256,
    ATTENTION_MOST_SLOTS = ATTENTION_MOST_ELEMS / TM_TEAM, /* elements of a vector in a lane */
};

typedef struct {
    const attention_q *q;           /* [queries, qo_heads, elems] */
    const attention_q_tail *q_tail; /* [queries, qo_heads, tail_elems] */
    const attention_k *k;           /* [places, kv_heads, elems] */
    const attention_k_tail *k_tail; /* [places, kv_heads, tail_elems] */
    const attention_v *v;           /* [places, kv_heads, v_elems] */
    attention_output *output;       /* [queries, qo_heads, v_elems] */
    tm_float32 *lse;                /* [queries, qo_heads] */
    const tm_int32 *qo_indptr;      /* [requests + 1]; NULL: query i is request i and sees all */
    const tm_int32 *kv_indptr;      /* [requests + 1], in pages */
    const tm_int32 *kv_indices;     /* [indices]; NULL: page i is i */
    const tm_int32 *last_page_len;  /* [last_pages]; NULL: the last page is full */
    int64_t queries, requests, qo_heads, kv_heads;
    int64_t elems, tail_elems, v_elems;
    int64_t indices, last_pages, pages, page_size;
    float sm_scale;
    int64_t tiles_per_span, tiles; /* filled by attention_run */
} attention_job;

/* The request of a query, and its keys. */
typedef struct {
    int64_t first_query, queries;
    int64_t first_page, tokens;
} attention_request;

TM_ITEM int64_t attention_clamp(int64_t value, int64_t most) {
    return value < 0 ? 0 : value > most ? most : value;
}

TM_ITEM float attention_team_sum(float value) {
#if TM_ON_GPU
    ATTENTION_UNROLL
    for (int distance = TM_TEAM / 2; distance > 0; distance /= 2)
        value += __shfl_xor_sync(0xffffffffu, value, distance);
#endif
    return value;
}

/* A query that belongs to no request is one of its own without keys. */
TM_ITEM attention_request attention_find_request(const attention_job *job, int64_t query) {
    attention_request found = {query, 1, 0, 0};
    int64_t i = query < job->requests ? query : -1;
    if (job->qo_indptr) {
        i = job->requests - 1;
        while (i >= 0 && !(job->qo_indptr[i] <= query && query < job->qo_indptr[i + 1]))
            --i;
        if (i >= 0) {
            found.first_query = job->qo_indptr[i];
            found.queries = job->qo_indptr[i + 1] - found.first_query;
        }
    }
    if (i < 0)
        return found;
    const int64_t end = attention_clamp(job->kv_indptr[i + 1], job->indices);
    found.first_page = attention_clamp(job->kv_indptr[i], job->indices);
    if (found.first_page >= end)
        return found;
    found.tokens = (end - found.first_page) * job->page_size;
    if (job->last_page_len && i < job->last_pages)
        found.tokens -= job->page_size - attention_clamp(job->last_page_len[i], job->page_size);
    found.tokens = attention_clamp(found.tokens, INT32_MAX);
    return found;
}

/* Where a request's key lies, in units of tokens, or -1. */
TM_ITEM int64_t attention_find_place(const attention_job *job, const attention_request *request,
                                     int64_t token) {
    const uint32_t page_size = (uint32_t)job->page_size; /* no 64-bit division on a GPU */
    const int64_t at = request->first_page + (uint32_t)token / page_size;
    const int64_t page = job->kv_indices ? job->kv_indices[at] : at;
    return page < 0 || page >= job->pages ? -1 : page * page_size + (uint32_t)token % page_size;
}

/* Defines `name`, which loads vector `number` of `elems` elements, of which a lane has every
 * TM_TEAM-th, behind the `first` elements of `to`. A negative number is a vector of NaN. */
#define ATTENTION_DEFINE_LOAD(name, type)                                                       \
    TM_ITEM void name(const type *from, int64_t number, int64_t elems, int64_t first, int lane, \
                      int64_t slots, float *to) {                                               \
        const int64_t begin = TM_ON_GPU ? 0 : first, end = TM_ON_GPU ? slots : first + elems;   \
        ATTENTION_UNROLL                                                                        \
        for (int64_t i = begin; i < end; ++i) {                                                 \
            const int64_t elem = i * TM_TEAM + lane - first;                                    \
            if (!TM_ON_GPU || (elem >= 0 && elem < elems))                                      \
                to[i] = number < 0 ? NAN : tm_load(from, number * elems + elem);                \
            else if (first == 0)                                                                \
                to[i] = 0;                                                                      \
        }                                                                                       \
    }
ATTENTION_DEFINE_LOAD(attention_load_q, attention_q)
ATTENTION_DEFINE_LOAD(attention_load_q_tail, attention_q_tail)
ATTENTION_DEFINE_LOAD(attention_load_k, attention_k)
ATTENTION_DEFINE_LOAD(attention_load_k_tail, attention_k_tail)
ATTENTION_DEFINE_LOAD(attention_load_v, attention_v)
#undef ATTENTION_DEFINE_LOAD

/* What a lane knows of a row while keys go by. */
typedef struct {
    float q[ATTENTION_MOST_SLOTS];
    float sums[ATTENTION_MOST_SLOTS]; /* of values, weighted by 2^(logit - most) */
    float total;                      /* of the weights */
    float most;                       /* of the logits, in base 2 */
    int64_t visible;                  /* keys */
} attention_row;

TM_ITEM float attention_dot(const float *a, const float *b, int64_t slots) {
    float sum = 0;
    ATTENTION_UNROLL
    TM_SUMS(sum)
    for (int64_t i = 0; i < slots; ++i)
        sum += a[i] * b[i];
    return sum;
}

/* The next `keys` keys: their logits and values. Those from `visible` on are not seen. */
TM_ITEM void attention_add(attention_row *row, const float *logits, int keys, int64_t visible,
                           float (*values)[ATTENTION_MOST_SLOTS], int64_t slots) {
    float most = row->most;
    ATTENTION_UNROLL
    for (int j = 0; j < keys; ++j)
        most = j < visible ? fmaxf(most, logits[j]) : most;
    if (most > row->most) {
        const float shrink = exp2f(row->most - most);
        row->most = most;
        row->total *= shrink;
        ATTENTION_UNROLL
        for (int64_t i = 0; i < slots; ++i)
            row->sums[i] *= shrink;
    }
    ATTENTION_UNROLL
    for (int j = 0; j < keys; ++j) {
        if (j < visible) {
            const float weight = exp2f(logits[j] - most);
            row->total += weight;
            ATTENTION_UNROLL
            for (int64_t i = 0; i < slots; ++i)
                row->sums[i] += weight * values[j][i];
        }
    }
}

/* Rows [first, first + count) of a head of keys, all of one request. A row is a query and one of
 * the `group` heads that share the keys. */
TM_ITEM void attention_rows(const attention_job *job, const attention_request *request,
                            int64_t kv_head, int64_t first, int64_t count, int lane,
                            int64_t qk_slots, int64_t v_slots, int keys) {
    const int64_t group = job->qo_heads / job->kv_heads;
    attention_row rows[ATTENTION_ROWS];
    int64_t numbers[ATTENTION_ROWS], longest = 0;
    ATTENTION_UNROLL
    for (int r = 0; r < ATTENTION_ROWS; ++r) {
        const int64_t at = first + (r < count ? r : count - 1), query = at / group;
        const int64_t behind = request->first_query + request->queries - 1 - query;
        const int64_t seen = job->qo_indptr ? request->tokens - behind : request->tokens;
        attention_row *row = &rows[r];
        numbers[r] = query * job->qo_heads + kv_head * group + at % group;
        row->visible = r < count ? attention_clamp(seen, request->tokens) : 0;
        longest = row->visible > longest ? row->visible : longest;
        row->most = -INFINITY;
        row->total = 0;
        attention_load_q(job->q, numbers[r], job->elems, 0, lane, qk_slots, row->q);
        attention_load_q_tail(job->q_tail, numbers[r], job->tail_elems, job->elems, lane, qk_slots,
                              row->q);
        ATTENTION_UNROLL
        for (int64_t i = 0; i < v_slots; ++i)
            row->sums[i] = 0;
    }

    const float scale = job->sm_scale * 1.44269504088896340736f; /* log2(e) */
    for (int64_t token = 0; token < longest; token += keys) {
        float k[ATTENTION_KEYS][ATTENTION_MOST_SLOTS], v[ATTENTION_KEYS][ATTENTION_MOST_SLOTS];
        ATTENTION_UNROLL
        for (int j = 0; j < keys; ++j) {
            const int64_t last = token + j < longest ? token + j : longest - 1;
            const int64_t place = attention_find_place(job, request, last);
            const int64_t number = place < 0 ? -1 : place * job->kv_heads + kv_head;
            attention_load_k(job->k, number, job->elems, 0, lane, qk_slots, k[j]);
            attention_load_k_tail(job->k_tail, number, job->tail_elems, job->elems, lane, qk_slots,
                                  k[j]);
            if (!ATTENTION_VALUES_IN_KEYS)
                attention_load_v(job->v, number, job->v_elems, 0, lane, v_slots, v[j]);
        }
        ATTENTION_UNROLL
        for (int r = 0; r < ATTENTION_ROWS; ++r) {
            float logits[ATTENTION_KEYS];
            ATTENTION_UNROLL
            for (int j = 0; j < keys; ++j)
                logits[j] = attention_team_sum(attention_dot(rows[r].q, k[j], qk_slots)) * scale;
            attention_add(&rows[r], logits, keys, rows[r].visible - token,
                          ATTENTION_VALUES_IN_KEYS ? k : v, v_slots);
        }
    }

    ATTENTION_UNROLL
    for (int r = 0; r < ATTENTION_ROWS; ++r) {
        const attention_row *row = &rows[r];
        const float inverse = row->visible > 0 ? 1.0f / row->total : 0.0f;
        if (r >= count)
            continue;
        ATTENTION_UNROLL
        for (int64_t i = 0; i < v_slots; ++i) {
            const int64_t elem = i * TM_TEAM + lane;
            if (elem < job->v_elems)
                tm_store(job->output, numbers[r] * job->v_elems + elem, row->sums[i] * inverse);
        }
        if (lane == 0)
            job->lse[numbers[r]] = row->most + log2f(row->total);
    }
}

/* A tile lies within a query where each is a request, else anywhere in the rows of all queries. */
TM_ITEM void attention_tile(const attention_job *job, int64_t item, int lane, int qk_elems,
                            int v_elems, int keys) {
    const int64_t qk_slots = TM_ON_GPU ? qk_elems / TM_TEAM : job->elems + job->tail_elems;
    const int64_t v_slots = TM_ON_GPU ? v_elems / TM_TEAM : job->v_elems;
    const int64_t group = job->qo_heads / job->kv_heads, kv_head = item / job->tiles;
    const int64_t span = item % job->tiles / job->tiles_per_span;
    const int64_t span_rows = job->qo_indptr ? job->queries * group : group;
    const int64_t in_span = item % job->tiles_per_span * ATTENTION_ROWS;
    const int64_t left = span_rows - in_span;
    int64_t row = span * span_rows + in_span;
    const int64_t end = row + (left < ATTENTION_ROWS ? left : ATTENTION_ROWS);
    while (row < end) {
        const attention_request request = attention_find_request(job, row / group);
        const int64_t past = (request.first_query + request.queries) * group;
        const int64_t stop = past < end ? past : end;
        attention_rows(job, &request, kv_head, row, stop - row, lane, qk_slots, v_slots, keys);
        row = stop;
    }
}

/* On a GPU the vectors lie in registers: as many as the sizes of a family need. */
#if ATTENTION_VALUES_IN_KEYS || !TM_ON_GPU
enum { ATTENTION_MOST_V_ELEMS = 512 };
TM_ITEM void attention_tile_long(const attention_job *job, int64_t item, int lane) {
    attention_tile(job, item, lane, ATTENTION_MOST_ELEMS, ATTENTION_MOST_V_ELEMS,
                   TM_ON_GPU ? 1 : (int)ATTENTION_KEYS);
}
TM_DRIVER_OF(attention_tiles, attention_job, attention_tile_long, TM_TEAM, 1)
#else
enum { ATTENTION_MOST_V_ELEMS = 256 };
TM_ITEM void attention_tile_128(const attention_job *job, int64_t item, int lane) {
    attention_tile(job, item, lane, 128, 128, 4);
}
TM_ITEM void attention_tile_256(const attention_job *job, int64_t item, int lane) {
    attention_tile(job, item, lane, 256, 256, 2);
}
TM_DRIVER_OF(attention_tiles_128, attention_job, attention_tile_128, TM_TEAM, 1)
TM_DRIVER_OF(attention_tiles_256, attention_job, attention_tile_256, TM_TEAM, 1)
static int attention_tiles(const attention_job *job, int64_t items, tm_stream stream) {
    return job->elems <= 128 && job->v_elems <= 128 ? attention_tiles_128(job, items, stream)
                                                    : attention_tiles_256(job, items, stream);
}
#endif

/* Runs a job; an entry's return value. */
static int attention_run(attention_job job, tm_stream stream) {
    const int64_t qk_elems = job.elems + job.tail_elems;
    if (job.kv_heads < 1 || job.qo_heads % job.kv_heads != 0 || job.page_size < 1 ||
        job.page_size > INT32_MAX)
        return tm_fail(2,
                       "attention: expected query heads in groups per head of keys, got "
                       "%lld and %lld, and pages of a token or more, got %lld",
                       (long long)job.qo_heads, (long long)job.kv_heads, (long long)job.page_size);
    if (qk_elems > ATTENTION_MOST_ELEMS || job.v_elems > ATTENTION_MOST_V_ELEMS)
        return tm_fail(2,
                       "attention: expected keys of at most %d and values of at most %d "
                       "elements, got %lld and %lld",
                       ATTENTION_MOST_ELEMS, ATTENTION_MOST_V_ELEMS, (long long)qk_elems,
                       (long long)job.v_elems);
    const int64_t group = job.qo_heads / job.kv_heads;
    const int64_t spans = job.qo_indptr ? 1 : job.queries;
    const int64_t span_rows = job.qo_indptr ? job.queries * group : group;
    job.tiles_per_span = (span_rows + ATTENTION_ROWS - 1) / ATTENTION_ROWS;
    job.tiles = spans * job.tiles_per_span;
    return attention_tiles(&job, job.tiles * job.kv_heads, stream);
}

#endif
