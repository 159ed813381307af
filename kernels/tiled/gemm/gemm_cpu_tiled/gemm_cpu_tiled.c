/* C[M, N] = A[M, K] * B[N, K]^T on the CPU, blocked for the caches. A thread takes COLUMNS columns
 * of C; per DEPTH of K it converts its part of B to float32 in strips of STRIP columns, and then
 * walks down A, 6 rows at a time, with 6 x 16 sums in registers. Up to FEW rows do not pay for
 * rearranging B: then A is rearranged, and vectors along K are multiplied as they lie in B. */
#include "contract.h"

#include <stdlib.h>
#if defined(__F16C__)
#include <immintrin.h>
#endif

enum {
    HEIGHT = 6,          /* rows of the register tile */
    LANES = 8,           /* floats in a vector */
    STRIP = 2 * LANES,   /* columns of the register tile */
    DEPTH = 256,         /* of K: A's rows of one register tile stay in the L1 */
    COLUMNS = 128,       /* B's part: 128 KB, stays in the L2 */
    ROWS = 128 * HEIGHT, /* of C that a thread accumulates at a time */
    FEW = 4 * HEIGHT,
};

/* Columns that a thread takes at a time for few rows: a multiple of 12 has no rest in any tile. */
#ifndef PORTION
#define PORTION 24
#endif

typedef float vector __attribute__((vector_size(4 * LANES)));
typedef float vector_in_floats __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

/* What one thread works in; float32. Whole cache lines. */
typedef struct {
    float a[HEIGHT][DEPTH];
    float row[DEPTH];
    float b[COLUMNS / STRIP][DEPTH][STRIP];
    float c[ROWS][COLUMNS];
} workspace;

static inline float from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t to_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float widen_float16(tm_float16 element) {
    const uint32_t sign = (uint32_t)(element.bits & 0x8000u) << 16;
    const uint32_t rest = (uint32_t)(element.bits & 0x7fffu) << 13;
    if (rest >= 0x7c00u << 13)
        return from_bits(sign | 0x7f800000u | rest);
    return from_bits(sign | to_bits(from_bits(rest) * 0x1p112f));
}

/* To nearest even: below the smallest normal number by the adder, else by carrying. */
static inline void narrow_float16(float value, tm_float16 *to) {
    const uint32_t bits = to_bits(value), sign = bits >> 16 & 0x8000u, rest = bits & 0x7fffffffu;
    uint32_t rounded = ((rest + 0xfffu + (rest >> 13 & 1u)) >> 13) - (112u << 10);
    if (rest > 0x7f800000u)
        rounded = 0x7e00u;
    else if (rest >= 0x477ff000u) /* 65520 */
        rounded = 0x7c00u;
    else if (rest < 0x38800000u) /* 2^-14 */
        rounded = to_bits(from_bits(rest) + 0.5f) - to_bits(0.5f);
    to->bits = (uint16_t)(sign | rounded);
}

static inline void narrow_bfloat16(float value, tm_bfloat16 *to) {
    const uint32_t bits = to_bits(value);
    const uint32_t rounded = bits + 0x7fffu + (bits >> 16 & 1u);
    to->bits = (uint16_t)((value == value ? rounded : bits | 0x400000u) >> 16);
}

static void widen_row_float16(const tm_float16 *from, int64_t elems, float *to) {
    int64_t i = 0;
#if defined(__F16C__)
    for (; i + LANES <= elems; i += LANES)
        _mm256_storeu_ps(
            to + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(from + i))));
#endif
    for (; i < elems; ++i)
        to[i] = widen_float16(from[i]);
}

static void widen_row_bfloat16(const tm_bfloat16 *from, int64_t elems, float *to) {
    for (int64_t i = 0; i < elems; ++i)
        to[i] = from_bits((uint32_t)from[i].bits << 16);
}

#define widen_row(from, elems, to)            \
    _Generic(*(from), tm_float16              \
             : widen_row_float16, tm_bfloat16 \
             : widen_row_bfloat16)((const void *)(from), elems, to)
#define narrow(value, to) \
    _Generic(*(to), tm_float16 : narrow_float16, tm_bfloat16 : narrow_bfloat16)(value, (void *)(to))

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Columns [column, column + width) of B, `depth` from `k` on, k by k; zero up to a whole strip. */
static void pack_b(const tm_B_t *B, int64_t stride, int64_t column, int64_t width, int64_t k,
                   int64_t depth, workspace *w) {
    const int64_t padded = (width + STRIP - 1) / STRIP * STRIP;
    for (int64_t j = 0; j < padded; ++j) {
        if (j < width)
            widen_row(B + (column + j) * stride + k, depth, w->row);
        else
            memset(w->row, 0, sizeof w->row);
        for (int64_t i = 0; i < depth; ++i)
            w->b[j / STRIP][i][j % STRIP] = w->row[i];
    }
}

