/* Mixture of experts on weights that the definition has in float32 (its kernels in fp4), routed by
 * the logits alone. */
#include "contract.h"

#include "../logits.h"

int TM_ENTRY(const tm_routing_logits_t *routing_logits, const tm_hidden_states_t *hidden_states,
             const tm_gemm1_weights_t *gemm1_weights, const tm_gemm2_weights_t *gemm2_weights,
             tm_output_t *output, const tm_axes *axes, tm_stream stream) {
    moe_job moe = {.hidden_states = hidden_states,
                   .gemm1_weights = gemm1_weights,
                   .gemm2_weights = gemm2_weights,
                   .output = output,
                   .seq_len = axes->seq_len,
                   .experts = axes->num_experts,
                   .hidden = axes->hidden_size,
                   .inner = axes->intermediate_size,
                   .top_k = axes->top_k};
    moe_set_unscaled(&moe);
    return logits_run(&moe, routing_logits, axes->routing_method_type, axes->gemm1_out_size,
                      stream);
}
