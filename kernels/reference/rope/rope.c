/* Rotary position embedding with a table of cosines and sines: of each head's first rotary_dim
 * elements the pairs are rotated by the angles of the token's position, the others are copied. The
 * pairs are the two halves (NeoX) or, with `interleaved`, neighbours (GPT-J). An item is a head of
 * a token, first those of q, then those of k. */
#include "contract.h"

#include "../reference.h"

typedef struct {
    const tm_q_t *q;                         /* [num_tokens, num_qo_heads, head_size] */
    const tm_k_t *k;                         /* [num_tokens, num_kv_heads, head_size] */
    const tm_cos_sin_cache_t *cos_sin_cache; /* [max_seq_len, rotary_dim]: cosines, then sines */
    const tm_positions_t *positions;         /* [num_tokens] */
    tm_q_out_t *q_out;
    tm_k_out_t *k_out;
    int64_t qo_heads, kv_heads, head_size, rotary_dim, max_seq_len;
    int interleaved;
} rope_job;

TM_ITEM float rope_load(const rope_job *job, int is_query, int64_t at) {
    return is_query ? tm_load(job->q, at) : tm_load(job->k, at);
}

TM_ITEM void rope_store(const rope_job *job, int is_query, int64_t at, float value) {
    if (is_query)
        tm_store(job->q_out, at, value);
    else
        tm_store(job->k_out, at, value);
}

TM_ITEM void rope_head(const rope_job *job, int64_t item, int lane) {
    const int64_t heads = job->qo_heads + job->kv_heads, half = job->rotary_dim / 2;
    const int64_t token = item / heads, head = item % heads;
    const int is_query = head < job->qo_heads;
    const int64_t row =
        is_query ? token * job->qo_heads + head : token * job->kv_heads + head - job->qo_heads;
    const int64_t begin = row * job->head_size;
    /* Negative ones count from the end, as indices of the definition do. */
    const int64_t given = job->positions[token];
    const int64_t position = given < 0 ? given + job->max_seq_len : given;
    const int is_inside = position >= 0 && position < job->max_seq_len;
    const int64_t angles = is_inside ? position * job->rotary_dim : 0;
    for (int64_t i = lane; i < half; i += TM_TEAM) {
        const int64_t first = begin + (job->interleaved ? 2 * i : i);
        const int64_t second = first + (job->interleaved ? 1 : half);
        /* A position that the table does not have has no answer. */
        const float cosine = is_inside ? tm_load(job->cos_sin_cache, angles + i) : NAN;
        const float sine = is_inside ? tm_load(job->cos_sin_cache, angles + half + i) : NAN;
        const float x = rope_load(job, is_query, first), y = rope_load(job, is_query, second);
        rope_store(job, is_query, first, x * cosine - y * sine);
        rope_store(job, is_query, second, y * cosine + x * sine);
    }
    for (int64_t i = job->rotary_dim + lane; i < job->head_size; i += TM_TEAM)
        rope_store(job, is_query, begin + i, rope_load(job, is_query, begin + i));
}

TM_DRIVER(rope_heads, rope_job, rope_head, TM_TEAM)

int TM_ENTRY(const tm_q_t *q, const tm_k_t *k, const tm_cos_sin_cache_t *cos_sin_cache,
             const tm_positions_t *positions, tm_q_out_t *q_out, tm_k_out_t *k_out,
             const tm_axes *axes, tm_stream stream) {
    if (axes->rotary_dim % 2 != 0 || axes->rotary_dim > axes->head_size)
        return tm_fail(2, "rotary_dim %lld: expected an even number up to head_size %lld",
                       (long long)axes->rotary_dim, (long long)axes->head_size);
    const rope_job job = {q,
                          k,
                          cos_sin_cache,
                          positions,
                          q_out,
                          k_out,
                          axes->num_qo_heads,
                          axes->num_kv_heads,
                          axes->head_size,
                          axes->rotary_dim,
                          axes->max_seq_len,
                          axes->interleaved != 0};
    return rope_heads(&job, axes->num_tokens * (job.qo_heads + job.kv_heads), stream);
}
