// Returns a tensor of another shape and as many elements.
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/extra/c_env_api.h>
#include <tvm/ffi/function.h>
#include "../rows.h"

namespace ffi = tvm::ffi;

static ffi::Tensor rmsnorm(ffi::TensorView hidden_states, ffi::TensorView weight) {
    ffi::Tensor output =
        ffi::Tensor::FromEnvAlloc(TVMFFIEnvTensorAlloc, {hidden_states.size(1), hidden_states.size(0)},
                                  hidden_states.dtype(), hidden_states.device());
    norm(hidden_states, weight, floats(output));
    return output;
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(run, rmsnorm);
