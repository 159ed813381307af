/* Mixture of experts in fp8 with a scale per block, routed by the logits alone. */
#include "contract.h"

#include "../logits.h"

int TM_ENTRY(const tm_routing_logits_t *routing_logits, const tm_hidden_states_t *hidden_states,
             const float *hidden_states_scale, const tm_gemm1_weights_t *gemm1_weights,
             const float *gemm1_weights_scale, const tm_gemm2_weights_t *gemm2_weights,
             const float *gemm2_weights_scale, tm_output_t *output, const tm_axes *axes,
             tm_stream stream) {
    moe_job moe = {.hidden_states = hidden_states,
                   .hidden_states_scale = hidden_states_scale,
                   .gemm1_weights = gemm1_weights,
                   .gemm1_scale = gemm1_weights_scale,
                   .gemm2_weights = gemm2_weights,
                   .gemm2_scale = gemm2_weights_scale,
                   .output = output,
                   .seq_len = axes->seq_len,
                   .experts = axes->num_local_experts,
                   .hidden = axes->hidden_size,
                   .inner = axes->intermediate_size,
                   .top_k = axes->top_k};
    const int status = moe_set_blocks(&moe, axes->num_hidden_blocks, axes->num_intermediate_blocks,
                                      axes->num_gemm1_out_blocks);
    return status == 0 ? logits_run(&moe, routing_logits, axes->routing_method_type,
                                    axes->gemm1_out_size, stream)
                       : status;
}
