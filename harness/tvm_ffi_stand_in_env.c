/* Streams, tensors, dtypes, and things that are made once. */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/tvm_ffi_stand_in.h"

/* ---- streams: of a thread, as the ABI has it ---- */

#define MAX_DEVICES 64

static __thread void *streams[TM_DL_CUDA + 1][MAX_DEVICES];

TM_FFI_EXPORT int TVMFFIEnvSetStream(int32_t device_type, int32_t device_id, void *stream,
                                     void **old) {
    if (device_type < 0 || device_type > TM_DL_CUDA || device_id < 0 || device_id >= MAX_DEVICES)
        return tm_stand_in_raise("ValueError", "no stream of a device of type %d, number %d",
                                 device_type, device_id);
    if (old)
        *old = streams[device_type][device_id];
    streams[device_type][device_id] = stream;
    return 0;
}

TM_FFI_EXPORT void *TVMFFIEnvGetStream(int32_t device_type, int32_t device_id) {
    bool known =
        device_type >= 0 && device_type <= TM_DL_CUDA && device_id >= 0 && device_id < MAX_DEVICES;
    return known ? streams[device_type][device_id] : NULL;
}

/* ---- tensors ---- */

/* One for the thread, one for all; as the ABI has it. */
static __thread tm_dl_allocator thread_allocator;
static tm_dl_allocator global_allocator;

TM_FFI_EXPORT int TVMFFIEnvSetDLPackManagedTensorAllocator(tm_dl_allocator allocator,
                                                           int for_all_threads,
                                                           tm_dl_allocator *old) {
    if (old)
        *old = thread_allocator;
    if (for_all_threads)
        __atomic_store_n(&global_allocator, allocator, __ATOMIC_RELEASE);
    thread_allocator = allocator;
    return 0;
}

TM_FFI_EXPORT tm_dl_allocator TVMFFIEnvGetDLPackManagedTensorAllocator(void) {
    return thread_allocator ? thread_allocator
                            : __atomic_load_n(&global_allocator, __ATOMIC_ACQUIRE);
}

/* A tensor object, and what gives back what it borrows. */
typedef struct {
    tm_ffi_tensor tensor;
    void (*give_back)(void *owner);
    void *owner;
    int64_t numbers[]; /* strides, and a shape, where it has them itself */
} own_tensor;

static void delete_tensor(void *self, int flags) {
    own_tensor *own = self;
    if (flags & TM_FFI_DELETE_STRONG && own->give_back)
        own->give_back(own->owner);
    if (flags & TM_FFI_DELETE_WEAK)
        free(own);
}

static own_tensor *make_tensor(const tm_dl_tensor *tensor, void (*give_back)(void *owner),
                               void *owner) {
    size_t rank = tensor->rank > 0 ? (size_t)tensor->rank : 0;
    own_tensor *made =
        tm_stand_in_object(sizeof *made + 2 * rank * sizeof(int64_t), TM_FFI_TENSOR, delete_tensor);
    made->tensor.tensor = *tensor;
    made->give_back = give_back;
    made->owner = owner;
    if (rank && !tensor->strides) {
        made->tensor.tensor.strides = made->numbers;
        tm_dl_strides(tensor->rank, tensor->shape, made->numbers);
    }
    return made;
}

static void give_back_managed(void *owner) {
    tm_dl_managed *managed = owner;
    if (managed->deleter)
        managed->deleter(managed);
}

TM_FFI_EXPORT int TVMFFITensorFromDLPackVersioned(tm_dl_managed *from, int32_t alignment,
                                                  int32_t contiguous, void **out) {
    (void)alignment, (void)contiguous;
    *out = make_tensor(&from->tensor, give_back_managed, from);
    return 0;
}

static void raise_for_allocator(void *context, const char *kind, const char *message) {
    (void)context;
    TVMFFIErrorSetRaisedFromCStr(kind, message);
}

