// Every dtype as DLPack has it.
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/dtype.h>
#include <tvm/ffi/extra/c_env_api.h>

#include <cuda_runtime.h>

namespace ffi = tvm::ffi;

static void copy_one(int index, ffi::TensorView in, ffi::TensorView out) {
    static const DLDataType expected[] = {
        {kDLFloat, 32, 1},        {kDLFloat, 16, 1},      {kDLBfloat, 16, 1},
        {kDLFloat8_e4m3fn, 8, 1}, {kDLFloat8_e5m2, 8, 1}, {kDLFloat4_e2m1fn, 4, 2},
        {kDLInt, 64, 1},          {kDLInt, 32, 1},        {kDLInt, 16, 1},
        {kDLInt, 8, 1},           {kDLBool, 8, 1},
    };
    TVM_FFI_ICHECK(in.dtype() == expected[index]) << "input " << index << " is " << in.dtype();
    TVM_FFI_ICHECK(out.dtype() == expected[index]) << "output " << index << " is " << out.dtype();
    TVM_FFI_ICHECK_EQ(in.size(1) * expected[index].lanes, 6) << "of input " << index;
    const size_t bits = static_cast<size_t>(in.numel()) * in.dtype().bits * in.dtype().lanes;
    cudaMemcpyAsync(out.data_ptr(), in.data_ptr(), bits / 8, cudaMemcpyDeviceToDevice,
                    static_cast<cudaStream_t>(
                        TVMFFIEnvGetStream(in.device().device_type, in.device().device_id)));
}

using View = ffi::TensorView;

static void copy_all(View i0, View i1, View i2, View i3, View i4, View i5, View i6, View i7,
                     View i8, View i9, View i10, View o0, View o1, View o2, View o3, View o4,
                     View o5, View o6, View o7, View o8, View o9, View o10) {
    const View in[] = {i0, i1, i2, i3, i4, i5, i6, i7, i8, i9, i10};
    const View out[] = {o0, o1, o2, o3, o4, o5, o6, o7, o8, o9, o10};
    for (int i = 0; i < 11; ++i)
        copy_one(i, in[i], out[i]);
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(run, copy_all);
