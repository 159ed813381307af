/* logits: routing by the logits alone, in one of two ways. Renormalize (1): the top_k largest
 * logits, weighted by their softmax. Llama4 (3): the top_k largest sigmoids, which weigh the
 * experts' inputs. The numbers are flashinfer's routing_method_type; which one a definition means
 * stands in no tensor, so a table says it. */
#ifndef TM_REFERENCE_MOE_LOGITS_H
#define TM_REFERENCE_MOE_LOGITS_H

#include "choose.h"

enum { MOE_RENORMALIZE = 1, MOE_LLAMA4 = 3 };

typedef struct {
    moe_job moe;
    const tm_routing_logits_t *logits; /* [seq_len, experts] */
    int64_t method;
} logits_job;

TM_ITEM float moe_logit(const logits_job *job, int64_t token, int64_t expert) {
    const moe_job *moe = &job->moe;
    return tm_load(job->logits, (moe->first_token + token) * moe->experts + expert);
}

TM_ITEM void logits_score(const logits_job *job, int64_t item, int lane) {
    (void)lane;
    const moe_job *moe = &job->moe;
    const float logit = moe_logit(job, item / moe->experts, item % moe->experts);
    moe->choice[item] =
        job->method == MOE_LLAMA4 ? (float)(1.0 / (1.0 + exp(-(double)logit))) : logit;
}

TM_ITEM void logits_route(const logits_job *job, int64_t token, int lane) {
    (void)lane;
    const moe_job *moe = &job->moe;
    const float *scores = moe->choice + token * moe->experts;
    const int64_t begin = token * moe->top_k;
    moe_choose(moe, token, scores, moe->experts);
    double sum = 0;
    for (int64_t slot = begin; slot < begin + moe->top_k; ++slot)
        if (moe->expert[slot] >= 0)
            sum += exp((double)scores[moe->expert[slot]] - scores[moe->expert[begin]]);
    for (int64_t slot = begin; slot < begin + moe->top_k; ++slot) {
        if (moe->expert[slot] < 0)
            continue;
        const double score = scores[moe->expert[slot]];
        moe->weight[slot] =
            (float)(job->method == MOE_LLAMA4 ? score
                                              : exp(score - scores[moe->expert[begin]]) / sum);
    }
}

TM_DRIVER(logits_scores, logits_job, logits_score, 1)
TM_DRIVER(logits_routes, logits_job, logits_route, 1)

static int logits_router(const moe_job *moe, const void *family, tm_stream stream) {
    logits_job job = *(const logits_job *)family;
    job.moe = *moe;
    const int status = logits_scores(&job, moe->tokens * moe->experts, stream);
    return status == 0 ? logits_routes(&job, moe->tokens, stream) : status;
}

/* moe_run for a family whose experts are all here. */
static int logits_run(moe_job *moe, const tm_routing_logits_t *logits, double method,
                      int64_t gemm1_out_size, tm_stream stream) {
    const logits_job job = {.moe = *moe, .logits = logits, .method = (int64_t)method};
    if (job.method != MOE_RENORMALIZE && job.method != MOE_LLAMA4)
        return tm_fail(1, "moe: expected routing_method_type 1 or 3, got %g", method);
    if (moe->top_k > moe->experts)
        return tm_fail(1, "moe: expected top_k <= %lld experts, got %lld", (long long)moe->experts,
                       (long long)moe->top_k);
    moe->choices = moe->experts;
    moe->weigh_input = job.method == MOE_LLAMA4;
    return moe_run(moe, gemm1_out_size, logits_router, &job, stream);
}

#endif
