/* As fp8_per_tensor_scale, with a routing bias that the definitions hand over and do not read. */
#include "contract.h"

#include "../logits.h"

int TM_ENTRY(const tm_routing_logits_t *routing_logits, const tm_hidden_states_t *hidden_states,
             const tm_gemm1_weights_t *gemm1_weights, const float *output1_scales_scalar,
             const float *output1_scales_gate_scalar, const tm_gemm2_weights_t *gemm2_weights,
             const float *output2_scales_scalar, const tm_routing_bias_t *routing_bias,
             tm_output_t *output, const tm_axes *axes, tm_stream stream) {
    (void)routing_bias;
    moe_job moe = {.hidden_states = hidden_states,
                   .gemm1_weights = gemm1_weights,
                   .up_scale = output1_scales_scalar,
                   .gate_scale = output1_scales_gate_scalar,
                   .gemm2_weights = gemm2_weights,
                   .down_scale = output2_scales_scalar,
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
