/* attention_cpu: attention on the CPU, for what a .c file per list of tensors describes: rows
 * (query, head) that share a head of keys are done together, 32 keys at a time, so that keys and
 * values are read once and widened to float32 in registers. Few requests are split along their
 * keys, so that all cores have work.
 *
 * Before it is included, a family has contract.h and defines attention_q, attention_q_tail,
 * attention_k, attention_k_tail, attention_v and attention_output, which are float16 or bfloat16.
 * Head sizes are multiples of 16; index tensors are taken at their word. */
#ifndef TM_ATTENTION_CPU_H
#define TM_ATTENTION_CPU_H

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#if defined(__F16C__)
#include <immintrin.h>
#endif

enum {
    LANES = 8,                /* floats in a vector */
    WIDE = 2 * LANES,         /* elements that are widened at a time */
    ROWS = 4,                 /* that meet a vector while it is in a register */
    TILE = 32,                /* rows of an item, at most */
    KEYS = 32,                /* between two rescalings */
    LEAST_KEYS = 256,         /* of a request that is split */
    LEAST_PRODUCTS = 1 << 20, /* some 50 us: less is not worth waking threads */
};

typedef float vector __attribute__((vector_size(4 * LANES)));
typedef float vector_in_floats __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint32_t words __attribute__((vector_size(4 * LANES)));
typedef int32_t signed_words __attribute__((vector_size(4 * LANES)));

#define INLINE static inline __attribute__((always_inline))
#define IS_BFLOAT16(type) _Generic((type){0}, tm_bfloat16 : 1, tm_float16 : 0)

typedef struct {
    const attention_q *q;
    const attention_q_tail *q_tail;
    const attention_k *k;
    const attention_k_tail *k_tail;
    const attention_v *v;
    attention_output *output;
    tm_float32 *lse;
    const tm_int32 *qo_indptr;     /* NULL: query i is request i and sees all keys */
    const tm_int32 *kv_indptr;     /* in pages */
    const tm_int32 *kv_indices;    /* NULL: page i is i */
    const tm_int32 *last_page_len; /* NULL: the last page is full */
    int64_t queries, requests, qo_heads, kv_heads;
    int64_t elems, tail_elems, v_elems, page_size;
    float sm_scale;
} attention_job;

/* Rows [row, row + rows) of a request's queries times the heads of a group, against the keys
 * [key, key + keys) of one head. `part` numbers the items of the same rows. */
typedef struct {
    int64_t first_query, queries, first_page, tokens;
    int64_t kv_head, row, rows, key, keys, part, parts;
    float *sums; /* [TILE][v_elems], then most and total [TILE] each, when parts > 1 */
} item;

INLINE float from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

INLINE uint32_t to_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

INLINE float half_to_float(uint16_t bits) {
#if defined(__F16C__)
    return _cvtsh_ss(bits);
#else
    const uint32_t sign = (uint32_t)(bits & 0x8000u) << 16, rest = (uint32_t)(bits & 0x7fffu) << 13;
    if (rest >= 0x7c00u << 13)
        return from_bits(sign | 0x7f800000u | rest);
    return from_bits(sign | to_bits(from_bits(rest) * 0x1p112f));
#endif
}

/* To nearest even: below the smallest normal number by the adder, else by carrying. */
INLINE uint16_t float_to_half(float value) {
    const uint32_t bits = to_bits(value), sign = bits >> 16 & 0x8000u, rest = bits & 0x7fffffffu;
    if (rest > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u);
    if (rest >= 0x477ff000u) /* 65520 */
        return (uint16_t)(sign | 0x7c00u);
    if (rest < 0x38800000u) /* 2^-14 */
        return (uint16_t)(sign | (to_bits(from_bits(rest) + 0.5f) - to_bits(0.5f)));
    return (uint16_t)(sign | (((rest + 0xfffu + (rest >> 13 & 1u)) >> 13) - (112u << 10)));
}

INLINE uint16_t float_to_bfloat16(float value) {
    const uint32_t bits = to_bits(value);
    return (uint16_t)((value == value ? bits + 0x7fffu + (bits >> 16 & 1u) : bits | 0x400000u) >>
                      16);
}