/* c[HEIGHT][STRIP] += a * b over `depth`; c's rows are COLUMNS apart. */
static void multiply(const float (*restrict a)[DEPTH], const float (*restrict b)[STRIP],
                     int64_t depth, float *restrict c) {
    vector sums[HEIGHT][2] = {{{0}}};
    for (int64_t k = 0; k < depth; ++k) {
        const vector low = *(const vector_in_floats *)&b[k][0];
        const vector high = *(const vector_in_floats *)&b[k][LANES];
#pragma GCC unroll 6
        for (int i = 0; i < HEIGHT; ++i) {
            sums[i][0] += a[i][k] * low;
            sums[i][1] += a[i][k] * high;
        }
    }
#pragma GCC unroll 6
    for (int i = 0; i < HEIGHT; ++i) {
        *(vector_in_floats *)(c + i * COLUMNS) += sums[i][0];
        *(vector_in_floats *)(c + i * COLUMNS + LANES) += sums[i][1];
    }
}

/* Rows [row, row + height) and columns [column, column + width) of C. */
static void multiply_block(const tm_A_t *A, const tm_B_t *B, tm_C_t *C, const tm_axes *axes,
                           int64_t row, int64_t height, int64_t column, int64_t width,
                           workspace *w) {
    const int64_t stride = axes->K;
    memset(w->c, 0, sizeof w->c[0] * (size_t)((height + HEIGHT - 1) / HEIGHT * HEIGHT));
    for (int64_t k = 0; k < axes->K; k += DEPTH) {
        const int64_t depth = least(DEPTH, axes->K - k);
        pack_b(B, stride, column, width, k, depth, w);
        for (int64_t i = 0; i < height; i += HEIGHT) {
            for (int64_t r = 0; r < HEIGHT; ++r) {
                if (i + r < height)
                    widen_row(A + (row + i + r) * stride + k, depth, w->a[r]);
                else
                    memset(w->a[r], 0, sizeof w->a[r]);
            }
            for (int64_t j = 0; j < width; j += STRIP)
                multiply(w->a, w->b[j / STRIP], depth, &w->c[i][j]);
        }
    }
    for (int64_t i = 0; i < height; ++i) {
        for (int64_t j = 0; j < width; ++j)
            narrow(w->c[i][j], C + (row + i) * axes->N + column + j);
    }
}

/* LANES elements of B. */
static inline void widen_vector_bfloat16(const tm_bfloat16 *from, vector *to) {
    typedef uint16_t narrow_vector __attribute__((vector_size(2 * LANES)));
    typedef uint32_t wide_vector __attribute__((vector_size(4 * LANES)));
    narrow_vector bits;
    memcpy(&bits, from, sizeof bits);
    *to = (vector)(__builtin_convertvector(bits, wide_vector) << 16);
}

static inline void widen_vector_float16(const tm_float16 *from, vector *to) {
    widen_row_float16(from, LANES, (float *)to);
}

#define widen_vector(from, to)                   \
    _Generic(*(from), tm_float16                 \
             : widen_vector_float16, tm_bfloat16 \
             : widen_vector_bfloat16)((const void *)(from), to)

/* sums[HEIGHT][columns] = `rows` rows of A, rearranged to [K / LANES][rows][LANES], times `columns`
 * rows of B. Inlined with constant `rows` and `columns`. */
static inline __attribute__((always_inline)) void multiply_along_k(const float *a, const tm_B_t *b,
                                                                   int64_t k, int rows, int columns,
                                                                   float (*sums)[PORTION]) {
    vector parts[HEIGHT][4] = {{{0}}}, wide[4];
    int64_t done = 0;
    for (; done + LANES <= k; done += LANES) {
#pragma GCC unroll 4
        for (int j = 0; j < columns; ++j)
            widen_vector(b + j * k + done, &wide[j]);
#pragma GCC unroll 6
        for (int i = 0; i < rows; ++i) {
            const vector row = *(const vector_in_floats *)(a + done * rows + i * LANES);
#pragma GCC unroll 4
            for (int j = 0; j < columns; ++j)
                parts[i][j] += row * wide[j];
        }
    }
    if (done < k) {
        for (int j = 0; j < columns; ++j) {
            tm_B_t last[LANES] = {{0}};
            memcpy(last, b + j * k + done, (size_t)(k - done) * sizeof *b);
            widen_vector(last, &wide[j]);
            for (int i = 0; i < rows; ++i)
                parts[i][j] += *(const vector_in_floats *)(a + done * rows + i * LANES) * wide[j];
        }
    }
#pragma GCC unroll 6
    for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
        for (int j = 0; j < columns; ++j) {
            const vector part = parts[i][j];
            sums[i][j] = ((part[0] + part[4]) + (part[1] + part[5])) +
                         ((part[2] + part[6]) + (part[3] + part[7]));
        }
    }
}

