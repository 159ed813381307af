// Calls what no library of tvm-ffi has.
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/function.h>

extern "C" int TVMFFINotInAnyLibrary();

#include "../rows.h"

namespace ffi = tvm::ffi;

static void rmsnorm(ffi::TensorView hidden_states, ffi::TensorView weight,
                    ffi::TensorView output) {
    TVMFFINotInAnyLibrary();
    norm(hidden_states, weight, floats(output));
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(run, rmsnorm);