TM_FFI_EXPORT int TVMFFIEnvTensorAlloc(tm_dl_tensor *prototype, void **out) {
    tm_dl_allocator allocator = TVMFFIEnvGetDLPackManagedTensorAllocator();
    tm_dl_managed *managed = NULL;
    if (!allocator)
        return tm_stand_in_raise("RuntimeError",
                                 "TVMFFIEnvTensorAlloc: allocator is nullptr, likely because "
                                 "TVMFFIEnvSetDLPackManagedTensorAllocator has not been called.");
    int code = allocator(prototype, &managed, NULL, raise_for_allocator);
    if (code != 0)
        return code;
    return TVMFFITensorFromDLPackVersioned(managed, 0, 0, out);
}

/* Before versions: the tensor stands first, then who owns it. */
typedef struct managed_old {
    tm_dl_tensor tensor;
    void *context;
    void (*deleter)(struct managed_old *self);
} managed_old;

static void give_back_old(void *owner) {
    managed_old *managed = owner;
    if (managed->deleter)
        managed->deleter(managed);
}

TM_FFI_EXPORT int TVMFFITensorFromDLPack(managed_old *from, int32_t alignment, int32_t contiguous,
                                         void **out) {
    (void)alignment, (void)contiguous;
    *out = make_tensor(&from->tensor, give_back_old, from);
    return 0;
}

static void delete_old(managed_old *managed) {
    TVMFFIObjectDecRef(managed->context);
    free(managed);
}

TM_FFI_EXPORT int TVMFFITensorToDLPack(void *tensor, managed_old **out) {
    managed_old *made = calloc(1, sizeof *made);
    if (!made)
        abort();
    TVMFFIObjectIncRef(tensor);
    *made = (managed_old){((tm_ffi_tensor *)tensor)->tensor, tensor, delete_old};
    *out = made;
    return 0;
}

static void delete_versioned(tm_dl_managed *managed) {
    TVMFFIObjectDecRef(managed->context);
    free(managed);
}

TM_FFI_EXPORT int TVMFFITensorToDLPackVersioned(void *tensor, tm_dl_managed **out) {
    tm_dl_managed *made = calloc(1, sizeof *made);
    if (!made)
        abort();
    TVMFFIObjectIncRef(tensor);
    *made = (tm_dl_managed){.major = 1,
                            .minor = 2,
                            .context = tensor,
                            .deleter = delete_versioned,
                            .tensor = ((tm_ffi_tensor *)tensor)->tensor};
    *out = made;
    return 0;
}

static void give_back_source(void *source) {
    TVMFFIObjectDecRef(source);
}

TM_FFI_EXPORT int TVMFFITensorCreateUnsafeView(void *source, const tm_dl_tensor *prototype,
                                               void **out) {
    size_t rank = prototype->rank > 0 ? (size_t)prototype->rank : 0;
    TVMFFIObjectIncRef(source);
    own_tensor *made = make_tensor(prototype, give_back_source, source);
    made->tensor.tensor.shape = made->numbers + rank;
    if (rank)
        memcpy(made->numbers + rank, prototype->shape, rank * sizeof(int64_t));
    if (rank && prototype->strides) {
        memcpy(made->numbers, prototype->strides, rank * sizeof(int64_t));
        made->tensor.tensor.strides = made->numbers;
    }
    *out = made;
    return 0;
}

/* ---- dtypes ---- */

/* From this code on, the name says the bits. */
#define FIRST_NAMED 7

static const char *const codes[] = {"int",
                                    "uint",
                                    "float",
                                    "handle",
                                    "bfloat",
                                    "complex",
                                    "bool",
                                    "float8_e3m4",
                                    "float8_e4m3",
                                    "float8_e4m3b11fnuz",
                                    "float8_e4m3fn",
                                    "float8_e4m3fnuz",
                                    "float8_e5m2",
                                    "float8_e5m2fnuz",
                                    "float8_e8m0fnu",
                                    "float6_e2m3fn",
                                    "float6_e3m2fn",
                                    "float4_e2m1fn"};
#define CODES (sizeof codes / sizeof *codes)

