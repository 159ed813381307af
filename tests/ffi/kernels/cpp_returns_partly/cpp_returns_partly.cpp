// Returns the same tensor at each call, and never writes its first row.
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/extra/c_env_api.h>
#include <tvm/ffi/function.h>

#include <algorithm>

#include "../rows.h"

namespace ffi = tvm::ffi;

static ffi::Tensor shift(ffi::TensorView x) {
    static ffi::Tensor output;
    if (!output.defined() || output.size(0) != x.size(0))
        output = ffi::Tensor::FromEnvAlloc(TVMFFIEnvTensorAlloc, x.shape(), x.dtype(), x.device());
    std::copy(floats(x), floats(x) + x.numel() - x.size(1), floats(output) + x.size(1));
    return output;
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(run, shift);
