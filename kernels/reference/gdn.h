/* gdn: the gated delta rule on one row of a head's state, in k-last layout: a row belongs to one
 * element of v and is as long as k, so that rows do not meet. Per token, with g the decay:
 *
 *     row := g row;  old = k . row;  row := row - k old + k (beta v + (1 - beta) old)
 *     output = scale (q . row)
 *
 * Needs contract.h and reference.h before it. Deliberately does not know which tokens follow each
 * other, nor where states come from and go to. */
#ifndef TM_GDN_H
#define TM_GDN_H

enum { GDN_MOST = 1024 }; /* elements of a row */

typedef struct {
    const tm_q_t *q;             /* [tokens, q_heads, size] */
    const tm_k_t *k;             /* [tokens, k_heads, size] */
    const tm_v_t *v;             /* [tokens, v_heads, size] */
    const tm_A_log_t *A_log;     /* [v_heads] */
    const tm_a_t *a;             /* [tokens, v_heads] */
    const tm_dt_bias_t *dt_bias; /* [v_heads] */
    const tm_b_t *b;             /* [tokens, v_heads] */
    tm_output_t *output;         /* [tokens, v_heads, size] */
    int64_t q_heads, k_heads, v_heads, size;
    float scale;
} gdn_tokens;

/* A lane's elements of a row: every TM_TEAM-th. */
typedef struct {
    float at[GDN_MOST / TM_TEAM];
} gdn_row;

/* From memory, or zeros for NULL. */
TM_ITEM void gdn_load(const tm_float32 *from, int64_t size, int lane, gdn_row *row) {
    for (int64_t i = lane; i < size; i += TM_TEAM)
        row->at[i / TM_TEAM] = from ? from[i] : 0;
}

TM_ITEM void gdn_store(const gdn_row *row, int64_t size, int lane, tm_float32 *to) {
    for (int64_t i = lane; i < size; i += TM_TEAM)
        to[i] = row->at[i / TM_TEAM];
}

/* As PyTorch's. */
TM_ITEM float gdn_softplus(float x) {
    return x > 20 ? x : log1pf(expf(x));
}

/* Takes row number `number` of a head one token further and writes the output that belongs to it.
 */
TM_ITEM void gdn_step(const gdn_tokens *all, int64_t token, int64_t head, int64_t number,
                      gdn_row *row, int lane) {
    const int64_t of_head = token * all->v_heads + head, element = of_head * all->size + number;
    const tm_q_t *q =
        all->q + (token * all->q_heads + head / (all->v_heads / all->q_heads)) * all->size;
    const tm_k_t *k =
        all->k + (token * all->k_heads + head / (all->v_heads / all->k_heads)) * all->size;
    const float rate = expf(tm_load(all->A_log, head));
    const float step = gdn_softplus(tm_load(all->a, of_head) + tm_load(all->dt_bias, head));
    const float decay = expf(-rate * step);
    const float beta = 1 / (1 + expf(-tm_load(all->b, of_head)));
    double before = 0, after = 0;
    TM_SUMS(before)
    for (int64_t i = lane; i < all->size; i += TM_TEAM)
        before += (double)(decay * row->at[i / TM_TEAM]) * tm_load(k, i);
    const float old_v = (float)tm_team_sum(before);
    const float new_v = beta * tm_load(all->v, element) + (1 - beta) * old_v;
    TM_SUMS(after)
    for (int64_t i = lane; i < all->size; i += TM_TEAM) {
        const float key = tm_load(k, i);
        const float value = decay * row->at[i / TM_TEAM] - key * old_v + key * new_v;
        row->at[i / TM_TEAM] = value;
        after += (double)value * tm_load(q, i);
    }
    const double product = tm_team_sum(after);
    if (lane == 0)
        tm_store(all->output, element, all->scale * (float)product);
}

/* What a definition calls `scale`: 0 stands for the usual. */
static inline float gdn_scale(float scale, int64_t size) {
    return scale == 0 ? (float)(1 / sqrt((double)size)) : scale;
}

/* 0, or an error code for sizes that the formula has no meaning for or that do not fit. */
static inline int gdn_check(const gdn_tokens *all) {
    if (all->size > GDN_MOST)
        return tm_fail(2, "head_size: expected at most %d, got %lld", GDN_MOST,
                       (long long)all->size);
    if (all->q_heads == 0 || all->k_heads == 0 || all->v_heads % all->q_heads != 0 ||
        all->v_heads % all->k_heads != 0)
        return tm_fail(2, "num_v_heads: expected a multiple of %lld and of %lld, got %lld",
                       (long long)all->q_heads, (long long)all->k_heads, (long long)all->v_heads);
    return 0;
}

#endif
