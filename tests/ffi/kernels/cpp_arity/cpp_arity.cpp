// A parameter too few.
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/function.h>
#include "../rows.h"

namespace ffi = tvm::ffi;

static void rmsnorm(ffi::TensorView hidden_states, ffi::TensorView weight) {
    norm(hidden_states, weight, floats(hidden_states));
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(run, rmsnorm);
