// Tensor views, on the stream of the call.
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/function.h>

#include "../rows.cuh"

namespace ffi = tvm::ffi;

static void rmsnorm(ffi::TensorView hidden_states, ffi::TensorView weight, ffi::TensorView output) {
    TVM_FFI_ICHECK_EQ(hidden_states.ndim(), 2) << "hidden_states must have two axes";
    TVM_FFI_ICHECK_EQ(weight.size(0), hidden_states.size(1)) << "one weight per channel";
    TVM_FFI_ICHECK_EQ(hidden_states.device().device_type, kDLCUDA);
    TVM_FFI_ICHECK(stream_of(hidden_states) != nullptr) << "the caller sets a stream";
    norm(hidden_states, weight, floats(output), stream_of(hidden_states));
    TVM_FFI_ICHECK_EQ(cudaGetLastError(), cudaSuccess);
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(run, rmsnorm);