/* Where element `i` of WIDE lies when they are widened: bfloat16 by two instructions, the even ones
 * before the odd ones. */
INLINE int widened_at(int i, int is_bfloat16) {
    return is_bfloat16 ? i % 2 * LANES + i / 2 : i;
}

INLINE void widen(const uint16_t *from, int is_bfloat16, vector *low, vector *high) {
    if (is_bfloat16) {
        words pairs;
        memcpy(&pairs, from, sizeof pairs);
        *low = (vector)(pairs << 16);
        *high = (vector)(pairs & 0xffff0000u);
        return;
    }
#if defined(__F16C__)
    const __m128i *halves = (const __m128i *)(const void *)from;
    *low = (vector)_mm256_cvtph_ps(_mm_loadu_si128(halves));
    *high = (vector)_mm256_cvtph_ps(_mm_loadu_si128(halves + 1));
#else
    for (int i = 0; i < LANES; ++i) {
        (*low)[i] = half_to_float(from[i]);
        (*high)[i] = half_to_float(from[i + LANES]);
    }
#endif
}

/* 2^x for x <= 0: the fraction by a Taylor polynomial of degree 6, 1e-7 off at 1/2. */
INLINE vector power_of_two(vector x) {
    const vector least = {-126, -126, -126, -126, -126, -126, -126, -126};
    const vector magic = least * 0 + 12582912.0f; /* 1.5 * 2^23: adding it rounds */
    x = (vector)(((signed_words)x & (signed_words)(x > least)) |
                 ((signed_words)least & ~(signed_words)(x > least)));
    const vector rounded = (x + magic) - magic, f = x - rounded;
    vector sum = f * 1.540353e-4f + 1.3333558e-3f;
    sum = sum * f + 9.618129e-3f;
    sum = sum * f + 5.5504109e-2f;
    sum = sum * f + 0.24022651f;
    sum = sum * f + 0.69314718f;
    sum = sum * f + 1.0f;
    return (vector)((signed_words)sum + (__builtin_convertvector(rounded, signed_words) << 23));
}

INLINE float sum_lanes(vector s) {
    return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]));
}

/* Elements as float32, in the order in which keys are widened, times `scale`. */
static void pack(const uint16_t *from, int is_bfloat16, int64_t elems, int key_is_bfloat16,
                 float scale, float *to) {
    for (int64_t e = 0; e < elems; ++e) {
        const float value =
            is_bfloat16 ? from_bits((uint32_t)from[e] << 16) : half_to_float(from[e]);
        to[e / WIDE * WIDE + widened_at((int)(e % WIDE), key_is_bfloat16)] = value * scale;
    }
}

/* sums[row][key] += products of `elems` elements of ROWS packed queries and two keys. */
INLINE void multiply(const float *q, int64_t stride, const uint16_t *k0, const uint16_t *k1,
                     int64_t elems, int is_bfloat16, vector (*sums)[2]) {
    for (int64_t e = 0; e < elems; e += WIDE) {
        vector a[2], b[2];
        widen(k0 + e, is_bfloat16, &a[0], &a[1]);
        widen(k1 + e, is_bfloat16, &b[0], &b[1]);
#pragma GCC unroll 4
        for (int r = 0; r < ROWS; ++r) {
#pragma GCC unroll 2
            for (int h = 0; h < 2; ++h) {
                const vector row =
                    *(const vector_in_floats *)(q + r * stride + e + (int64_t)h * LANES);
                sums[r][0] += row * a[h];
                sums[r][1] += row * b[h];
            }
        }
    }
}

/* What a thread has in float32. */
typedef struct {
    float *q;    /* [TILE][elems + tail_elems], packed, times the scale in base 2 */
    float *sums; /* [TILE][v_elems], in the order in which values are widened */
    float most[TILE], total[TILE];
    float logits[TILE][KEYS]; /* then weights */
} workspace;

INLINE const uint16_t *bits_of(const void *base, int64_t elem) {
    return (const uint16_t *)base + elem;
}

