/* write_floats: the reverse of tm_dtype_read_floats, for tests that make their own buffers. */
#ifndef TESTS_WRITE_FLOATS_H
#define TESTS_WRITE_FLOATS_H

#include <string.h>

#include "lib/dtype.h"
#include "lib/dtype_convert.h"

static void write_nibble(uint8_t *data, int64_t elem, uint8_t nibble) {
    int shift = (int)(elem % 2 * 4);
    data[elem / 2] = (uint8_t)((data[elem / 2] & (0xf0 >> shift)) | nibble << shift);
}

/* Rounds `count` floats into elements [begin, begin+count); only for floating dtypes. */
static void write_floats(tm_dtype dtype, void *data, int64_t begin, int64_t count,
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
            write_nibble(bytes, begin + i, tm_convert_to_e2m1(in[i]));
        break;
    default: /* no floating dtype: excluded by contract */
        break;
    }
}

#endif
