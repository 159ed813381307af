#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/safetensors.h"

#define MOST_BYTES ((size_t)1 << 39) /* no memory is larger; a sanitizer ends who asks for it */
#define LENGTH_BYTES ((size_t)8)
/* The header is padded with blanks, so that data begins at a multiple of it. */
#define ALIGNMENT ((size_t)8)
/* Widths of elements in bits, as data is ordered: wide ones first, so that each is aligned. */
static const int widths[] = {64, 32, 16, 8, 4};

static bool tm_safetensors_measure(tm_safetensor *tensor) {
    int64_t elems = 1;
    for (int i = 0; i < tensor->rank; i++)
        if (tensor->shape[i] < 0 || __builtin_mul_overflow(elems, tensor->shape[i], &elems))
            return false;
    tensor->dtype_known = true;
    tensor->dtype_name = tm_dtype_safetensors_name(tensor->dtype);
    return tm_dtype_bytes(tensor->dtype, elems, &tensor->bytes);
}

static void tm_safetensors_describe(tm_json *header, const tm_safetensor *tensor, size_t begin) {
    tm_json *entry = tm_json_object(), *shape = tm_json_array(), *offsets = tm_json_array();
    tm_json_set_string(entry, "dtype", tensor->dtype_name);
    for (int i = 0; i < tensor->rank; i++)
        tm_json_push_int(shape, tensor->shape[i]);
    tm_json_set(entry, "shape", shape);
    tm_json_push_int(offsets, (int64_t)begin);
    tm_json_push_int(offsets, (int64_t)(begin + tensor->bytes));
    tm_json_set(entry, "data_offsets", offsets);
    tm_json_set(header, tensor->name, entry);
}

char *tm_safetensors_lay_out(tm_safetensor *tensors, size_t count, size_t *length) {
    size_t begins[sizeof widths / sizeof *widths] = {0}, data = 0;
    for (size_t i = 0; i < count; i++)
        if (!tm_safetensors_measure(&tensors[i])) {
            errno = EOVERFLOW;
            return NULL;
        }
    tm_json *header = tm_json_object();
    bool fits = true;
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        begins[w] = data;
        for (size_t i = 0; i < count; i++) {
            if (tm_dtype_bits(tensors[i].dtype) != widths[w])
                continue;
            tm_safetensors_describe(header, &tensors[i], data);
            fits = fits && !__builtin_add_overflow(data, tensors[i].bytes, &data);
        }
    }
    char *text = tm_json_print(header, false);
    tm_json_free(header);
    size_t written = strlen(text), padded = (written + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    fits = fits && !__builtin_add_overflow(LENGTH_BYTES + padded, data, length);
    char *file = fits && *length <= MOST_BYTES ? calloc(1, *length) : NULL;
    if (!file)
        errno = fits ? ENOMEM : EOVERFLOW;
    if (file) {
        uint64_t size = htole64(padded);
        memcpy(file, &size, sizeof size);
        memset(file + LENGTH_BYTES, ' ', padded);
        memcpy(file + LENGTH_BYTES, text, written);
        for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
            for (size_t i = 0, at = begins[w]; i < count; i++)
                if (tm_dtype_bits(tensors[i].dtype) == widths[w]) {
                    tensors[i].data = file + LENGTH_BYTES + padded + at;
                    at += tensors[i].bytes;
                }
    }
    free(text);
    return file;
}

void *tm_safetensors_data(char *file, const tm_safetensor *tensor) {
    return file + ((const char *)tensor->data - file);
}