/* logits of all rows and `count` keys, of which `places` says where they lie. */
static void find_logits(const attention_job *job, workspace *work, int64_t kv_head, int rows,
                        const int64_t *places, int count) {
    const int64_t stride = job->elems + job->tail_elems;
    for (int j = 0; j < count; j += 2) {
        const int64_t one = places[j] * job->kv_heads + kv_head;
        const int64_t two = places[j + 1 < count ? j + 1 : j] * job->kv_heads + kv_head;
        for (int r = 0; r < rows; r += ROWS) {
            vector sums[ROWS][2] = {{{0}}};
            const float *q = work->q + r * stride;
            multiply(q, stride, bits_of(job->k, one * job->elems),
                     bits_of(job->k, two * job->elems), job->elems, IS_BFLOAT16(attention_k), sums);
            if (job->tail_elems > 0)
                multiply(q + job->elems, stride, bits_of(job->k_tail, one * job->tail_elems),
                         bits_of(job->k_tail, two * job->tail_elems), job->tail_elems,
                         IS_BFLOAT16(attention_k_tail), sums);
            for (int i = 0; i < ROWS; ++i) {
                work->logits[r + i][j] = sum_lanes(sums[i][0]);
                work->logits[r + i][j + 1] = sum_lanes(sums[i][1]);
            }
        }
    }
}

/* Logits become weights relative to the largest so far; `visible` keys of the block are seen. */
static void find_weights(const attention_job *job, workspace *work, int row, int64_t visible) {
    float *logits = work->logits[row], most = work->most[row];
    for (int64_t j = visible < 0 ? 0 : visible; j < KEYS; ++j)
        logits[j] = -INFINITY;
    for (int j = 0; j < KEYS; ++j)
        most = logits[j] > most ? logits[j] : most;
    const float base = most == -INFINITY ? 0 : most;
    const float shrink = most > work->most[row] ? exp2f(work->most[row] - most) : 1;
    vector sum = {0};
    for (int j = 0; j < KEYS; j += LANES) {
        vector_in_floats *at = (vector_in_floats *)(logits + j);
        const vector seen = (vector)(*at > -INFINITY);
        *at = (vector)((words)power_of_two(*at - base) & (words)seen);
        sum += *at;
    }
    work->most[row] = most;
    work->total[row] = work->total[row] * shrink + sum_lanes(sum);
    if (shrink != 1) {
        float *sums = work->sums + row * job->v_elems;
        for (int64_t e = 0; e < job->v_elems; ++e)
            sums[e] *= shrink;
    }
}

static void add_values(const attention_job *job, workspace *work, int64_t kv_head, int rows,
                       const int64_t *places, int count) {
    for (int r = 0; r < rows; r += ROWS) {
        for (int64_t e = 0; e < job->v_elems; e += WIDE) {
            float *sums = work->sums + r * job->v_elems + e;
            vector parts[ROWS][2];
#pragma GCC unroll 4
            for (int i = 0; i < ROWS; ++i) {
                parts[i][0] = *(vector_in_floats *)(sums + i * job->v_elems);
                parts[i][1] = *(vector_in_floats *)(sums + i * job->v_elems + LANES);
            }
            for (int j = 0; j < count; ++j) {
                const int64_t number = places[j] * job->kv_heads + kv_head;
                vector low, high;
                widen(bits_of(job->v, number * job->v_elems + e), IS_BFLOAT16(attention_v), &low,
                      &high);
#pragma GCC unroll 4
                for (int i = 0; i < ROWS; ++i) {
                    parts[i][0] += low * work->logits[r + i][j];
                    parts[i][1] += high * work->logits[r + i][j];
                }
            }
#pragma GCC unroll 4
            for (int i = 0; i < ROWS; ++i) {
                *(vector_in_floats *)(sums + i * job->v_elems) = parts[i][0];
                *(vector_in_floats *)(sums + i * job->v_elems + LANES) = parts[i][1];
            }
        }
    }
}

/* The number of an item's row in q and lse. */
INLINE int64_t row_number(const attention_job *job, const item *it, int64_t r) {
    const int64_t group = job->qo_heads / job->kv_heads, at = it->row + r;
    return (it->first_query + at / group) * job->qo_heads + it->kv_head * group + at % group;
}

