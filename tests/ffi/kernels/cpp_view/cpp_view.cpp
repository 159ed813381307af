// Tensor views: the pointer comes from the view, and so do shape, strides and dtype.
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/function.h>

#include <cmath>

namespace ffi = tvm::ffi;

static void rmsnorm(ffi::TensorView hidden_states, ffi::TensorView weight,
                    ffi::TensorView output) {
    TVM_FFI_ICHECK_EQ(hidden_states.ndim(), 2) << "hidden_states must have two axes";
    TVM_FFI_ICHECK_EQ(weight.size(0), hidden_states.size(1)) << "one weight per channel";
    TVM_FFI_ICHECK(hidden_states.IsContiguous() && output.IsContiguous());
    TVM_FFI_ICHECK_EQ(hidden_states.dtype().code, kDLFloat);
    TVM_FFI_ICHECK_EQ(hidden_states.device().device_type, kDLCPU);
    const int64_t width = hidden_states.size(1);
    const auto *x = static_cast<const float *>(hidden_states.data_ptr());
    const auto *w = static_cast<const float *>(weight.data_ptr());
    auto *y = static_cast<float *>(output.data_ptr());
    for (int64_t row = 0; row < hidden_states.size(0); ++row) {
        const int64_t at = row * hidden_states.stride(0);
        float squares = 0;
        for (int64_t i = 0; i < width; ++i)
            squares += x[at + i] * x[at + i];
        const float inverse = 1.0f / std::sqrt(squares / static_cast<float>(width) + 1e-6f);
        for (int64_t i = 0; i < width; ++i)
            y[at + i] = x[at + i] * inverse * w[i];
    }
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(run, rmsnorm);
