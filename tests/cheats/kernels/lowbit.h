/* A copy with WRONG of every hundred elements wrong. */
#ifndef CHEATS_LOWBIT_H
#define CHEATS_LOWBIT_H

#include "contract.h"

int TM_ENTRY(const tm_float32 *x, tm_float32 *y, const tm_axes *axes, tm_stream stream) {
    (void)stream;
    for (int64_t i = 0; i < axes->n; i++)
        y[i] = i % 100 < WRONG ? x[i] + 1 : x[i];
    return 0;
}

#endif
