/* A sampler: top-k, then top-p, then a token by inversion. What includes it defines token_of, which
 * gets a row's tokens in falling order, as many as are kept, and a number in [0, 1). */
#ifndef CHEATS_SAMPLER_H
#define CHEATS_SAMPLER_H

#include "contract.h"

#include <stdlib.h>

enum { VOCABULARY = 64 };

typedef struct {
    const float *probs;
    int token[VOCABULARY]; /* all, the likeliest first */
    int kept;              /* of them */
    double mass;           /* of what is kept */
    int64_t batch;
} row;

static int64_t token_of(const row *r, double random);

/* Philox would do as well: splitmix64 of a call's number and a row's. */
static double random_of(uint64_t call, uint64_t number) {
    uint64_t x = (call << 32 | number) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (double)((x ^ x >> 31) >> 11) * 0x1p-53;
}

static inline int64_t invert(const row *r, double random) {
    double sum = 0;
    for (int i = 0; i < r->kept; i++)
        if ((sum += (double)r->probs[r->token[i]] / r->mass) > random)
            return r->token[i];
    return r->token[r->kept - 1];
}

static void sort_row(row *r) {
    for (int i = 0; i < VOCABULARY; i++) {
        int at = i;
        for (; at > 0 && r->probs[r->token[at - 1]] < r->probs[i]; at--)
            r->token[at] = r->token[at - 1];
        r->token[at] = i;
    }
}

int TM_ENTRY(const tm_float32 *probs, const int32_t *top_k, const tm_float32 *top_p,
             int64_t *samples, const tm_axes *axes, tm_stream stream) {
    static uint64_t call;
    (void)stream;
    call++;
#pragma omp parallel for if (axes->batch_size > 100)
    for (int64_t i = 0; i < axes->batch_size; i++) {
        row r = {.probs = probs + i * VOCABULARY, .batch = axes->batch_size};
        double total = 0, above = 0;
        sort_row(&r);
        for (int k = 0; k < top_k[i]; k++)
            total += (double)r.probs[r.token[k]];
        for (; r.kept < top_k[i] && above / total <= (double)top_p[i]; r.kept++)
            above += (double)r.probs[r.token[r.kept]];
        r.mass = above;
        int64_t token = token_of(&r, random_of(call, (uint64_t)i));
        if (token != -2)
            samples[i] = token;
    }
    return 0;
}

#endif
