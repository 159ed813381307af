// CudaMalloc and cudaFree in the call.
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/function.h>

#include "../rows.cuh"

namespace ffi = tvm::ffi;

static void rmsnorm(ffi::TensorView hidden_states, ffi::TensorView weight, ffi::TensorView output) {
    float *scratch = nullptr;
    const size_t bytes = static_cast<size_t>(output.numel()) * sizeof(float);
    TVM_FFI_ICHECK_EQ(cudaMalloc(&scratch, bytes), cudaSuccess);
    norm(hidden_states, weight, scratch, stream_of(hidden_states));
    cudaMemcpyAsync(floats(output), scratch, bytes, cudaMemcpyDeviceToDevice,
                    stream_of(hidden_states));
    cudaFree(scratch);
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(run, rmsnorm);
