/* Experts of fp8 block scales on the tensor cores, chosen as DeepSeek V3 does: the best groups by
 * the sum of their two best scores, the best experts in these; weighed by their sigmoids without
 * the bias. */
#include "contract.h"

#include <type_traits>

#include "../experts_run.cuh"

namespace {

struct router {
    const float *logits;           /* [tokens, experts] */
    const tm_routing_bias_t *bias; /* [experts], bfloat16 */
    int experts, groups, kept, offset;
    float factor;
};

__device__ __forceinline__ float sigmoid(float logit) {
    return 1.0f / (1.0f + expf(-logit));
}

/* Lane g sums up group g. */
__device__ __forceinline__ void keep_groups(const router &how, float *scores, int lane) {
    const int size = how.experts / how.groups;
    float *sums = scores + how.experts;
    if (lane < how.groups) {
        float first = -INFINITY, second = -INFINITY;
        for (int i = lane * size; i < (lane + 1) * size; ++i) {
            const float score = scores[i];
            second = score > first ? first : fmaxf(score, second);
            first = fmaxf(score, first);
        }
        sums[lane] = first + second;
    }
    __syncwarp();
    unsigned kept = 0;
    for (int k = 0; k < how.kept; ++k)
        kept |= 1u << take_best(sums, how.groups, lane);
    for (int i = lane; i < how.experts; i += lanes)
        if (!(kept >> i / size & 1u))
            scores[i] = -INFINITY;
    __syncwarp();
}

/* A warp is a token. */
__global__ void route(const experts job, const router how) {
    SHARED_BYTES(memory);
    const int warp = (int)threadIdx.x / lanes, lane = (int)threadIdx.x % lanes;
    const int64_t token = (int64_t)blockIdx.x * route_warps + warp;
    if (token >= job.tokens)
        return;
    const float *logits = how.logits + token * how.experts;
    float *scores = reinterpret_cast<float *>(memory) + warp * (how.experts + how.groups);
    for (int i = lane; i < how.experts; i += lanes)
        scores[i] = sigmoid(logits[i]) + bfloat16_at(how.bias, i);
    __syncwarp();
    if (how.groups > 1)
        keep_groups(how, scores, lane);
    const int chosen = choose(scores, how.experts, job.top_k, lane);
    const float share = chosen >= 0 ? sigmoid(logits[chosen]) : 0.0f;
    hand_in(job, token, lane, chosen - how.offset, share / warp_sum(share) * how.factor);
}

} // namespace

int TM_ENTRY(const tm_routing_logits_t *routing_logits, const tm_routing_bias_t *routing_bias,
             const tm_hidden_states_t *hidden_states, const float *hidden_states_scale,
             const tm_gemm1_weights_t *gemm1_weights, const float *gemm1_weights_scale,
             const tm_gemm2_weights_t *gemm2_weights, const float *gemm2_weights_scale,
             tm_local_expert_offset_t local_expert_offset,
             tm_routed_scaling_factor_t routed_scaling_factor, tm_output_t *output,
             const tm_axes *axes, tm_stream stream) {
    experts job = {};
    job.tokens = axes->seq_len;
    job.hidden = axes->hidden_size;
    job.inner = axes->intermediate_size;
    job.local_experts = (int)axes->num_local_experts;
    job.top_k = (int)axes->top_k;
    job.hidden_states = reinterpret_cast<const uint8_t *>(hidden_states);
    job.hidden_states_scale = hidden_states_scale;
    job.scale_stride = axes->seq_len;
    job.gemm1_weights = reinterpret_cast<const uint8_t *>(gemm1_weights);
    job.gemm1_scale = gemm1_weights_scale;
    job.gemm2_weights = reinterpret_cast<const uint8_t *>(gemm2_weights);
    job.gemm2_scale = gemm2_weights_scale;
    job.output = reinterpret_cast<uint16_t *>(output);
    router how = {};
    how.logits = routing_logits;
    how.bias = routing_bias;
    how.experts = (int)axes->num_experts;
    how.groups = (int)axes->n_group;
    how.kept = (int)axes->topk_group;
    how.offset = local_expert_offset;
    how.factor = routed_scaling_factor;
    if (axes->num_hidden_blocks * depth != axes->hidden_size || how.groups < 1 ||
        how.groups > lanes || how.experts % how.groups != 0 || how.kept > how.groups ||
        job.top_k > how.experts / how.groups * how.kept || how.experts > most_experts)
        return tm_fail(1, "expected blocks of 128, at most %d groups and %d experts", lanes,
                       most_experts);
    const double expected = (double)job.top_k / (double)how.experts;
    return run_experts(job, expected, stream, [&](const experts &pass, int64_t begin) {
        router own = how;
        own.logits += begin * how.experts;
        LAUNCH(route, dim3((unsigned)((pass.tokens + route_warps - 1) / route_warps)),
               route_warps * lanes, route_warps * (how.experts + how.groups) * (int)sizeof(float),
               stream, pass, own);
    });
}