static void store_row(const attention_job *job, int64_t number, const float *sums, float most,
                      float total) {
    const int narrow = IS_BFLOAT16(attention_output);
    const float inverse = total > 0 ? 1 / total : 0;
    uint16_t *to = (uint16_t *)job->output + number * job->v_elems;
    for (int64_t e = 0; e < job->v_elems; ++e) {
        const float value =
            sums[e / WIDE * WIDE + widened_at((int)(e % WIDE), IS_BFLOAT16(attention_v))] * inverse;
        to[e] = narrow ? float_to_bfloat16(value) : float_to_half(value);
    }
    job->lse[number] = most + log2f(total);
}

static void run_item(const attention_job *job, const item *it, workspace *work) {
    const int rows = (int)(it->rows + ROWS - 1) / ROWS * ROWS;
    const int64_t group = job->qo_heads / job->kv_heads, stride = job->elems + job->tail_elems;
    const float scale = job->sm_scale * 1.44269504f; /* log2(e) */
    for (int64_t r = 0; r < rows; ++r) { /* rows beyond the last repeat it and are not stored */
        const int64_t number = row_number(job, it, r < it->rows ? r : it->rows - 1);
        pack(bits_of(job->q, number * job->elems), IS_BFLOAT16(attention_q), job->elems,
             IS_BFLOAT16(attention_k), scale, work->q + r * stride);
        if (job->tail_elems > 0)
            pack(bits_of(job->q_tail, number * job->tail_elems), IS_BFLOAT16(attention_q_tail),
                 job->tail_elems, IS_BFLOAT16(attention_k_tail), scale,
                 work->q + r * stride + job->elems);
        work->most[r] = -INFINITY;
        work->total[r] = 0;
    }
    memset(work->sums, 0, (size_t)(rows * job->v_elems) * sizeof *work->sums);

    for (int64_t key = it->key; key < it->key + it->keys; key += KEYS) {
        const int64_t left = it->key + it->keys - key;
        const int count = left < KEYS ? (int)left : KEYS;
        int64_t places[KEYS];
        for (int j = 0; j < count; ++j) {
            const int64_t page = it->first_page + (key + j) / job->page_size;
            places[j] = (job->kv_indices ? job->kv_indices[page] : page) * job->page_size +
                        (key + j) % job->page_size;
        }
        find_logits(job, work, it->kv_head, rows, places, count);
        for (int r = 0; r < rows; ++r) {
            const int64_t query = (it->row + (r < it->rows ? r : it->rows - 1)) / group;
            const int64_t seen = it->tokens - (it->queries - 1 - query) - key;
            find_weights(job, work, r, seen < count ? seen : count);
        }
        add_values(job, work, it->kv_head, rows, places, count);
    }

    if (it->parts > 1) {
        float *to = it->sums;
        memcpy(to, work->sums, (size_t)(it->rows * job->v_elems) * sizeof *to);
        memcpy(to + TILE * job->v_elems, work->most, sizeof work->most);
        memcpy(to + TILE * (job->v_elems + 1), work->total, sizeof work->total);
        return;
    }
    for (int64_t r = 0; r < it->rows; ++r)
        store_row(job, row_number(job, it, r), work->sums + r * job->v_elems, work->most[r],
                  work->total[r]);
}

/* The parts of an item's rows, added up into the first. */
static void combine_parts(const attention_job *job, const item *parts) {
    for (int64_t r = 0; r < parts->rows; ++r) {
        float *sums = parts->sums + r * job->v_elems, most = -INFINITY, total = 0;
        for (int64_t p = 0; p < parts->parts; ++p)
            most = fmaxf(most, parts[p].sums[TILE * job->v_elems + r]);
        for (int64_t p = 0; p < parts->parts; ++p) {
            const float *from = parts[p].sums + r * job->v_elems;
            const float own = parts[p].sums[TILE * job->v_elems + r];
            const float weight = own == -INFINITY ? 0 : exp2f(own - most);
            total += weight * parts[p].sums[TILE * (job->v_elems + 1) + r];
            for (int64_t e = 0; e < job->v_elems; ++e)
                sums[e] = (p == 0 ? 0 : sums[e]) + weight * from[e];
        }
        store_row(job, row_number(job, parts, r), sums, most, total);
    }
}