/* Heights there is a register tile for. */
static int64_t tile_height(int64_t rows) {
    return rows > 4 ? HEIGHT : rows;
}

/* At most HEIGHT rows of A from `row` on, float32 [K / LANES][tile_height][LANES], filled up with
 * zeros. */
static void rearrange_a(const tm_A_t *A, const tm_axes *axes, int64_t row, float *to) {
    const int64_t rows = least(HEIGHT, axes->M - row), height = tile_height(rows);
    for (int64_t k = 0; k < axes->K; k += LANES) {
        const int64_t elems = least(LANES, axes->K - k);
        float *at = to + k * height;
        memset(at, 0, (size_t)(height * LANES) * sizeof *at);
        for (int64_t i = 0; i < rows; ++i)
            widen_row(A + (row + i) * axes->K + k, elems, at + i * LANES);
    }
}

#define FEW_CASE(rows, columns)                       \
    case (rows)*8 + (columns):                        \
        multiply_along_k(a, b, k, rows, columns, to); \
        break

/* Rows from `row` on, columns [column, column + width) of C. */
static void multiply_few(const float *a, const tm_B_t *B, tm_C_t *C, const tm_axes *axes,
                         int64_t row, int64_t column, int64_t width) {
    const int64_t k = axes->K, rows = least(HEIGHT, axes->M - row), height = tile_height(rows);
    const int64_t most = height <= 3 ? 4 : 12 / height;
    float sums[HEIGHT][PORTION];
    for (int64_t j = 0, columns; j < width; j += columns) {
        const tm_B_t *b = B + (column + j) * k;
        float(*to)[PORTION] = (float(*)[PORTION]) & sums[0][j];
        columns = width - j < most ? 1 : most;
        switch (height * 8 + columns) {
            FEW_CASE(1, 1);
            FEW_CASE(1, 4);
            FEW_CASE(2, 1);
            FEW_CASE(2, 4);
            FEW_CASE(3, 1);
            FEW_CASE(3, 4);
            FEW_CASE(4, 1);
            FEW_CASE(4, 3);
            FEW_CASE(HEIGHT, 1);
            FEW_CASE(HEIGHT, 2);
        }
    }
    for (int64_t i = 0; i < rows; ++i) {
        for (int64_t j = 0; j < width; ++j)
            narrow(sums[i][j], C + (row + i) * axes->N + column + j);
    }
}

static int multiply_along_rows(const tm_A_t *A, const tm_B_t *B, tm_C_t *C, const tm_axes *axes) {
    const int64_t padded = (axes->K + LANES - 1) / LANES * LANES;
    const size_t line = 64; /* which no vector then crosses */
    const size_t bytes = ((size_t)((axes->M + HEIGHT) * padded) * sizeof(float) / line + 1) * line;
    float *a = (float *)aligned_alloc(line, bytes);
    if (!a)
        return tm_fail(1, "out of memory for A in float32: %zu bytes", bytes);
    for (int64_t row = 0; row < axes->M; row += HEIGHT)
        rearrange_a(A, axes, row, a + row * padded);
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t column = 0; column < axes->N; column += PORTION) {
        for (int64_t row = 0; row < axes->M; row += HEIGHT)
            multiply_few(a + row * padded, B, C, axes, row, column,
                         least(PORTION, axes->N - column));
    }
    free(a);
    return 0;
}

int TM_ENTRY(const tm_A_t *A, const tm_B_t *B, tm_C_t *C, const tm_axes *axes, tm_stream stream) {
    (void)stream;
    if (axes->M <= FEW)
        return multiply_along_rows(A, B, C, axes);
    const int64_t down = (axes->M + ROWS - 1) / ROWS;
    const int64_t across = (axes->N + COLUMNS - 1) / COLUMNS;
    int failed = 0;
#pragma omp parallel reduction(| : failed)
    {
        workspace *w = (workspace *)aligned_alloc(64, sizeof *w);
        failed |= w == NULL;
#pragma omp for schedule(dynamic, 1)
        for (int64_t block = 0; block < down * across; ++block) {
            const int64_t row = block / across * ROWS, column = block % across * COLUMNS;
            if (w)
                multiply_block(A, B, C, axes, row, least(ROWS, axes->M - row), column,
                               least(COLUMNS, axes->N - column), w);
        }
        free(w);
    }
    return failed ? tm_fail(1, "out of memory for a workspace of %zu bytes", sizeof(workspace)) : 0;
}
