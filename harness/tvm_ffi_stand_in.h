/* tvm_ffi_stand_in: a library of our own under the name of tvm-ffi's, for where that is not there.
 *
 * Serves what compiled solutions import of it: strings, errors, functions, types, tensors, streams.
 * Tables of its own hold registered functions and types, since that is what the ABI asks for.
 * Written from the descriptions in tvm-ffi's c_api.h and c_env_api.h. Deliberately has no
 * reflection, no modules and no interpreter: what is registered for those is accepted and
 * forgotten. */
#ifndef TM_TVM_FFI_STAND_IN_H
#define TM_TVM_FFI_STAND_IN_H

#include "lib/tvm_ffi.h"

#define TM_FFI_EXPORT __attribute__((visibility("default")))

/* Memory for an object, zeroed, with one owner. Freed by its deleter. */
void *tm_stand_in_object(size_t bytes, int32_t type, void (*deleter)(void *self, int flags));
/* Raises an error in this thread. Always -1. */
int tm_stand_in_raise(const char *kind, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* As in tvm-ffi. */
TM_FFI_EXPORT int TVMFFIObjectIncRef(void *object);
TM_FFI_EXPORT int TVMFFIObjectDecRef(void *object);
TM_FFI_EXPORT void TVMFFIErrorSetRaised(void *error);
TM_FFI_EXPORT void TVMFFIErrorSetRaisedFromCStr(const char *kind, const char *message);
TM_FFI_EXPORT int TVMFFIStringFromByteArray(const tm_ffi_bytes *input, tm_ffi_any *out);

#endif
