/* Objects, strings, errors and functions. */
#include "harness/tvm_ffi_stand_in.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- objects ---- */

void *tm_stand_in_object(size_t bytes, int32_t type, void (*deleter)(void *self, int flags)) {
    tm_ffi_object *object = calloc(1, bytes);
    if (!object)
        abort();
    object->counts = TM_FFI_ONE_STRONG | TM_FFI_ONE_WEAK;
    object->type = type;
    object->deleter = deleter;
    return object;
}

static void delete_plain(void *self, int flags) {
    if (flags & TM_FFI_DELETE_WEAK)
        free(self);
}

int TVMFFIObjectIncRef(void *object) {
    __atomic_fetch_add(&((tm_ffi_object *)object)->counts, TM_FFI_ONE_STRONG, __ATOMIC_RELAXED);
    return 0;
}

int TVMFFIObjectDecRef(void *object) {
    tm_ffi_release(object);
    return 0;
}

TM_FFI_EXPORT void TVMFFIGetVersion(uint32_t *version) {
    const uint32_t served[3] = {0, 1, 14};
    memcpy(version, served, sizeof served);
}

/* ---- strings ---- */

/* An object of text or bytes; short ones fit the value itself. */
static int make_text(const tm_ffi_bytes *input, int32_t small, int32_t type, tm_ffi_any *out) {
    *out = (tm_ffi_any){.type = small};
    if (input->size < sizeof out->small) {
        out->length = (uint32_t)input->size;
        if (input->size)
            memcpy(out->small, input->data, input->size);
        return 0;
    }
    tm_ffi_string *made = tm_stand_in_object(sizeof *made + input->size + 1, type, delete_plain);
    char *text = (char *)(made + 1);
    memcpy(text, input->data, input->size);
    made->bytes = (tm_ffi_bytes){text, input->size};
    *out = (tm_ffi_any){.type = type, .object = &made->object};
    return 0;
}

int TVMFFIStringFromByteArray(const tm_ffi_bytes *input, tm_ffi_any *out) {
    return make_text(input, TM_FFI_SMALL_STR, TM_FFI_STR, out);
}

TM_FFI_EXPORT int TVMFFIBytesFromByteArray(const tm_ffi_bytes *input, tm_ffi_any *out) {
    return make_text(input, TM_FFI_SMALL_BYTES, TM_FFI_BYTES, out);
}

/* What was moved here is gone from where it was. */
static int take_moved(tm_ffi_object **from, tm_ffi_any *out) {
    tm_ffi_object *moved = *from;
    if (!moved)
        return tm_stand_in_raise("InternalError", "RValueRef already moved");
    *from = NULL;
    *out = (tm_ffi_any){.type = moved->type, .object = moved};
    return 0;
}

TM_FFI_EXPORT int TVMFFIAnyViewToOwnedAny(const tm_ffi_any *view, tm_ffi_any *out) {
    if (view->type == TM_FFI_RAW_STR)
        return TVMFFIStringFromByteArray(&(tm_ffi_bytes){view->raw_str, strlen(view->raw_str)},
                                         out);
    if (view->type == TM_FFI_BYTE_ARRAY_PTR)
        return TVMFFIBytesFromByteArray(view->pointer, out);
    if (view->type == TM_FFI_RVALUE_REF)
        return take_moved(view->pointer, out);
    if (view->type == TM_FFI_DL_TENSOR_PTR)
        return tm_stand_in_raise("TypeError", "a DLTensor* cannot be owned");
    *out = *view;
    return view->type >= TM_FFI_OBJECT ? TVMFFIObjectIncRef(view->object) : 0;
}

/* ---- errors ---- */

static __thread tm_ffi_error *raised; /* of this thread, owned; as the ABI has it */

typedef struct {
    tm_ffi_error error;
    char *kind, *message, *backtrace;
} own_error;

