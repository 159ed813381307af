/* tvm_ffi: the C ABI of tvm-ffi and of DLPack, as compiled solutions have it.
 *
 * Written from apache/tvm-ffi 0.1 (include/tvm/ffi/c_api.h) and DLPack 1.2 (dlpack.h), and held
 * against both by tests/suites/ffi.sh; a solution is compiled with their own headers. Deliberately
 * knows layouts only: nothing here calls or allocates. */
#ifndef TM_TVM_FFI_H
#define TM_TVM_FFI_H

#include <stddef.h>
#include <stdint.h>

#include "lib/dtype.h"

#define TM_FFI_SONAME "libtvm_ffi.so"
/* Of a build folder: the library that solutions are linked with and workers load. */
#define TM_FFI_LIBRARY "build/lib/" TM_FFI_SONAME
#define TM_FFI_SYMBOL_PREFIX "__tvm_ffi_" /* before the name of an exported function */

/* ---- DLPack ---- */

typedef enum { TM_DL_CPU = 1, TM_DL_CUDA = 2 } tm_dl_device_type;

typedef enum {
    TM_DL_INT = 0,
    TM_DL_UINT = 1,
    TM_DL_FLOAT = 2,
    TM_DL_OPAQUE = 3,
    TM_DL_BFLOAT = 4,
    TM_DL_COMPLEX = 5,
    TM_DL_BOOL = 6,
    TM_DL_FLOAT8_E4M3FN = 10,
    TM_DL_FLOAT8_E5M2 = 12,
    TM_DL_FLOAT4_E2M1FN = 17
} tm_dl_code;

typedef struct {
    int32_t type; /* tm_dl_device_type */
    int32_t id;   /* 0 for the CPU */
} tm_dl_device;

typedef struct {
    uint8_t code; /* tm_dl_code */
    uint8_t bits; /* of one lane */
    uint16_t lanes;
} tm_dl_dtype;

/* Of several lanes the last extent of a tensor counts groups. Static. */
const tm_dl_dtype *tm_dl_dtype_of(tm_dtype dtype);

/* Fills the strides, in elements, of a dense tensor. */
static inline void tm_dl_strides(int32_t rank, const int64_t *shape, int64_t *strides) {
    int64_t stride = 1;
    for (int32_t i = rank; i-- > 0;) {
        strides[i] = stride;
        stride *= shape[i];
    }
}

/* Borrows everything it points to. */
typedef struct {
    void *data;
    tm_dl_device device;
    int32_t rank;
    tm_dl_dtype dtype;
    int64_t *shape;   /* in elements of all lanes; NULL only when rank is 0 */
    int64_t *strides; /* in elements; NULL only when rank is 0 */
    uint64_t byte_offset;
} tm_dl_tensor;

/* Owned by who holds it, and given back with `deleter`, which frees the struct itself too. */
typedef struct tm_dl_managed {
    uint32_t major, minor; /* of DLPack: 1, 2 */
    void *context;
    void (*deleter)(struct tm_dl_managed *self);
    uint64_t flags;
    tm_dl_tensor tensor;
} tm_dl_managed;

/* 0, or -1 after one call of `set_error`. Uses dtype, rank, shape and device of the prototype. */
typedef int (*tm_dl_allocator)(tm_dl_tensor *prototype, tm_dl_managed **out, void *error_context,
                               void (*set_error)(void *error_context, const char *kind,
                                                 const char *message));

/* ---- values ---- */

typedef enum {
    TM_FFI_NONE = 0,
    TM_FFI_INT = 1,
    TM_FFI_BOOL = 2,
    TM_FFI_FLOAT = 3,
    TM_FFI_OPAQUE_PTR = 4,
    TM_FFI_DATA_TYPE = 5,
    TM_FFI_DEVICE = 6,
    TM_FFI_DL_TENSOR_PTR = 7,
    TM_FFI_RAW_STR = 8,
    TM_FFI_BYTE_ARRAY_PTR = 9, /* a tm_ffi_bytes */
    TM_FFI_RVALUE_REF = 10,    /* where an object stands that may be taken */
    TM_FFI_SMALL_STR = 11,
    TM_FFI_SMALL_BYTES = 12,
    TM_FFI_OBJECT = 64, /* from here on the union holds an object */
    TM_FFI_STR = 65,
    TM_FFI_BYTES = 66,
    TM_FFI_ERROR = 67,
    TM_FFI_FUNCTION = 68,
    TM_FFI_SHAPE = 69,
    TM_FFI_TENSOR = 70,
    TM_FFI_ARRAY = 71,
    TM_FFI_LIST = 75,
    TM_FFI_DYNAMIC = 128 /* the first index of a type that is made at run time */
} tm_ffi_type;

/* Flags of a deleter: the last owner is gone; the last weak reference is. */
#define TM_FFI_DELETE_STRONG 1
#define TM_FFI_DELETE_WEAK 2

