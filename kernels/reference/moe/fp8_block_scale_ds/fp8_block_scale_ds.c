/* Mixture of experts in fp8 with a scale per block, DeepSeek's routing: sigmoids plus a bias choose
 * the best groups (by the sum of a group's two best), and in these the best experts; the sigmoids
 * alone, normalised over the chosen, weigh them. Some of the experts are here, others elsewhere. */
#include "contract.h"

#include "../choose.h"

typedef struct {
    moe_job moe;
    const tm_routing_logits_t *logits; /* [seq_len, num_experts] */
    const tm_routing_bias_t *bias;     /* [num_experts] */
    int64_t num_experts, groups, kept_groups, offset;
    float factor;
} ds_job;

/* In float64, rounded once: a GPU and a CPU then choose alike. */
TM_ITEM float sigmoid(const ds_job *job, int64_t token, int64_t expert) {
    const int64_t at = (job->moe.first_token + token) * job->num_experts + expert;
    return (float)(1.0 / (1.0 + exp(-(double)tm_load(job->logits, at))));
}

TM_ITEM void ds_score(const ds_job *job, int64_t item, int lane) {
    (void)lane;
    const int64_t token = item / job->num_experts, expert = item % job->num_experts;
    job->moe.choice[token * job->moe.choices + expert] =
        sigmoid(job, token, expert) + tm_load(job->bias, expert);
}

/* Scores of the groups behind those of the experts; experts of other groups than the best get the
 * least score. */
TM_ITEM void keep_groups(const ds_job *job, float *scores) {
    const int64_t size = job->num_experts / job->groups;
    float *group = scores + job->num_experts;
    for (int64_t g = 0; g < job->groups; ++g) {
        const int64_t first = moe_next(scores, g * size, (g + 1) * size, -1);
        const int64_t second = moe_next(scores, g * size, (g + 1) * size, first);
        group[g] = scores[first] + scores[second];
    }
    int64_t last = -1;
    for (int64_t k = 0; k < job->kept_groups; ++k)
        last = moe_next(group, 0, job->groups, last);
    for (int64_t g = 0; g < job->groups; ++g) {
        if (!moe_precedes(group[last], last, group[g], g))
            continue;
        for (int64_t expert = g * size; expert < (g + 1) * size; ++expert)
            scores[expert] = -3.402823466e+38f;
    }
}

TM_ITEM void ds_route(const ds_job *job, int64_t token, int lane) {
    (void)lane;
    const moe_job *moe = &job->moe;
    float *scores = moe->choice + token * moe->choices;
    const int64_t begin = token * moe->top_k;
    if (job->groups > 1)
        keep_groups(job, scores);
    moe_choose(moe, token, scores, job->num_experts);
    double sum = 0;
    for (int64_t slot = begin; slot < begin + moe->top_k; ++slot)
        sum += sigmoid(job, token, moe->expert[slot]);
    for (int64_t slot = begin; slot < begin + moe->top_k; ++slot) {
        const int64_t expert = moe->expert[slot], here = expert - job->offset;
        moe->weight[slot] =
            (float)(sigmoid(job, token, expert) / (sum > 1e-20 ? sum : 1e-20)) * job->factor;
        moe->expert[slot] = here >= 0 && here < moe->experts ? (int32_t)here : -1;
    }
}

TM_DRIVER(ds_scores, ds_job, ds_score, 1)
TM_DRIVER(ds_routes, ds_job, ds_route, 1)

static int ds_router(const moe_job *moe, const void *family, tm_stream stream) {
    ds_job job = *(const ds_job *)family;
    job.moe = *moe;
    const int status = ds_scores(&job, moe->tokens * job.num_experts, stream);
    return status == 0 ? ds_routes(&job, moe->tokens, stream) : status;
}

static int check(const ds_job *job, int64_t top_k) {
    const int64_t groups = job->groups, kept = job->kept_groups, experts = job->num_experts;
    if (groups < 1 || kept < 1 || kept > groups || experts % groups != 0 ||
        (groups > 1 && experts / groups < 2))
        return tm_fail(1,
                       "moe: expected 1 <= topk_group <= n_group, with groups of two or more of "
                       "the %lld experts, got %lld and %lld",
                       (long long)experts, (long long)kept, (long long)groups);
    if (top_k < 1 || top_k > kept * (experts / groups))
        return tm_fail(1,
                       "moe: expected top_k from 1 to the %lld experts of the kept groups, got "
                       "%lld",
                       (long long)(kept * (experts / groups)), (long long)top_k);
    return 0;
}

int TM_ENTRY(const tm_routing_logits_t *routing_logits, const tm_routing_bias_t *routing_bias,
             const tm_hidden_states_t *hidden_states, const float *hidden_states_scale,
             const tm_gemm1_weights_t *gemm1_weights, const float *gemm1_weights_scale,
             const tm_gemm2_weights_t *gemm2_weights, const float *gemm2_weights_scale,
             tm_local_expert_offset_t local_expert_offset,
             tm_routed_scaling_factor_t routed_scaling_factor, tm_output_t *output,
             const tm_axes *axes, tm_stream stream) {
    const ds_job job = {.logits = routing_logits,
                        .bias = routing_bias,
                        .num_experts = axes->num_experts,
                        .groups = (int64_t)axes->n_group,
                        .kept_groups = (int64_t)axes->topk_group,
                        .offset = local_expert_offset,
                        .factor = routed_scaling_factor};
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
                   .top_k = (int64_t)axes->top_k, /* an axis of some, a constant of others */
                   .choices = axes->num_experts + (int64_t)axes->n_group};
    int status = check(&job, moe.top_k);
    if (status == 0)
        status = moe_set_blocks(&moe, axes->num_hidden_blocks, axes->num_intermediate_blocks,
                                axes->num_gemm1_out_blocks);
    return status == 0 ? moe_run(&moe, axes->gemm1_out_size, ds_router, &job, stream) : status;
}
