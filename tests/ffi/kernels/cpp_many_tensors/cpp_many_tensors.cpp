// Asks for a hundred tensors and writes behind the last of them.
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/extra/c_env_api.h>
#include <tvm/ffi/function.h>

#include <vector>

#include "../rows.h"

namespace ffi = tvm::ffi;

static void rmsnorm(ffi::TensorView hidden_states, ffi::TensorView weight, ffi::TensorView output) {
    std::vector<ffi::Tensor> scratch;
    for (int i = 0; i < 100; ++i)
        scratch.push_back(ffi::Tensor::FromEnvAlloc(TVMFFIEnvTensorAlloc, weight.shape(),
                                                    weight.dtype(), weight.device()));
    floats(scratch.back())[weight.numel()] = 0;
    norm(hidden_states, weight, floats(output));
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(run, rmsnorm);
