// A function that it registers itself when it is loaded.
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/reflection/registry.h>

#include "../rows.h"

namespace ffi = tvm::ffi;

static void rmsnorm(ffi::TensorView hidden_states, ffi::TensorView weight,
                    ffi::TensorView output) {
    ffi::Function scale = ffi::Function::GetGlobalRequired("ffi_tests.own");
    TVM_FFI_ICHECK_EQ(scale(20, 2.5).cast<double>(), 50.0);
    norm(hidden_states, weight, floats(output));
}

TVM_FFI_STATIC_INIT_BLOCK() {
    tvm::ffi::reflection::GlobalDef().def("ffi_tests.own", [](int64_t a, double b) {
        return static_cast<double>(a) * b;
    });
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(run, rmsnorm);
