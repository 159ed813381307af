/* Experts of fp8 block scales on a CPU, chosen by the largest logits, weighed by their softmax. */
#include <omp.h>

#include "contract.h"

#include "../experts_cpu.h"

static float logit_of(const tm_bfloat16 *logits, int64_t at) {
    return bits_float((uint32_t)logits[at].bits << 16);
}

static void route(const experts_cpu *job, const tm_bfloat16 *logits, int64_t token, float *scores) {
    int32_t *chosen = job->expert + token * job->top_k;
    float *weight = job->weight + token * job->top_k, sum = 0;
    for (int64_t e = 0; e < job->experts; ++e)
        scores[e] = logit_of(logits, token * job->experts + e);
    take_best(scores, job->experts, job->top_k, chosen);
    const float most = logit_of(logits, token * job->experts + chosen[0]);
    for (int64_t k = 0; k < job->top_k; ++k)
        sum += weight[k] = expf(logit_of(logits, token * job->experts + chosen[k]) - most);
    for (int64_t k = 0; k < job->top_k; ++k)
        weight[k] /= sum;
}

int TM_ENTRY(const tm_bfloat16 *routing_logits, const tm_float8_e4m3fn *hidden_states,
             const float *hidden_states_scale, const tm_float8_e4m3fn *gemm1_weights,
             const float *gemm1_weights_scale, const tm_float8_e4m3fn *gemm2_weights,
             const float *gemm2_weights_scale, tm_bfloat16 *output, const tm_axes *axes,
             tm_stream stream) {
    (void)stream;
    experts_cpu job = {.tokens = axes->seq_len,
                       .experts = axes->num_local_experts,
                       .hidden = axes->hidden_size,
                       .inner = axes->intermediate_size,
                       .top_k = axes->top_k,
                       .hidden_states = hidden_states,
                       .hidden_states_scale = hidden_states_scale,
                       .gemm1_weights = gemm1_weights,
                       .gemm1_scale = gemm1_weights_scale,
                       .gemm2_weights = gemm2_weights,
                       .gemm2_scale = gemm2_weights_scale,
                       .block = axes->hidden_size / axes->num_hidden_blocks,
                       .output = output};
    if (axes->routing_method_type != 1)
        return tm_fail(1, "expected routing_method_type 1, got %g", axes->routing_method_type);
    float *scores = malloc((size_t)job.experts * sizeof *scores);
    if (!scores || !experts_cpu_begin(&job)) {
        free(scores);
        return tm_fail(1, "no memory for %lld tokens", (long long)job.tokens);
    }
    for (int64_t token = 0; token < job.tokens; ++token)
        route(&job, routing_logits, token, scores);
    free(scores);
    return experts_cpu_run(&job);
}
