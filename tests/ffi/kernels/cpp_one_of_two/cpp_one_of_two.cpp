// Returns the first of two outputs.
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/extra/c_env_api.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/optional.h>

#include <vector>

#include "../blend.h"

static ffi::Tensor blend(ffi::TensorView x, ffi::Optional<ffi::TensorView> mask, double scale,
                         int64_t power, bool negate, ffi::TensorView shift) {
    ffi::Tensor y =
        ffi::Tensor::FromEnvAlloc(TVMFFIEnvTensorAlloc, x.shape(), x.dtype(), x.device());
    std::vector<float> sums(static_cast<size_t>(x.size(0)));
    blend_all(x, mask, scale, power, negate, shift, floats(y), sums.data());
    return y;
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(run, blend);
