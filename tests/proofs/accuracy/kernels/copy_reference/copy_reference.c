/* The reference of copy. */
#include "contract.h"

#ifdef __CUDACC__
static __global__ void copy_elements(const float *x, float *y, int64_t n) {
    const int64_t i = blockIdx.x * (int64_t)blockDim.x + threadIdx.x;
    if (i < n)
        y[i] = x[i];
}

int TM_ENTRY(const tm_float32 *x, tm_float32 *y, const tm_axes *axes, tm_stream stream) {
    copy_elements<<<(unsigned)((axes->n + 255) / 256), 256, 0, stream>>>(x, y, axes->n);
    return cudaGetLastError() == cudaSuccess ? 0 : tm_fail(1, "no launch");
}
#else
int TM_ENTRY(const tm_float32 *x, tm_float32 *y, const tm_axes *axes, tm_stream stream) {
    (void)stream;
    for (int64_t i = 0; i < axes->n; i++)
        y[i] = x[i];
    return 0;
}
#endif
