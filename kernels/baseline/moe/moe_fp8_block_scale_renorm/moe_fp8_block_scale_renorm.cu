/* Experts of fp8 block scales on the tensor cores, chosen by the largest logits, weighed by their
 * softmax. */
#include "contract.h"

#include <type_traits>

#include "../experts_run.cuh"

namespace {

/* A warp is a token. */
__global__ void route(const experts job, const tm_routing_logits_t *logits) {
    SHARED_BYTES(memory);
    const int warp = (int)threadIdx.x / lanes, lane = (int)threadIdx.x % lanes;
    const int64_t token = (int64_t)blockIdx.x * route_warps + warp;
    if (token >= job.tokens)
        return;
    const tm_routing_logits_t *own = logits + token * job.local_experts;
    float *scores = reinterpret_cast<float *>(memory) + warp * job.local_experts;
    for (int i = lane; i < job.local_experts; i += lanes)
        scores[i] = bfloat16_at(own, i);
    __syncwarp();
    const int chosen = choose(scores, job.local_experts, job.top_k, lane);
    const float most = bfloat16_at(own, __shfl_sync(all_lanes, chosen, 0));
    const float share = chosen >= 0 ? expf(bfloat16_at(own, chosen) - most) : 0.0f;
    hand_in(job, token, lane, chosen, share / warp_sum(share));
}

} // namespace

int TM_ENTRY(const tm_routing_logits_t *routing_logits, const tm_hidden_states_t *hidden_states,
             const float *hidden_states_scale, const tm_gemm1_weights_t *gemm1_weights,
             const float *gemm1_weights_scale, const tm_gemm2_weights_t *gemm2_weights,
             const float *gemm2_weights_scale, tm_output_t *output, const tm_axes *axes,
             tm_stream stream) {
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
    if (axes->routing_method_type != 1 || axes->num_hidden_blocks * depth != axes->hidden_size ||
        job.top_k > job.local_experts)
        return tm_fail(1, "expected routing_method_type 1, blocks of 128 and top_k experts");
    const double expected = (double)job.top_k / (double)job.local_experts;
    return run_experts(job, expected, stream, [&](const experts &pass, int64_t begin) {
        LAUNCH(route, dim3((unsigned)((pass.tokens + route_warps - 1) / route_warps)),
               route_warps * lanes, route_warps * pass.local_experts * (int)sizeof(float), stream,
               pass, routing_logits + begin * pass.local_experts);
    });
}
