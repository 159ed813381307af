#include "lib/dtype.h"

#include <string.h>

#include "lib/dtype_convert.h"

typedef struct {
    const char *safetensors_name;
    int bits;
    bool is_float;
} tm_dtype_facts;

static const char *const tm_dtype_name_list[TM_DTYPE_COUNT] = {
    [TM_DTYPE_FLOAT32] = "float32",
    [TM_DTYPE_FLOAT16] = "float16",
    [TM_DTYPE_BFLOAT16] = "bfloat16",
    [TM_DTYPE_FLOAT8_E4M3FN] = "float8_e4m3fn",
    [TM_DTYPE_FLOAT8_E5M2] = "float8_e5m2",
    [TM_DTYPE_FLOAT4_E2M1] = "float4_e2m1",
    [TM_DTYPE_INT64] = "int64",
    [TM_DTYPE_INT32] = "int32",
    [TM_DTYPE_INT16] = "int16",
    [TM_DTYPE_INT8] = "int8",
    [TM_DTYPE_BOOL] = "bool",
};

static const tm_dtype_facts tm_dtype_fact_list[TM_DTYPE_COUNT] = {
    [TM_DTYPE_FLOAT32] = {"F32", 32, true},        [TM_DTYPE_FLOAT16] = {"F16", 16, true},
    [TM_DTYPE_BFLOAT16] = {"BF16", 16, true},      [TM_DTYPE_FLOAT8_E4M3FN] = {"F8_E4M3", 8, true},
    [TM_DTYPE_FLOAT8_E5M2] = {"F8_E5M2", 8, true}, [TM_DTYPE_FLOAT4_E2M1] = {"F4", 4, true},
    [TM_DTYPE_INT64] = {"I64", 64, false},         [TM_DTYPE_INT32] = {"I32", 32, false},
    [TM_DTYPE_INT16] = {"I16", 16, false},         [TM_DTYPE_INT8] = {"I8", 8, false},
    [TM_DTYPE_BOOL] = {"BOOL", 8, false},
};

const char *tm_dtype_name(tm_dtype dtype) {
    return tm_dtype_name_list[dtype];
}

const char *const *tm_dtype_names(void) {
    return tm_dtype_name_list;
}

bool tm_dtype_parse(const char *name, tm_dtype *dtype) {
    for (int i = 0; i < TM_DTYPE_COUNT; i++) {
        if (strcmp(name, tm_dtype_name_list[i]) == 0) {
            *dtype = (tm_dtype)i;
            return true;
        }
    }
    return false;
}

int tm_dtype_bits(tm_dtype dtype) {
    return tm_dtype_fact_list[dtype].bits;
}

bool tm_dtype_bytes(tm_dtype dtype, int64_t elems, size_t *bytes) {
    size_t bits = (size_t)tm_dtype_fact_list[dtype].bits;
    if (elems < 0)
        return false;
    if (bits == 4) {
        *bytes = (size_t)elems / 2 + (size_t)elems % 2;
        return true;
    }
    return !__builtin_mul_overflow((size_t)elems, bits / 8, bytes);
}

bool tm_dtype_is_float(tm_dtype dtype) {
    return tm_dtype_fact_list[dtype].is_float;
}

const char *tm_dtype_safetensors_name(tm_dtype dtype) {
    return tm_dtype_fact_list[dtype].safetensors_name;
}

static float tm_dtype_read_nibble(const uint8_t *data, int64_t elem) {
    return tm_convert_from_e2m1(data[elem / 2] >> (elem % 2 * 4) & 15);
}

static void tm_dtype_write_nibble(uint8_t *data, int64_t elem, uint8_t nibble) {
    int shift = (int)(elem % 2 * 4);
    data[elem / 2] = (uint8_t)((data[elem / 2] & (0xf0 >> shift)) | nibble << shift);
}

void tm_dtype_read_floats(tm_dtype dtype, const void *data, int64_t begin, int64_t count,
                          float *out) {
    const uint8_t *bytes = data;
    const uint16_t *halves = data;
    switch (dtype) {
    case TM_DTYPE_FLOAT32:
        if (count > 0)
            memcpy(out, (const float *)data + begin, (size_t)count * sizeof *out);
        break;
    case TM_DTYPE_FLOAT16:
        for (int64_t i = 0; i < count; i++)
            out[i] = tm_convert_from_float16(halves[begin + i]);
        break;
    case TM_DTYPE_BFLOAT16:
        for (int64_t i = 0; i < count; i++)
            out[i] = tm_convert_from_bfloat16(halves[begin + i]);
        break;
    case TM_DTYPE_FLOAT8_E4M3FN:
        for (int64_t i = 0; i < count; i++)
            out[i] = tm_convert_from_e4m3fn(bytes[begin + i]);
        break;
    case TM_DTYPE_FLOAT8_E5M2:
        for (int64_t i = 0; i < count; i++)
            out[i] = tm_convert_from_e5m2(bytes[begin + i]);
        break;
    case TM_DTYPE_FLOAT4_E2M1:
        for (int64_t i = 0; i < count; i++)
            out[i] = tm_dtype_read_nibble(bytes, begin + i);
        break;
    default: /* no floating dtype: excluded by contract */
        break;
    }
}

void tm_dtype_write_floats(tm_dtype dtype, void *data, int64_t begin, int64_t count,
                           const float *in) {
    uint8_t *bytes = data;
    uint16_t *halves = data;
    switch (dtype) {
    case TM_DTYPE_FLOAT32:
        if (count > 0)
            memcpy((float *)data + begin, in, (size_t)count * sizeof *in);
        break;
    case TM_DTYPE_FLOAT16:
        for (int64_t i = 0; i < count; i++)
            halves[begin + i] = tm_convert_to_float16(in[i]);
        break;
    case TM_DTYPE_BFLOAT16:
        for (int64_t i = 0; i < count; i++)
            halves[begin + i] = tm_convert_to_bfloat16(in[i]);
        break;
    case TM_DTYPE_FLOAT8_E4M3FN:
        for (int64_t i = 0; i < count; i++)
            bytes[begin + i] = tm_convert_to_e4m3fn(in[i]);
        break;
    case TM_DTYPE_FLOAT8_E5M2:
        for (int64_t i = 0; i < count; i++)
            bytes[begin + i] = tm_convert_to_e5m2(in[i]);
        break;
    case TM_DTYPE_FLOAT4_E2M1:
        for (int64_t i = 0; i < count; i++)
            tm_dtype_write_nibble(bytes, begin + i, tm_convert_to_e2m1(in[i]));
        break;
    default: /* no floating dtype: excluded by contract */
        break;
    }
}

void tm_dtype_read_ints(tm_dtype dtype, const void *data, int64_t begin, int64_t count,
                        int64_t *out) {
    switch (dtype) {
    case TM_DTYPE_INT64:
        if (count > 0)
            memcpy(out, (const int64_t *)data + begin, (size_t)count * sizeof *out);
        break;
    case TM_DTYPE_INT32:
        for (int64_t i = 0; i < count; i++)
            out[i] = ((const int32_t *)data)[begin + i];
        break;
    case TM_DTYPE_INT16:
        for (int64_t i = 0; i < count; i++)
            out[i] = ((const int16_t *)data)[begin + i];
        break;
    case TM_DTYPE_INT8:
        for (int64_t i = 0; i < count; i++)
            out[i] = ((const int8_t *)data)[begin + i];
        break;
    case TM_DTYPE_BOOL:
        for (int64_t i = 0; i < count; i++)
            out[i] = ((const uint8_t *)data)[begin + i];
        break;
    default: /* a floating dtype: excluded by contract */
        break;
    }
}
