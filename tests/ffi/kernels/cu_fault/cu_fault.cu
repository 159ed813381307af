// Writes where no memory is.
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/function.h>

#include "../rows.cuh"

namespace ffi = tvm::ffi;

static void rmsnorm(ffi::TensorView hidden_states, ffi::TensorView weight, ffi::TensorView output) {
    norm(hidden_states, weight, reinterpret_cast<float *>(16), stream_of(hidden_states));
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(run, rmsnorm);