TM_FFI_EXPORT int TVMFFIDataTypeToString(const tm_dl_dtype *dtype, tm_ffi_any *out) {
    char text[64] = "", bits[8] = "", lanes[16] = "";
    if (dtype->code >= CODES)
        return tm_stand_in_raise("ValueError", "DLDataType contains unknown type_code=%d",
                                 dtype->code);
    bool is_bool = dtype->code == TM_DL_BOOL && dtype->bits == 8;
    if (dtype->code < FIRST_NAMED && dtype->code != TM_DL_OPAQUE && !is_bool)
        snprintf(bits, sizeof bits, "%d", dtype->bits);
    if (dtype->lanes > 1)
        snprintf(lanes, sizeof lanes, "x%d", dtype->lanes);
    if (dtype->code != TM_DL_OPAQUE || dtype->bits || dtype->lanes)
        snprintf(text, sizeof text, "%s%s%s", codes[dtype->code], bits, lanes);
    return TVMFFIStringFromByteArray(&(tm_ffi_bytes){text, strlen(text)}, out);
}

/* The longest name that the text begins with. */
static size_t code_of(const char *text, tm_dl_dtype *dtype) {
    size_t longest = 0;
    for (size_t i = 0; i < CODES; i++) {
        size_t length = strlen(codes[i]);
        if (strncmp(text, codes[i], length) == 0 && length > longest) {
            longest = length;
            dtype->code = (uint8_t)i;
        }
    }
    return longest;
}

TM_FFI_EXPORT int TVMFFIDataTypeFromString(const tm_ffi_bytes *input, tm_dl_dtype *out) {
    char text[64] = "", *end;
    tm_dl_dtype dtype = {.bits = 32, .lanes = 1};
    size_t size = input->size < sizeof text ? input->size : sizeof text - 1;
    memcpy(text, input->data, size);
    if (size == 0 || strcmp(text, "void") == 0) {
        *out = (tm_dl_dtype){.code = TM_DL_OPAQUE};
        return 0;
    }
    end = text + code_of(text, &dtype);
    bool good = end > text;
    if (dtype.code >= FIRST_NAMED)
        dtype.bits = (uint8_t)(strncmp(text, "float4", 6) == 0   ? 4
                               : strncmp(text, "float6", 6) == 0 ? 6
                                                                 : 8);
    else if (dtype.code == TM_DL_BOOL || dtype.code == TM_DL_OPAQUE)
        dtype.bits = dtype.code == TM_DL_BOOL ? 8 : 64;
    if (dtype.code < FIRST_NAMED && *end >= '0' && *end <= '9')
        dtype.bits = (uint8_t)strtol(end, &end, 10);
    if (*end == 'x')
        dtype.lanes = (uint16_t)strtol(end + 1, &end, 10);
    if (!good || *end || dtype.lanes == 0)
        return tm_stand_in_raise("ValueError", "unknown dtype `%s`", text);
    *out = dtype;
    return 0;
}

/* ---- once, and what there is none of ---- */

static pthread_mutex_t once_mutex = PTHREAD_MUTEX_INITIALIZER;

TM_FFI_EXPORT int TVMFFIHandleInitOnce(void **handle, int (*init)(void **result)) {
    int code = 0;
    pthread_mutex_lock(&once_mutex);
    void *made = NULL;
    if (!*handle && (code = init(&made)) == 0)
        __atomic_store_n(handle, made, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&once_mutex);
    return code;
}

TM_FFI_EXPORT int TVMFFIHandleDeinitOnce(void **handle, int (*deinit)(void *handle)) {
    pthread_mutex_lock(&once_mutex);
    void *made = *handle;
    *handle = NULL;
    pthread_mutex_unlock(&once_mutex);
    return made ? deinit(made) : 0;
}

TM_FFI_EXPORT int TVMFFIEnvCheckSignals(void) {
    return 0;
}

TM_FFI_EXPORT int TVMFFIEnvRegisterCAPI(const char *name, void *symbol) {
    (void)name, (void)symbol;
    return 0;
}

TM_FFI_EXPORT int TVMFFIEnvModRegisterContextSymbol(const char *name, void *symbol) {
    (void)name, (void)symbol;
    return 0;
}

TM_FFI_EXPORT int TVMFFIEnvModRegisterSystemLibSymbol(const char *name, void *symbol) {
    (void)name, (void)symbol;
    return 0;
}

TM_FFI_EXPORT int TVMFFIEnvModLookupFromImports(void *library, const char *name, void **out) {
    (void)library;
    *out = NULL;
    return tm_stand_in_raise("RuntimeError", "Cannot find function %s in the imported modules",
                             name);
}
