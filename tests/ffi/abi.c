/* abi.c: lib/tvm_ffi.h beside tvm-ffi's own headers: the same sizes, offsets and numbers. Compiled,
 * never run. Members that only newer versions have are not looked at. */
#include <stddef.h>

#include <tvm/ffi/c_api.h>
#include <tvm/ffi/extra/c_env_api.h>

#include "lib/tvm_ffi.h"

#define SAME_SIZE(ours, theirs) _Static_assert(sizeof(ours) == sizeof(theirs), #theirs)
#define SAME_PLACE(ours, member, theirs, other)                                     \
    _Static_assert(offsetof(ours, member) == offsetof(theirs, other) &&             \
                       sizeof(((ours *)0)->member) == sizeof(((theirs *)0)->other), \
                   #theirs "." #other)
#define SAME_VALUE(ours, theirs) _Static_assert((int)(ours) == (int)(theirs), #theirs)

SAME_SIZE(tm_dl_tensor, DLTensor);
SAME_PLACE(tm_dl_tensor, data, DLTensor, data);
SAME_PLACE(tm_dl_tensor, device, DLTensor, device);
SAME_PLACE(tm_dl_tensor, rank, DLTensor, ndim);
SAME_PLACE(tm_dl_tensor, dtype, DLTensor, dtype);
SAME_PLACE(tm_dl_tensor, shape, DLTensor, shape);
SAME_PLACE(tm_dl_tensor, strides, DLTensor, strides);
SAME_PLACE(tm_dl_tensor, byte_offset, DLTensor, byte_offset);
SAME_PLACE(tm_dl_dtype, code, DLDataType, code);
SAME_PLACE(tm_dl_dtype, bits, DLDataType, bits);
SAME_PLACE(tm_dl_dtype, lanes, DLDataType, lanes);
SAME_PLACE(tm_dl_device, type, DLDevice, device_type);
SAME_PLACE(tm_dl_device, id, DLDevice, device_id);
SAME_SIZE(tm_dl_managed, DLManagedTensorVersioned);
SAME_PLACE(tm_dl_managed, major, DLManagedTensorVersioned, version.major);
SAME_PLACE(tm_dl_managed, context, DLManagedTensorVersioned, manager_ctx);
SAME_PLACE(tm_dl_managed, deleter, DLManagedTensorVersioned, deleter);
SAME_PLACE(tm_dl_managed, flags, DLManagedTensorVersioned, flags);
SAME_PLACE(tm_dl_managed, tensor, DLManagedTensorVersioned, dl_tensor);
SAME_VALUE(TM_DL_CPU, kDLCPU);
SAME_VALUE(TM_DL_CUDA, kDLCUDA);
SAME_VALUE(TM_DL_INT, kDLInt);
SAME_VALUE(TM_DL_UINT, kDLUInt);
SAME_VALUE(TM_DL_FLOAT, kDLFloat);
SAME_VALUE(TM_DL_OPAQUE, kDLOpaqueHandle);
SAME_VALUE(TM_DL_BFLOAT, kDLBfloat);
SAME_VALUE(TM_DL_COMPLEX, kDLComplex);
SAME_VALUE(TM_DL_BOOL, kDLBool);
SAME_VALUE(TM_DL_FLOAT8_E4M3FN, kDLFloat8_e4m3fn);
SAME_VALUE(TM_DL_FLOAT8_E5M2, kDLFloat8_e5m2);
SAME_VALUE(TM_DL_FLOAT4_E2M1FN, kDLFloat4_e2m1fn);

SAME_SIZE(tm_ffi_object, TVMFFIObject);
SAME_PLACE(tm_ffi_object, counts, TVMFFIObject, combined_ref_count);
SAME_PLACE(tm_ffi_object, type, TVMFFIObject, type_index);
SAME_PLACE(tm_ffi_object, deleter, TVMFFIObject, deleter);
SAME_SIZE(tm_ffi_any, TVMFFIAny);
SAME_PLACE(tm_ffi_any, type, TVMFFIAny, type_index);
SAME_PLACE(tm_ffi_any, length, TVMFFIAny, small_str_len);
SAME_PLACE(tm_ffi_any, object, TVMFFIAny, v_obj);
SAME_PLACE(tm_ffi_any, number, TVMFFIAny, v_float64);
SAME_PLACE(tm_ffi_any, dtype, TVMFFIAny, v_dtype);
SAME_PLACE(tm_ffi_any, device, TVMFFIAny, v_device);
SAME_PLACE(tm_ffi_any, small, TVMFFIAny, v_bytes);
SAME_SIZE(tm_ffi_bytes, TVMFFIByteArray);
SAME_PLACE(tm_ffi_bytes, data, TVMFFIByteArray, data);
SAME_PLACE(tm_ffi_bytes, size, TVMFFIByteArray, size);
SAME_PLACE(tm_ffi_type_info, type, TVMFFITypeInfo, type_index);
SAME_PLACE(tm_ffi_type_info, depth, TVMFFITypeInfo, type_depth);
SAME_PLACE(tm_ffi_type_info, key, TVMFFITypeInfo, type_key);
SAME_PLACE(tm_ffi_type_info, ancestors, TVMFFITypeInfo, type_ancestors);
SAME_PLACE(tm_ffi_type_info, key_hash, TVMFFITypeInfo, type_key_hash);
SAME_PLACE(tm_ffi_method, name, TVMFFIMethodInfo, name);
SAME_PLACE(tm_ffi_method, function, TVMFFIMethodInfo, method);
SAME_VALUE(TM_FFI_NONE, kTVMFFINone);
SAME_VALUE(TM_FFI_INT, kTVMFFIInt);
SAME_VALUE(TM_FFI_BOOL, kTVMFFIBool);
SAME_VALUE(TM_FFI_FLOAT, kTVMFFIFloat);
SAME_VALUE(TM_FFI_DL_TENSOR_PTR, kTVMFFIDLTensorPtr);
SAME_VALUE(TM_FFI_RAW_STR, kTVMFFIRawStr);
SAME_VALUE(TM_FFI_BYTE_ARRAY_PTR, kTVMFFIByteArrayPtr);
SAME_VALUE(TM_FFI_RVALUE_REF, kTVMFFIObjectRValueRef);
SAME_VALUE(TM_FFI_SMALL_STR, kTVMFFISmallStr);
SAME_VALUE(TM_FFI_SMALL_BYTES, kTVMFFISmallBytes);
SAME_VALUE(TM_FFI_OBJECT, kTVMFFIObject);
SAME_VALUE(TM_FFI_STR, kTVMFFIStr);
SAME_VALUE(TM_FFI_BYTES, kTVMFFIBytes);
SAME_VALUE(TM_FFI_ERROR, kTVMFFIError);
SAME_VALUE(TM_FFI_FUNCTION, kTVMFFIFunction);
SAME_VALUE(TM_FFI_TENSOR, kTVMFFITensor);
SAME_VALUE(TM_FFI_ARRAY, kTVMFFIArray);
SAME_VALUE(TM_FFI_LIST, kTVMFFIList);
SAME_VALUE(TM_FFI_DYNAMIC, kTVMFFIDynObjectBegin);
SAME_VALUE(TM_FFI_DELETE_STRONG, kTVMFFIObjectDeleterFlagBitMaskStrong);
SAME_VALUE(TM_FFI_DELETE_WEAK, kTVMFFIObjectDeleterFlagBitMaskWeak);

/* What stands behind an object's header. */
#define SAME_CELL(ours, member, theirs, other)                                                \
    _Static_assert(offsetof(ours, member) == sizeof(tm_ffi_object) + offsetof(theirs, other), \
                   #theirs "." #other)
SAME_CELL(tm_ffi_error, kind, TVMFFIErrorCell, kind);
SAME_CELL(tm_ffi_error, message, TVMFFIErrorCell, message);
SAME_CELL(tm_ffi_error, backtrace, TVMFFIErrorCell, backtrace);
SAME_CELL(tm_ffi_error, update_backtrace, TVMFFIErrorCell, update_backtrace);
SAME_CELL(tm_ffi_error, cause, TVMFFIErrorCell, cause_chain);
SAME_CELL(tm_ffi_error, context, TVMFFIErrorCell, extra_context);
SAME_CELL(tm_ffi_function, call, TVMFFIFunctionCell, safe_call);
SAME_CELL(tm_ffi_function, cpp_call, TVMFFIFunctionCell, cpp_call);
SAME_CELL(tm_ffi_array, items, TVMFFISeqCell, data);
SAME_CELL(tm_ffi_array, size, TVMFFISeqCell, size);