static void delete_error(void *self, int flags) {
    own_error *own = self;
    if (flags & TM_FFI_DELETE_STRONG) {
        free(own->kind);
        free(own->message);
        free(own->backtrace);
        if (own->error.cause)
            TVMFFIObjectDecRef(own->error.cause);
        if (own->error.context)
            TVMFFIObjectDecRef(own->error.context);
    }
    if (flags & TM_FFI_DELETE_WEAK)
        free(own);
}

static char *copy_text(const tm_ffi_bytes *text) {
    char *copy = malloc(text->size + 1);
    if (!copy)
        abort();
    if (text->size)
        memcpy(copy, text->data, text->size);
    copy[text->size] = '\0';
    return copy;
}

static void update_backtrace(void *self, const tm_ffi_bytes *text, int32_t mode) {
    own_error *own = self;
    size_t kept = mode == 1 ? own->error.backtrace.size : 0;
    char *bigger = malloc(kept + text->size + 1);
    if (!bigger)
        abort();
    if (kept)
        memcpy(bigger, own->backtrace, kept);
    if (text->size)
        memcpy(bigger + kept, text->data, text->size);
    free(own->backtrace);
    own->backtrace = bigger;
    own->error.backtrace = (tm_ffi_bytes){bigger, kept + text->size};
}

TM_FFI_EXPORT int TVMFFIErrorCreateWithCauseAndExtraContext(const tm_ffi_bytes *kind,
                                                            const tm_ffi_bytes *message,
                                                            const tm_ffi_bytes *backtrace,
                                                            void *cause, void *context,
                                                            void **out) {
    own_error *own = tm_stand_in_object(sizeof *own, TM_FFI_ERROR, delete_error);
    own->kind = copy_text(kind);
    own->message = copy_text(message);
    own->backtrace = copy_text(backtrace);
    own->error.kind = (tm_ffi_bytes){own->kind, kind->size};
    own->error.message = (tm_ffi_bytes){own->message, message->size};
    own->error.backtrace = (tm_ffi_bytes){own->backtrace, backtrace->size};
    own->error.update_backtrace = update_backtrace;
    own->error.cause = cause;
    own->error.context = context;
    if (cause)
        TVMFFIObjectIncRef(cause);
    if (context)
        TVMFFIObjectIncRef(context);
    *out = own;
    return 0;
}

TM_FFI_EXPORT int TVMFFIErrorCreate(const tm_ffi_bytes *kind, const tm_ffi_bytes *message,
                                    const tm_ffi_bytes *backtrace, void **out) {
    return TVMFFIErrorCreateWithCauseAndExtraContext(kind, message, backtrace, NULL, NULL, out);
}

void TVMFFIErrorSetRaised(void *error) {
    TVMFFIObjectIncRef(error);
    if (raised)
        TVMFFIObjectDecRef(raised);
    raised = error;
}

TM_FFI_EXPORT void TVMFFIErrorMoveFromRaised(void **result) {
    *result = raised;
    raised = NULL;
}

void TVMFFIErrorSetRaisedFromCStr(const char *kind, const char *message) {
    void *error;
    TVMFFIErrorCreate(&(tm_ffi_bytes){kind, strlen(kind)},
                      &(tm_ffi_bytes){message, strlen(message)}, &(tm_ffi_bytes){"", 0}, &error);
    TVMFFIErrorSetRaised(error);
    TVMFFIObjectDecRef(error);
}

TM_FFI_EXPORT void TVMFFIErrorSetRaisedFromCStrParts(const char *kind, const char **parts,
                                                     int32_t count) {
    char *message = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&message, &length);
    if (!stream)
        abort();
    for (int32_t i = 0; i < count; i++)
        if (parts[i])
            fputs(parts[i], stream);
    fclose(stream);
    TVMFFIErrorSetRaisedFromCStr(kind, message);
    free(message);
}

int tm_stand_in_raise(const char *kind, const char *format, ...) {
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    TVMFFIErrorSetRaisedFromCStr(kind, message);
    return -1;
}

