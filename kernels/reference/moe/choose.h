/* choose: the largest scores of a token. Among equal scores the one with the smaller index comes
 * first, as in torch.topk on a GPU and in TensorRT-LLM's routing; torch.topk on a CPU leaves open
 * which it is. NaN comes before everything, as in torch.topk. */
#ifndef TM_REFERENCE_MOE_CHOOSE_H
#define TM_REFERENCE_MOE_CHOOSE_H

#include "moe.h"

/* Whether score `a` at index `i` comes before `b` at index `j`. */
TM_ITEM bool moe_precedes(float a, int64_t i, float b, int64_t j) {
    if (isnan(a) || isnan(b))
        return isnan(a) && (!isnan(b) || i < j);
    return a > b || (a == b && i < j);
}

/* The index of the first of scores[begin, end) that comes after the one at `last`; `last` -1: of
 * all. -1 when there is none. */
TM_ITEM int64_t moe_next(const float *scores, int64_t begin, int64_t end, int64_t last) {
    int64_t best = -1;
    for (int64_t i = begin; i < end; ++i) {
        if (last >= 0 && !moe_precedes(scores[last], last, scores[i], i))
            continue;
        if (best < 0 || moe_precedes(scores[i], i, scores[best], best))
            best = i;
    }
    return best;
}

/* The indices of a token's `top_k` largest scores, into its slots, best first; -1 where there are
 * no more. */
TM_ITEM void moe_choose(const moe_job *job, int64_t token, const float *scores, int64_t count) {
    int64_t last = -1;
    for (int64_t k = 0; k < job->top_k; ++k) {
        const int64_t next = k < count ? moe_next(scores, 0, count, last) : -1;
        job->expert[token * job->top_k + k] = (int32_t)next;
        last = next;
    }
}

#endif
