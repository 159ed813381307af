/* Types, and what is registered of them. */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "harness/tvm_ffi_stand_in.h"

#define MAX_TYPES 4096
#define MAX_DEPTH 16
#define IS_QUERY (-2) /* for a parent: only look */

typedef struct {
    tm_ffi_type_info info; /* what the ABI shows; its key is NULL where there is no such type */
    const tm_ffi_type_info *ancestors[MAX_DEPTH];
    int32_t slots, used; /* indices kept for it and its children, itself included */
    bool may_overflow;
} type_entry;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static type_entry types[MAX_TYPES]; /* of the process, as the ABI has it; never moved */
static int32_t type_count;          /* 0: the static ones are not there yet */

static uint64_t hash_of(const tm_ffi_bytes *key) {
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < key->size; i++)
        hash = (hash ^ (unsigned char)key->data[i]) * UINT64_C(1099511628211);
    return hash;
}

static void set_type(int32_t index, const char *key, size_t length, const type_entry *parent,
                     int32_t slots, bool may_overflow) {
    type_entry *made = &types[index];
    char *copy = malloc(length + 1);
    if (!copy)
        abort();
    memcpy(copy, key, length);
    copy[length] = '\0';
    made->info = (tm_ffi_type_info){.type = index,
                                    .depth = parent ? parent->info.depth + 1 : 0,
                                    .key = {copy, length},
                                    .ancestors = made->ancestors};
    made->info.key_hash = hash_of(&made->info.key);
    for (int32_t i = 0; i + 1 < made->info.depth; i++)
        made->ancestors[i] = parent->ancestors[i];
    if (parent)
        made->ancestors[made->info.depth - 1] = &parent->info;
    made->slots = slots;
    made->used = 1;
    made->may_overflow = may_overflow && (!parent || parent->may_overflow);
}

static void set_static_types(void) {
    static const struct {
        int32_t index;
        const char *key;
    } values[] = {{0, "None"},
                  {1, "int"},
                  {2, "bool"},
                  {3, "float"},
                  {4, "void*"},
                  {5, "DataType"},
                  {6, "Device"},
                  {7, "DLTensor*"},
                  {8, "const char*"},
                  {9, "TVMFFIByteArray*"},
                  {10, "ObjectRValueRef"},
                  {11, "ffi.SmallStr"},
                  {12, "ffi.SmallBytes"},
                  {13, "ffi.Unchanged"}},
      objects[] = {{65, "ffi.String"},         {66, "ffi.Bytes"}, {67, "ffi.Error"},
                   {68, "ffi.Function"},       {69, "ffi.Shape"}, {70, "ffi.Tensor"},
                   {71, "ffi.Array"},          {72, "ffi.Map"},   {73, "ffi.Module"},
                   {74, "ffi.OpaquePyObject"}, {75, "ffi.List"},  {76, "ffi.Dict"},
                   {77, "ffi.VisitInterrupt"}, {78, "ffi.BigInt"}};
    type_entry *root = &types[TM_FFI_OBJECT];
    type_count = TM_FFI_DYNAMIC;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        set_type(values[i].index, values[i].key, strlen(values[i].key), NULL, 1, false);
    set_type(TM_FFI_OBJECT, "ffi.Object", strlen("ffi.Object"), NULL, 1, true);
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++)
        set_type(objects[i].index, objects[i].key, strlen(objects[i].key), root, 1, true);
}

static int32_t find_type(const tm_ffi_bytes *key) {
    for (int32_t i = 0; i < type_count; i++)
        if (types[i].info.key.data && types[i].info.key.size == key->size &&
            memcmp(types[i].info.key.data, key->data, key->size) == 0)
            return i;
    return -1;
}

/* Children stand within their parent's indices while there is room: a cast looks there first. */
static int32_t place_type(type_entry *parent, int32_t slots) {
    if (parent && parent->used + slots <= parent->slots) {
        parent->used += slots;
        return parent->info.type + parent->used - slots;
    }
    if (slots > MAX_TYPES - type_count)
        abort();
    type_count += slots;
    return type_count - slots;
}

TM_FFI_EXPORT int32_t TVMFFITypeGetOrAllocIndex(const tm_ffi_bytes *key, int32_t static_index,
                                                int32_t depth, int32_t child_slots,
                                                int32_t may_overflow, int32_t parent_index) {
    (void)depth;
    pthread_mutex_lock(&mutex);
    if (type_count == 0)
        set_static_types();
    int32_t index = find_type(key);
    type_entry *parent =
        parent_index >= 0 && parent_index < type_count ? &types[parent_index] : NULL;
    if (index < 0 && parent_index == IS_QUERY)
        index = IS_QUERY;
    else if (index < 0) {
        bool is_free = static_index >= 0 && static_index < TM_FFI_DYNAMIC;
        if (parent && parent->info.depth + 1 >= MAX_DEPTH)
            abort();
        index = is_free ? static_index : place_type(parent, child_slots + 1);
        set_type(index, key->data, key->size, parent, child_slots + 1, may_overflow != 0);
    }
    pthread_mutex_unlock(&mutex);
    return index;
}

TM_FFI_EXPORT int TVMFFITypeKeyToIndex(const tm_ffi_bytes *key, int32_t *out) {
    pthread_mutex_lock(&mutex);
    if (type_count == 0)
        set_static_types();
    *out = find_type(key);
    pthread_mutex_unlock(&mutex);
    return *out >= 0 ? 0
                     : tm_stand_in_raise("KeyError", "Cannot find type `%.*s`", (int)key->size,
                                         key->data);
}

TM_FFI_EXPORT const tm_ffi_type_info *TVMFFIGetTypeInfo(int32_t index) {
    pthread_mutex_lock(&mutex);
    if (type_count == 0)
        set_static_types();
    const tm_ffi_type_info *info =
        index >= 0 && index < type_count && types[index].info.key.data ? &types[index].info : NULL;
    pthread_mutex_unlock(&mutex);
    if (!info)
        abort(); /* its callers go on without a look */
    return info;
}

/* ---- reflection, which nobody asks for here ---- */

TM_FFI_EXPORT int TVMFFITypeRegisterField(int32_t type, const void *field) {
    (void)type, (void)field;
    return 0;
}

TM_FFI_EXPORT int TVMFFITypeRegisterMethod(int32_t type, const void *method) {
    (void)type, (void)method;
    return 0;
}

TM_FFI_EXPORT int TVMFFITypeRegisterMetadata(int32_t type, const void *metadata) {
    (void)type, (void)metadata;
    return 0;
}

TM_FFI_EXPORT int TVMFFITypeRegisterAttr(int32_t type, const tm_ffi_bytes *name,
                                         const tm_ffi_any *value) {
    (void)type, (void)name, (void)value;
    return 0;
}

TM_FFI_EXPORT const void *TVMFFIGetTypeAttrColumn(const tm_ffi_bytes *name) {
    (void)name;
    return NULL;
}