/* The items of request `i`, from `items` on unless that is NULL; how many. */
static int64_t list_request(const attention_job *job, int64_t i, int64_t most_parts, item *items) {
    const int64_t group = job->qo_heads / job->kv_heads;
    item made = {.first_query = i, .queries = 1};
    if (job->qo_indptr) {
        made.first_query = job->qo_indptr[i];
        made.queries = job->qo_indptr[i + 1] - job->qo_indptr[i];
    }
    made.first_page = job->kv_indptr[i];
    const int64_t pages = job->kv_indptr[i + 1] - made.first_page;
    made.tokens = pages * job->page_size;
    if (pages > 0 && job->last_page_len)
        made.tokens -= job->page_size - job->last_page_len[i];
    int64_t count = 0;
    for (made.kv_head = 0; made.kv_head < job->kv_heads; ++made.kv_head) {
        for (made.row = 0; made.row < made.queries * group; made.row += TILE) {
            const int64_t left = made.queries * group - made.row;
            made.rows = left < TILE ? left : TILE;
            const int64_t last = (made.row + made.rows - 1) / group;
            const int64_t seen = made.tokens - (made.queries - 1 - last);
            const int64_t keys = seen < 0 ? 0 : seen;
            const int64_t worth = keys / LEAST_KEYS;
            made.parts = worth < 1 ? 1 : worth < most_parts ? worth : most_parts;
            for (made.part = 0; made.part < made.parts; ++made.part) {
                made.key = keys * made.part / made.parts;
                made.keys = keys * (made.part + 1) / made.parts - made.key;
                if (items)
                    items[count] = made;
                ++count;
            }
        }
    }
    return count;
}

static int64_t list_items(const attention_job *job, int64_t most_parts, item *items) {
    int64_t count = 0;
    for (int64_t i = 0; i < job->requests; ++i)
        count += list_request(job, i, most_parts, items ? items + count : NULL);
    return count;
}

static int attention_run(const attention_job *job) {
    if (job->elems % WIDE != 0 || job->tail_elems % WIDE != 0 || job->v_elems % WIDE != 0)
        return tm_fail(2,
                       "attention: expected heads of a multiple of %d elements, got %lld, %lld "
                       "and %lld",
                       WIDE, (long long)job->elems, (long long)job->tail_elems,
                       (long long)job->v_elems);
    const int64_t threads = omp_get_max_threads();
    int64_t most_parts = 1, count = list_items(job, 1, NULL);
    if (count > 0 && count < 4 * threads) { /* a few for each thread */
        most_parts = (4 * threads + count - 1) / count;
        count = list_items(job, most_parts, NULL);
    }
    const int64_t part_elems = TILE * (job->v_elems + 2);
    const int64_t q_elems = TILE * (job->elems + job->tail_elems);
    const int64_t work_elems = q_elems + TILE * job->v_elems;
    item *items = malloc((size_t)(count > 0 ? count : 1) * sizeof *items);
    float *parts = most_parts > 1 ? malloc((size_t)(count * part_elems) * sizeof *parts) : NULL;
    float *work = malloc((size_t)(threads * work_elems) * sizeof *work);
    int status = 0;
    if (!items || !work || (most_parts > 1 && !parts)) {
        status = tm_fail(1, "attention: out of memory");
        goto done;
    }
    list_items(job, most_parts, items);
    int64_t products = 0;
    for (int64_t i = 0; i < count; ++i) {
        items[i].sums = parts ? parts + i * part_elems : NULL;
        products += items[i].rows * items[i].keys * (job->elems + job->tail_elems + job->v_elems);
    }
#pragma omp parallel if (products > LEAST_PRODUCTS)
    {
        workspace own = {.q = work + omp_get_thread_num() * work_elems};
        own.sums = own.q + q_elems;
#pragma omp for schedule(dynamic, 1)
        for (int64_t i = 0; i < count; ++i)
            run_item(job, &items[i], &own);
        if (parts) {
#pragma omp for schedule(dynamic, 1)
            for (int64_t i = 0; i < count; ++i) {
                if (items[i].part == 0 && items[i].parts > 1)
                    combine_parts(job, &items[i]);
            }
        }
    }
done:
    free(items);
    free(parts);
    free(work);
    return status;
}

#endif
