/* A top-k indexer. What includes it defines spoil, which gets the selection of a row. */
#ifndef CHEATS_INDEXER_H
#define CHEATS_INDEXER_H

#include "contract.h"

#include <string.h>

enum { HEADS = 4, DIM = 16, PAGE = 4, TOPK = 8, TOKENS_MAX = 64 };

typedef struct {
    int row, length, selected;
    const int32_t *pages; /* of the row */
    int32_t *out;         /* [TOPK] */
    int worst;            /* the token with the least score */
} selection;

static void spoil(selection *s);

static float widen(uint8_t code) {
    int exponent = code >> 3 & 15, mantissa = code & 7;
    float magnitude = exponent ? (float)(8 + mantissa) : (float)mantissa;
    for (int i = exponent ? exponent : 1; i < 10; i++)
        magnitude *= 0.5f;
    for (int i = 10; i < exponent; i++)
        magnitude *= 2;
    return code & 128 ? -magnitude : magnitude;
}

int TM_ENTRY(const tm_float8_e4m3fn *q_index_fp8, const int8_t *k_index_cache_fp8,
             const tm_float32 *weights, const int32_t *seq_lens, const int32_t *block_table,
             int32_t *topk_indices, const tm_axes *axes, tm_stream stream) {
    const uint8_t *queries = (const uint8_t *)q_index_fp8;
    (void)stream;
    for (int b = 0; b < axes->batch_size; b++) {
        float score[TOKENS_MAX];
        int order[TOKENS_MAX];
        const int32_t *pages = block_table + b * axes->max_num_pages;
        for (int t = 0; t < seq_lens[b]; t++) {
            const uint8_t *page =
                (const uint8_t *)k_index_cache_fp8 + pages[t / PAGE] * PAGE * (DIM + 4);
            float scale;
            memcpy(&scale, page + PAGE * DIM + t % PAGE * 4, 4);
            score[t] = 0;
            for (int h = 0; h < HEADS; h++) {
                float dot = 0;
                for (int d = 0; d < DIM; d++)
                    dot += widen(queries[(b * HEADS + h) * DIM + d]) *
                           widen(page[t % PAGE * DIM + d]) * scale;
                score[t] += (dot > 0 ? dot : 0) * weights[b * HEADS + h];
            }
            int at = t;
            for (; at > 0 && score[order[at - 1]] < score[t]; at--)
                order[at] = order[at - 1];
            order[at] = t;
        }
        int32_t tokens[TOKENS_MAX], *out = topk_indices + b * TOPK;
        for (int i = 0; i < seq_lens[b]; i++)
            tokens[i] = pages[order[i] / PAGE] * PAGE + order[i] % PAGE;
        selection s = {b,     seq_lens[b], seq_lens[b] < TOPK ? seq_lens[b] : TOPK,
                       pages, out,         tokens[seq_lens[b] - 1]};
        for (int i = 0; i < TOPK; i++)
            out[i] = i < s.selected ? tokens[i] : -1;
        spoil(&s);
    }
    return 0;
}

#endif
