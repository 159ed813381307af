// An optional input, scalars, a tensor without axes; two returned tensors.
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/optional.h>

#include "../rows.cuh"

namespace ffi = tvm::ffi;

// A warp is a row, a thread a channel.
static __global__ void blend_rows(const float *x, const float *mask, float scale, int64_t power,
                                  bool negate, const float *shift, float *y, float *sums) {
    const int64_t at = static_cast<int64_t>(blockIdx.x) * 32 + threadIdx.x;
    float value = scale * (mask ? mask[threadIdx.x] : 1.0f);
    for (int64_t i = 0; i < power; ++i)
        value *= x[at];
    value += *shift;
    value = negate ? -value : value;
    y[at] = value;
    for (int distance = 16; distance > 0; distance /= 2)
        value += __shfl_xor_sync(0xffffffffu, value, distance);
    if (threadIdx.x == 0)
        sums[blockIdx.x] = value;
}

static ffi::Array<ffi::Tensor> blend(ffi::TensorView x, ffi::Optional<ffi::TensorView> mask,
                                     double scale, int64_t power, bool negate,
                                     ffi::TensorView shift) {
    TVM_FFI_ICHECK_EQ(x.size(1), 32);
    ffi::Tensor y =
        ffi::Tensor::FromEnvAlloc(TVMFFIEnvTensorAlloc, x.shape(), x.dtype(), x.device());
    ffi::Tensor sums =
        ffi::Tensor::FromEnvAlloc(TVMFFIEnvTensorAlloc, {x.size(0)}, x.dtype(), x.device());
    blend_rows<<<static_cast<unsigned>(x.size(0)), 32, 0, stream_of(x)>>>(
        floats(x), mask.has_value() ? floats(mask.value()) : nullptr, static_cast<float>(scale),
        power, negate, floats(shift), floats(y), floats(sums));
    return {y, sums};
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(run, blend);
