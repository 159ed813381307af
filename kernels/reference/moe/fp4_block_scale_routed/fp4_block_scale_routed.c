/* As fp4_block_scale, with the routing done before: topk_ids packs an expert (upper 16 bits) and
 * its weight, a bfloat16 (lower 16 bits). An expert out of range takes no part. */
#include "contract.h"

#include "../moe.h"

typedef struct {
    moe_job moe;
    const int32_t *topk_ids; /* [seq_len, top_k] */
} routed_job;

TM_ITEM void unpack(const routed_job *job, int64_t slot, int lane) {
    (void)lane;
    const moe_job *moe = &job->moe;
    const uint32_t packed = (uint32_t)job->topk_ids[moe->first_token * moe->top_k + slot];
    const int32_t expert = (int16_t)(uint16_t)(packed >> 16);
    const uint32_t bits = packed << 16;
    memcpy(&moe->weight[slot], &bits, sizeof bits);
    moe->expert[slot] = expert >= 0 && expert < moe->experts ? expert : -1;
}

TM_DRIVER(unpacks, routed_job, unpack, 1)

static int router(const moe_job *moe, const void *family, tm_stream stream) {
    routed_job job = *(const routed_job *)family;
    job.moe = *moe;
    return unpacks(&job, moe->slots, stream);
}

int TM_ENTRY(const tm_topk_ids_t *topk_ids, const tm_hidden_states_t *hidden_states,
             const tm_gemm1_weights_t *gemm1_weights, const tm_gemm2_weights_t *gemm2_weights,
             tm_output_t *output, const tm_axes *axes, tm_stream stream) {
    const routed_job job = {.topk_ids = topk_ids};
    moe_job moe = {.hidden_states = hidden_states,
                   .gemm1_weights = gemm1_weights,
                   .gemm2_weights = gemm2_weights,
                   .output = output,
                   .seq_len = axes->seq_len,
                   .experts = axes->num_experts,
                   .hidden = axes->hidden_size,
                   .inner = axes->intermediate_size,
                   .top_k = axes->top_k,
                   .weigh_input = axes->use_routing_scales_on_input != 0};
    moe_set_unscaled(&moe);
    return moe_run(&moe, axes->gemm1_out_size, router, &job, stream);
}
