/* y = 2 x + 1 on nine rows of ten. Every tenth crashes, hangs or corrupts, each in two ways, that
 * SOAK_WAY chooses between. */
#include "contract.h"

enum { HANG, CRASH, CORRUPT, BEHAVE };

static int kind_of(int64_t batch) {
    return batch % 10 ? BEHAVE : (int)(batch / 10 % 3);
}

#ifdef __CUDACC__
static __global__ void soak_rows(const float *x, float *y, int64_t elems, int kind) {
    const int64_t i = blockIdx.x * (int64_t)blockDim.x + threadIdx.x;
    if (i < elems)
        y[i] = 2 * x[i] + (kind == CORRUPT && SOAK_WAY && i == 0 ? 3 : 1);
    if (i != 0)
        return;
    if (kind == CORRUPT && !SOAK_WAY)
        y[elems] = 0;
    if (kind == CRASH && SOAK_WAY)
        __trap();
    if (kind == CRASH)
        *(volatile float *)16 = 0;
    while (kind == HANG && ((volatile float *)y)[0] == ((volatile float *)y)[0])
        __nanosleep(1000);
}

int TM_ENTRY(const tm_float32 *x, tm_float32 *y, const tm_axes *axes, tm_stream stream) {
    const int64_t elems = axes->batch * TM_WIDTH;
    const int kind = kind_of(axes->batch);
    for (volatile int forever = 1; kind == HANG && SOAK_WAY && forever;) {
    }
    soak_rows<<<(unsigned)((elems + 255) / 256), 256, 0, stream>>>(x, y, elems, kind);
    return cudaGetLastError() == cudaSuccess ? 0 : tm_fail(1, "no launch");
}
#else
#include <unistd.h>

int TM_ENTRY(const tm_float32 *x, tm_float32 *y, const tm_axes *axes, tm_stream stream) {
    (void)stream;
    const int64_t elems = axes->batch * TM_WIDTH;
    const int kind = kind_of(axes->batch);
    for (volatile int forever = 1; kind == HANG && forever;)
        if (SOAK_WAY)
            usleep(1000);
    if (kind == CRASH && SOAK_WAY)
        __builtin_trap();
    if (kind == CRASH)
        *(volatile float *)16 = 0;
    for (int64_t i = 0; i < elems; i++)
        y[i] = 2 * x[i] + 1;
    if (kind == CORRUPT && SOAK_WAY)
        y[0] += 3;
    if (kind == CORRUPT && !SOAK_WAY)
        y[elems] = 0;
    return 0;
}
#endif
