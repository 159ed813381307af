/* Sums of the parts; STRIDE and WAYS differ between variants, and have defaults for whoever
 * compiles it without them. */
#include "contract.h"

#ifndef STRIDE
#define STRIDE 1
#endif
#ifndef WAYS
#define WAYS 1
#endif

int TM_ENTRY(const tm_float32 *x, tm_float32 *y, const tm_axes *axes, tm_stream stream) {
    (void)stream;
    for (int64_t row = 0; row < axes->rows; row += STRIDE)
        for (int64_t next = row; next < row + STRIDE && next < axes->rows; next++)
            for (int64_t i = 0; i < TM_WIDTH; i++) {
                float sums[WAYS] = {0}, sum = 0;
                for (int64_t part = 0; part < axes->parts; part++)
                    sums[part % WAYS] += x[(next * axes->parts + part) * TM_WIDTH + i];
                for (int way = 0; way < WAYS; way++)
                    sum += sums[way];
                y[next * TM_WIDTH + i] = sum;
            }
    return 0;
}
