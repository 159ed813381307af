// An ICHECK that fails.
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/function.h>

#include "../rows.cuh"

namespace ffi = tvm::ffi;

static void rmsnorm(ffi::TensorView hidden_states, ffi::TensorView weight, ffi::TensorView output) {
    TVM_FFI_ICHECK_EQ(weight.ndim(), 2) << "weight must have two axes";
    norm(hidden_states, weight, floats(output), stream_of(hidden_states));
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(run, rmsnorm);
