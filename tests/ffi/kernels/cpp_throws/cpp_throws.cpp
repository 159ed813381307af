// Throws an error of a kind of its own, with a dtype in its words.
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/dtype.h>

#include "../rows.h"

namespace ffi = tvm::ffi;

static void rmsnorm(ffi::TensorView hidden_states, ffi::TensorView weight,
                    ffi::TensorView output) {
    if (hidden_states.size(0) > 0)
        TVM_FFI_THROW(ValueError) << "no rows of " << hidden_states.dtype() << " are wanted";
    norm(hidden_states, weight, floats(output));
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(run, rmsnorm);
