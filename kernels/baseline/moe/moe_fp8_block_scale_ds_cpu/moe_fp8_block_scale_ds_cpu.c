/* Experts of fp8 block scales on a CPU, chosen as DeepSeek V3 does: the best groups by the sum of
 * their two best scores, the best experts in these; weighed by their sigmoids without the bias. */
#include <omp.h>

#include "contract.h"

#include "../experts_cpu.h"

typedef struct {
    const float *logits;     /* [tokens, count] */
    const tm_bfloat16 *bias; /* [count] */
    int64_t count, groups, kept, offset;
    float factor;
    float *scores; /* [count + groups] */
    int32_t *best; /* [groups] */
} router;

static float sigmoid(float logit) {
    return 1 / (1 + expf(-logit));
}

static void keep_groups(const router *r) {
    const int64_t size = r->count / r->groups;
    float *sums = r->scores + r->count;
    for (int64_t g = 0; g < r->groups; ++g) {
        float first = -INFINITY, second = -INFINITY;
        for (int64_t i = g * size; i < (g + 1) * size; ++i) {
            const float score = r->scores[i];
            second = score > first ? first : score > second ? score : second;
            first = score > first ? score : first;
        }
        sums[g] = first + second;
    }
    take_best(sums, r->groups, r->kept, r->best);
    for (int64_t k = 0; k < r->kept; ++k)
        sums[r->best[k]] = NAN;
    for (int64_t i = 0; i < r->count; ++i)
        r->scores[i] = isnan(sums[i / size]) ? r->scores[i] : -INFINITY;
}

static void route(const experts_cpu *job, const router *r, int64_t token) {
    const float *logits = r->logits + token * r->count;
    int32_t *chosen = job->expert + token * job->top_k;
    float *weight = job->weight + token * job->top_k, sum = 0;
    for (int64_t i = 0; i < r->count; ++i)
        r->scores[i] = sigmoid(logits[i]) + bits_float((uint32_t)r->bias[i].bits << 16);
    if (r->groups > 1)
        keep_groups(r);
    take_best(r->scores, r->count, job->top_k, chosen);
    for (int64_t k = 0; k < job->top_k; ++k)
        sum += weight[k] = sigmoid(logits[chosen[k]]);
    for (int64_t k = 0; k < job->top_k; ++k) {
        const int64_t here = chosen[k] - r->offset;
        weight[k] = weight[k] / sum * r->factor;
        chosen[k] = here >= 0 && here < job->experts ? (int32_t)here : -1;
    }
}

int TM_ENTRY(const float *routing_logits, const tm_bfloat16 *routing_bias,
             const tm_float8_e4m3fn *hidden_states, const float *hidden_states_scale,
             const tm_float8_e4m3fn *gemm1_weights, const float *gemm1_weights_scale,
             const tm_float8_e4m3fn *gemm2_weights, const float *gemm2_weights_scale,
             tm_local_expert_offset_t local_expert_offset,
             tm_routed_scaling_factor_t routed_scaling_factor, tm_bfloat16 *output,
             const tm_axes *axes, tm_stream stream) {
    (void)stream;
    experts_cpu job = {.tokens = axes->seq_len,
                       .experts = axes->num_local_experts,
                       .hidden = axes->hidden_size,
                       .inner = axes->intermediate_size,
                       .top_k = (int64_t)axes->top_k,
                       .hidden_states = hidden_states,
                       .hidden_states_scale = hidden_states_scale,
                       .gemm1_weights = gemm1_weights,
                       .gemm1_scale = gemm1_weights_scale,
                       .gemm2_weights = gemm2_weights,
                       .gemm2_scale = gemm2_weights_scale,
                       .block = axes->hidden_size / axes->num_hidden_blocks,
                       .output = output};
    router r = {.logits = routing_logits,
                .bias = routing_bias,
                .count = axes->num_experts,
                .groups = (int64_t)axes->n_group,
                .kept = (int64_t)axes->topk_group,
                .offset = local_expert_offset,
                .factor = routed_scaling_factor};
    r.scores = malloc((size_t)(r.count + 2 * r.groups) * sizeof *r.scores);
    if (!r.scores || !experts_cpu_begin(&job)) {
        free(r.scores);
        return tm_fail(1, "no memory for %lld tokens", (long long)job.tokens);
    }
    r.best = (int32_t *)(r.scores + r.count + r.groups);
    for (int64_t token = 0; token < job.tokens; ++token)
        route(&job, &r, token);
    free(r.scores);
    return experts_cpu_run(&job);
}