#define TM_FFI_ONE_STRONG ((uint64_t)1)
#define TM_FFI_ONE_WEAK ((uint64_t)1 << 32)

/* What every object begins with. All owners together hold one weak reference. */
typedef struct {
    uint64_t counts; /* atomic: strong in the low half, weak in the high one */
    int32_t type;    /* tm_ffi_type, or a dynamic one */
    uint32_t padding;
    void (*deleter)(void *self, int flags);
} tm_ffi_object;

/* One owner less; the last one frees. Here, as the worker and the stand-in both have objects. */
static inline void tm_ffi_release(tm_ffi_object *object) {
    uint64_t before = __atomic_fetch_sub(&object->counts, TM_FFI_ONE_STRONG, __ATOMIC_ACQ_REL);
    if ((uint32_t)before != 1)
        return;
    if (before == (TM_FFI_ONE_STRONG | TM_FFI_ONE_WEAK)) {
        object->deleter(object, TM_FFI_DELETE_STRONG | TM_FFI_DELETE_WEAK);
        return;
    }
    object->deleter(object, TM_FFI_DELETE_STRONG);
    before = __atomic_fetch_sub(&object->counts, TM_FFI_ONE_WEAK, __ATOMIC_ACQ_REL);
    if (before == TM_FFI_ONE_WEAK)
        object->deleter(object, TM_FFI_DELETE_WEAK);
}

typedef struct {
    int32_t type;    /* tm_ffi_type */
    uint32_t length; /* of a small string; else 0 */
    union {
        int64_t integer;
        double number;
        void *pointer;
        const char *raw_str;
        tm_ffi_object *object;
        tm_dl_dtype dtype;
        tm_dl_device device;
        char small[8];
    };
} tm_ffi_any;

/* Text or bytes, not NUL-terminated. */
typedef struct {
    const char *data;
    size_t size;
} tm_ffi_bytes;

typedef struct {
    tm_ffi_object object;
    tm_dl_tensor tensor;
} tm_ffi_tensor;

/* A string object: its bytes may stand anywhere. */
typedef struct {
    tm_ffi_object object;
    tm_ffi_bytes bytes;
} tm_ffi_string;

/* An array or a list. */
typedef struct {
    tm_ffi_object object;
    tm_ffi_any *items;
    int64_t size;
    int64_t capacity;
} tm_ffi_array;

typedef struct {
    tm_ffi_object object;
    tm_ffi_bytes kind, message, backtrace;
    /* `mode` 0 replaces the backtrace, 1 adds to it */
    void (*update_backtrace)(void *self, const tm_ffi_bytes *backtrace, int32_t mode);
    tm_ffi_object *cause, *context; /* owned; NULL: none. Not there before tvm-ffi 0.1.3 */
} tm_ffi_error;

/* What `__tvm_ffi_<name>` is. `self` is NULL there; arguments are borrowed; the caller sets the
 * result to none before and owns it after. 0; -1: an error was raised in this thread
 * (TVMFFIErrorMoveFromRaised); -2: one of the surrounding interpreter, which there is none of. */
typedef int (*tm_ffi_call)(void *self, const tm_ffi_any *arguments, int32_t count,
                           tm_ffi_any *result);

typedef struct {
    tm_ffi_object object;
    tm_ffi_call call;
    void *cpp_call; /* NULL: not from C++ */
} tm_ffi_function;

/* A function as it is registered. */
typedef struct {
    tm_ffi_bytes name, documentation, metadata;
    int64_t flags;
    tm_ffi_any function;
} tm_ffi_method;

typedef struct tm_ffi_type_info {
    int32_t type;
    int32_t depth; /* so many ancestors */
    tm_ffi_bytes key;
    const struct tm_ffi_type_info **ancestors; /* the root first */
    uint64_t key_hash;
    int32_t field_count, method_count;
    const void *fields, *methods, *metadata;
} tm_ffi_type_info;

_Static_assert(sizeof(tm_dl_dtype) == 4, "DLDataType");
_Static_assert(sizeof(tm_dl_device) == 8, "DLDevice");
_Static_assert(sizeof(tm_dl_tensor) == 48, "DLTensor");
_Static_assert(sizeof(tm_dl_managed) == 80, "DLManagedTensorVersioned");
_Static_assert(sizeof(tm_ffi_object) == 24, "TVMFFIObject");
_Static_assert(sizeof(tm_ffi_any) == 16, "TVMFFIAny");
_Static_assert(sizeof(tm_ffi_bytes) == 16, "TVMFFIByteArray");
_Static_assert(sizeof(tm_ffi_tensor) == 72, "TensorObj");
_Static_assert(sizeof(tm_ffi_type_info) == 72, "TVMFFITypeInfo");
_Static_assert(offsetof(tm_ffi_array, size) == 32, "TVMFFISeqCell");
_Static_assert(offsetof(tm_ffi_error, update_backtrace) == 72, "TVMFFIErrorCell");

#endif
