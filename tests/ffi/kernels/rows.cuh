// rows.cuh: RMSNorm over rows of float32 on a GPU, the honest part of the solutions beside it.
#ifndef FFI_ROWS_CUH
#define FFI_ROWS_CUH

#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/extra/c_env_api.h>

#include <cstdint>

#include <cuda_runtime.h>

inline float *floats(const tvm::ffi::TensorView &tensor) {
    return static_cast<float *>(tensor.data_ptr());
}

// The stream of the call, as the caller set it.
inline cudaStream_t stream_of(const tvm::ffi::TensorView &tensor) {
    return static_cast<cudaStream_t>(
        TVMFFIEnvGetStream(tensor.device().device_type, tensor.device().device_id));
}

// A block is a row of as many threads.
static __global__ void norm_rows(const float *x, const float *w, float *y) {
    __shared__ float sums[32];
    const int64_t at = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    const float value = x[at];
    float squares = value * value;
    for (int distance = 16; distance > 0; distance /= 2)
        squares += __shfl_xor_sync(0xffffffffu, squares, distance);
    if (threadIdx.x % 32 == 0)
        sums[threadIdx.x / 32] = squares;
    __syncthreads();
    float all = 0;
    for (int warp = 0; warp < static_cast<int>(blockDim.x) / 32; ++warp)
        all += sums[warp];
    y[at] = value * rsqrtf(all / static_cast<float>(blockDim.x) + 1e-6f) * w[threadIdx.x];
}

inline void norm(const tvm::ffi::TensorView &x, const tvm::ffi::TensorView &w, float *y,
                 cudaStream_t stream) {
    norm_rows<<<static_cast<unsigned>(x.size(0)), static_cast<unsigned>(x.size(1)), 0, stream>>>(
        floats(x), floats(w), y);
}

#endif
