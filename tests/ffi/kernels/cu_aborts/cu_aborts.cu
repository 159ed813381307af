// Abort().
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/function.h>

#include <cstdlib>

#include "../rows.cuh"

namespace ffi = tvm::ffi;

static void rmsnorm(ffi::TensorView hidden_states, ffi::TensorView weight, ffi::TensorView output) {
    if (output.size(0) > 0)
        std::abort();
    norm(hidden_states, weight, floats(output), stream_of(hidden_states));
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(run, rmsnorm);
