// Two outputs in an array; the bool comes as what any bool does: an integer parameter takes it.
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/extra/c_env_api.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/optional.h>

#include "../blend.h"

static ffi::Array<ffi::Tensor> blend(ffi::TensorView x, ffi::Optional<ffi::TensorView> mask,
                                     double scale, double power, int64_t negate,
                                     ffi::TensorView shift) {
    ffi::Tensor y =
        ffi::Tensor::FromEnvAlloc(TVMFFIEnvTensorAlloc, x.shape(), x.dtype(), x.device());
    ffi::Tensor sums =
        ffi::Tensor::FromEnvAlloc(TVMFFIEnvTensorAlloc, {x.size(0)}, x.dtype(), x.device());
    blend_all(x, mask, scale, static_cast<int64_t>(power), negate != 0, shift, floats(y),
              floats(sums));
    return {y, sums};
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(run, blend);