/* The place that it is told, without the frames above. */
TM_FFI_EXPORT const tm_ffi_bytes *TVMFFIBacktrace(const char *file, int line, const char *function,
                                                  int crosses) {
    static __thread char text[1024];
    static __thread tm_ffi_bytes bytes;
    (void)crosses;
    bytes = (tm_ffi_bytes){text, 0};
    if (!file || !function)
        return &bytes;
    int length =
        snprintf(text, sizeof text, "  File \"%s\", line %d, in %s\n", file, line, function);
    bytes.size = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
    return &bytes;
}

/* ---- functions ---- */

typedef struct {
    tm_ffi_function function;
    tm_ffi_call call; /* of whoever made it, which gets `self` */
    void *self;
    void (*delete_self)(void *self);
} own_function;

static void delete_function(void *object, int flags) {
    own_function *own = object;
    if (flags & TM_FFI_DELETE_STRONG && own->delete_self)
        own->delete_self(own->self);
    if (flags & TM_FFI_DELETE_WEAK)
        free(own);
}

static int call_own(void *object, const tm_ffi_any *arguments, int32_t count, tm_ffi_any *result) {
    own_function *own = object;
    return own->call(own->self, arguments, count, result);
}

TM_FFI_EXPORT int TVMFFIFunctionCreate(void *self, tm_ffi_call call,
                                       void (*delete_self)(void *self), void **out) {
    own_function *own = tm_stand_in_object(sizeof *own, TM_FFI_FUNCTION, delete_function);
    *own = (own_function){{own->function.object, call_own, NULL}, call, self, delete_self};
    *out = own;
    return 0;
}

TM_FFI_EXPORT int TVMFFIFunctionCall(void *function, tm_ffi_any *arguments, int32_t count,
                                     tm_ffi_any *result) {
    return ((tm_ffi_function *)function)->call(function, arguments, count, result);
}

/* Of the process, as the ABI has it. */
typedef struct registered {
    char *name;
    tm_ffi_object *function;
    struct registered *next;
} registered;

static pthread_mutex_t functions_mutex = PTHREAD_MUTEX_INITIALIZER;
static registered *functions;

static registered *find_function(const tm_ffi_bytes *name) {
    for (registered *entry = functions; entry; entry = entry->next)
        if (strlen(entry->name) == name->size && memcmp(entry->name, name->data, name->size) == 0)
            return entry;
    return NULL;
}

/* None is no error here: who asks says so, by name. */
TM_FFI_EXPORT int TVMFFIFunctionGetGlobal(const tm_ffi_bytes *name, void **out) {
    pthread_mutex_lock(&functions_mutex);
    registered *found = find_function(name);
    *out = found ? found->function : NULL;
    if (found)
        TVMFFIObjectIncRef(found->function);
    pthread_mutex_unlock(&functions_mutex);
    return 0;
}

TM_FFI_EXPORT int TVMFFIFunctionSetGlobal(const tm_ffi_bytes *name, void *function, int override) {
    pthread_mutex_lock(&functions_mutex);
    registered *entry = find_function(name);
    bool is_taken = entry && !override;
    if (!entry) {
        entry = calloc(1, sizeof *entry);
        if (!entry)
            abort();
        *entry = (registered){copy_text(name), NULL, functions};
        functions = entry;
    }
    if (!is_taken) { /* the one before stays: somebody may be in it */
        entry->function = function;
        TVMFFIObjectIncRef(function);
    }
    pthread_mutex_unlock(&functions_mutex);
    return is_taken ? tm_stand_in_raise("RuntimeError",
                                        "Global Function `%s` is already registered", entry->name)
                    : 0;
}

TM_FFI_EXPORT int TVMFFIFunctionSetGlobalFromMethodInfo(const tm_ffi_method *method, int override) {
    return TVMFFIFunctionSetGlobal(&method->name, method->function.object, override);
}
