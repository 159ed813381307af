/* Sparse attention. What includes it may define NO_LSE. */
#ifndef CHEATS_SPARSE_H
#define CHEATS_SPARSE_H

#include "contract.h"

#include <math.h>

enum { HEADS = 2, CKV = 16, KPE = 8, TOPK = 6 };

int TM_ENTRY(const tm_float32 *q_nope, const tm_float32 *q_pe, const tm_float32 *ckv_cache,
             const tm_float32 *kpe_cache, const int32_t *sparse_indices, float sm_scale,
             tm_float32 *output, tm_float32 *lse, const tm_axes *axes, tm_stream stream) {
    (void)stream;
    (void)lse;
    for (int64_t item = 0; item < axes->num_tokens * HEADS; item++) {
        const int32_t *indices = sparse_indices + item / HEADS * TOPK;
        float weight[TOPK], sum = 0;
        for (int i = 0; i < TOPK; i++) {
            float dot = 0;
            for (int d = 0; indices[i] >= 0 && d < CKV; d++)
                dot += q_nope[item * CKV + d] * ckv_cache[indices[i] * CKV + d];
            for (int d = 0; indices[i] >= 0 && d < KPE; d++)
                dot += q_pe[item * KPE + d] * kpe_cache[indices[i] * KPE + d];
            weight[i] = indices[i] >= 0 ? expf(dot * sm_scale) : 0;
            sum += weight[i];
        }
        for (int d = 0; d < CKV; d++) {
            float value = 0;
            for (int i = 0; i < TOPK; i++)
                value += indices[i] >= 0 ? weight[i] / sum * ckv_cache[indices[i] * CKV + d] : 0;
            output[item * CKV + d] = value;
        }
#ifndef NO_LSE
        lse[item] = log2f(sum);
#endif
    }
    return 0;
}

#endif
