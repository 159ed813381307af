/* C[M, N] = A[M, K] * B[N, K]^T on the CPU. For few rows of A, B is read once, as it lies, and
 * widened in registers: that is bound by memory. For many, panels are converted to float32 and
 * multiplied by OpenBLAS: each thread takes panels of B and calls the library on its own, which
 * then stays sequential. */
#include "contract.h"

#include <cblas.h>
#include <stdlib.h>
#if defined(__F16C__)
#include <immintrin.h>
#endif

enum {
    LANES = 8,             /* floats in a vector */
    WIDE = 2 * LANES,      /* elements of K at a time */
    TILE = 4,              /* rows of A that meet a vector of B while it is in a register */
    STREAM_ROWS = 32,      /* up to here streaming B is faster than converting it */
    DEPTH = 2048,          /* of K between two summations: 4 rows of A fill the L1 */
    GROUP = 12,            /* columns of C that a thread takes at a time: a multiple of 3 and 4 */
    ROWS = 256,            /* of A, converted once for all panels of B */
    PANEL_BYTES = 1 << 20, /* of B in float32 */
    LEAST_COLUMNS = 16,
    MOST_COLUMNS = 256,
};

typedef float vector __attribute__((vector_size(4 * LANES)));
typedef float vector_in_floats __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint32_t words __attribute__((vector_size(4 * LANES)));

#define INLINE static inline __attribute__((always_inline))

/* Which of the two 16-bit types, for the compiler to fold. */
#define IS_BFLOAT16(base) _Generic(*(base), tm_bfloat16 : 1, tm_float16 : 0)

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

static inline float half_to_float(uint16_t bits) {
    const uint32_t sign = (uint32_t)(bits & 0x8000u) << 16, rest = (uint32_t)(bits & 0x7fffu) << 13;
    if (rest >= 0x7c00u << 13)
        return from_bits(sign | 0x7f800000u | rest);
    return from_bits(sign | to_bits(from_bits(rest) * 0x1p112f));
}

/* To nearest even: below the smallest normal number by the adder, else by carrying. */
static inline uint16_t float_to_half(float value) {
    const uint32_t bits = to_bits(value), sign = bits >> 16 & 0x8000u, rest = bits & 0x7fffffffu;
    if (rest > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u);
    if (rest >= 0x477ff000u) /* 65520 */
        return (uint16_t)(sign | 0x7c00u);
    if (rest < 0x38800000u) /* 2^-14 */
        return (uint16_t)(sign | (to_bits(from_bits(rest) + 0.5f) - to_bits(0.5f)));
    return (uint16_t)(sign | (((rest + 0xfffu + (rest >> 13 & 1u)) >> 13) - (112u << 10)));
}

static inline uint16_t float_to_bfloat16(float value) {
    const uint32_t bits = to_bits(value);
    return (uint16_t)((value == value ? bits + 0x7fffu + (bits >> 16 & 1u) : bits | 0x400000u) >>
                      16);
}

/* `elems` stored 16-bit numbers as float32. */
static void widen(const void *from, int is_bfloat16, int64_t elems, float *to) {
    const uint16_t *bits = (const uint16_t *)from;
    int64_t i = 0;
    if (is_bfloat16) {
        for (; i < elems; ++i)
            to[i] = from_bits((uint32_t)bits[i] << 16);
        return;
    }
#if defined(__F16C__)
    for (; i + 8 <= elems; i += 8)
        _mm256_storeu_ps(
            to + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(bits + i))));
#endif
    for (; i < elems; ++i)
        to[i] = half_to_float(bits[i]);
}

static void narrow(const float *from, int64_t elems, int is_bfloat16, void *to) {
    uint16_t *bits = (uint16_t *)to;
    int64_t i = 0;
    if (is_bfloat16) {
        for (; i < elems; ++i)
            bits[i] = float_to_bfloat16(from[i]);
        return;
    }
#if defined(__F16C__)
    for (; i + 8 <= elems; i += 8)
        _mm_storeu_si128((__m128i *)(void *)(bits + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT));
#endif
    for (; i < elems; ++i)
        bits[i] = float_to_half(from[i]);
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Columns of C per panel: PANEL_BYTES of B, within limits. */
static int64_t panel_columns(int64_t n, int64_t k) {
    const int64_t fit = PANEL_BYTES / ((int64_t)sizeof(float) * (k > 0 ? k : 1));
    const int64_t bounded = fit < LEAST_COLUMNS
                                ? LEAST_COLUMNS
                                : least(fit / LEAST_COLUMNS * LEAST_COLUMNS, MOST_COLUMNS);
    return least(bounded, n);
}

/* On a cache line, which no vector then crosses. Caller frees. */
static float *alloc_floats(int64_t elems) {
    const size_t line = 64, lines = (size_t)elems * sizeof(float) / line + 1;
    return (float *)aligned_alloc(line, lines * line);
}

/* Half (0 or 1) of WIDE stored 16-bit numbers as float32: the first and the last LANES of float16,
 * the even and the odd ones of bfloat16, which is one instruction each. A dot product does not mind
 * as long as both sides do the same. */
INLINE void widen_half(const void *from, int is_bfloat16, int half, vector *to) {
    if (is_bfloat16) {
        words pairs;
        memcpy(&pairs, from, sizeof pairs);
        *to = half == 0 ? (vector)(pairs << 16) : (vector)(pairs & 0xffff0000u);
        return;
    }
    widen((const uint16_t *)from + half * LANES, 0, LANES, (float *)to);
}

/* One half of the elements of a step. */
INLINE void multiply_half(const float *a, const tm_B_t *b, int64_t stride, int half, int rows,
                          int columns, vector (*parts)[TILE]) {
    vector wide[TILE];
#pragma GCC unroll 4
    for (int j = 0; j < columns; ++j)
        widen_half(b + j * stride, IS_BFLOAT16(b), half, &wide[j]);
#pragma GCC unroll 4
    for (int i = 0; i < rows; ++i) {
        const vector row = *(const vector_in_floats *)(a + i * WIDE);
#pragma GCC unroll 4
        for (int j = 0; j < columns; ++j)
            parts[i][j] += row * wide[j];
    }
}

/* sums[rows][columns], GROUP apart, += the dot products of `rows` rows of A, packed by pack_rows,
 * with `columns` rows of B over `depth` elements, while the rows at `next` are on their way from
 * memory. Inlined with constant `rows` and `columns`. */
INLINE void multiply_tile(const float *a, const tm_B_t *b, const tm_B_t *next, int64_t stride,
                          int64_t depth, int rows, int columns, float *sums) {
    vector parts[TILE][TILE] = {{{0}}};
    const int64_t whole = depth / WIDE * WIDE;
    for (int64_t k = 0; k < whole; k += WIDE) {
        if (k % (2 * WIDE) == 0) {
#pragma GCC unroll 4
            for (int j = 0; j < columns; ++j)
                __builtin_prefetch(next + j * stride + k);
        }
#pragma GCC unroll 2
        for (int half = 0; half < 2; ++half)
            multiply_half(a + k * rows + half * LANES, b + k, stride, half, rows, columns, parts);
    }
    if (whole < depth) {
        tm_B_t last[TILE][WIDE] = {{{0}}};
        for (int j = 0; j < columns; ++j)
            memcpy(last[j], b + j * stride + whole, (size_t)(depth - whole) * sizeof *b);
        for (int half = 0; half < 2; ++half)
            multiply_half(a + whole * rows + half * LANES, last[0], WIDE, half, rows, columns,
                          parts);
    }
#pragma GCC unroll 4
    for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
        for (int j = 0; j < columns; ++j) {
            const vector part = parts[i][j];
            sums[i * GROUP + j] += ((part[0] + part[4]) + (part[1] + part[5])) +
                                   ((part[2] + part[6]) + (part[3] + part[7]));
        }
    }
}

/* The same for the sizes that occur. */
static void multiply_rows(const float *a, const tm_B_t *b, const tm_B_t *next, int64_t stride,
                          int64_t depth, int64_t rows, int64_t columns, float *sums) {
#define TILE_CASE(r, c)                                       \
    case (r)*8 + (c):                                         \
        multiply_tile(a, b, next, stride, depth, r, c, sums); \
        break
    switch (rows * 8 + columns) {
        TILE_CASE(1, 1);
        TILE_CASE(1, 3);
        TILE_CASE(1, 4);
        TILE_CASE(2, 1);
        TILE_CASE(2, 3);
        TILE_CASE(2, 4);
        TILE_CASE(3, 1);
        TILE_CASE(3, 3);
        TILE_CASE(3, 4);
        TILE_CASE(4, 1);
        TILE_CASE(4, 3);
    }
#undef TILE_CASE
}

/* Rows [row, row + rows) of A as float32, in turn: [K / WIDE][rows][2 halves][LANES], filled up
 * with zeros. */
static void pack_rows(const tm_A_t *A, int64_t k, int64_t row, int64_t rows, float *to) {
    for (int64_t i = 0; i < rows; ++i) {
        const tm_A_t *from = A + (row + i) * k;
        for (int64_t done = 0; done < k; done += WIDE) {
            tm_A_t last[WIDE] = {{0}};
            const tm_A_t *elements = from + done;
            if (k - done < WIDE)
                elements = memcpy(last, elements, (size_t)(k - done) * sizeof *last);
            for (int half = 0; half < 2; ++half) {
                vector wide;
                widen_half(elements, IS_BFLOAT16(A), half, &wide);
                *(vector_in_floats *)(to + done * rows + i * WIDE + half * LANES) = wide;
            }
        }
    }
}

/* Columns [column, column + width) of C. A is packed. As many sums as there are registers: 12 at
 * most, beside the vectors they are made of. */
static void stream_group(const float *a, const tm_B_t *B, tm_C_t *C, const tm_axes *axes,
                         int64_t column, int64_t width) {
    const int64_t m = axes->M, k = axes->K, padded = (k + WIDE - 1) / WIDE * WIDE;
    const int64_t most = m < TILE ? 4 : 3;
    float sums[STREAM_ROWS][GROUP] = {{0}};
    for (int64_t j = 0; j < width;) {
        const int64_t columns = width - j < most ? 1 : most;
        const tm_B_t *b = B + (column + j) * k;
        const tm_B_t *after = column + j + 2 * columns <= axes->N ? b + columns * k : b;
        for (int64_t done = 0; done < k; done += DEPTH) {
            for (int64_t i = 0; i < m; i += TILE) {
                const int64_t rows = least(TILE, m - i);
                const tm_B_t *next = i + TILE < m ? b : after;
                multiply_rows(a + i * padded + done * rows, b + done, next + done, k,
                              least(DEPTH, k - done), rows, columns, &sums[i][j]);
            }
        }
        j += columns;
    }
    for (int64_t i = 0; i < m; ++i)
        narrow(sums[i], width, IS_BFLOAT16(C), C + i * axes->N + column);
}

static int stream_columns(const tm_A_t *A, const tm_B_t *B, tm_C_t *C, const tm_axes *axes) {
    const int64_t m = axes->M, n = axes->N, k = axes->K, padded = (k + WIDE - 1) / WIDE * WIDE;
    float *a = alloc_floats(m * padded);
    if (!a)
        return tm_fail(1, "out of memory for A in float32");
    /* A is small beside B: not worth a barrier. */
    for (int64_t i = 0; i < m; i += TILE)
        pack_rows(A, k, i, least(TILE, m - i), a + i * padded);
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t column = 0; column < n; column += GROUP)
        stream_group(a, B, C, axes, column, least(GROUP, n - column));
    free(a);
    return 0;
}

static int multiply_panels(const tm_A_t *A, const tm_B_t *B, tm_C_t *C, const tm_axes *axes) {
    const int64_t m = axes->M, n = axes->N, k = axes->K;
    const int64_t rows = least(m, ROWS), columns = panel_columns(n, k);
    const int64_t panels = (n + columns - 1) / columns;
    float *a = alloc_floats(rows * k);
    int failed = a == NULL;
#pragma omp parallel reduction(| : failed)
    {
        float *b = alloc_floats(columns * k), *c = alloc_floats(rows * columns);
        failed |= b == NULL || c == NULL;
        for (int64_t row = 0; row < m; row += rows) {
            const int64_t height = least(rows, m - row);
#pragma omp for schedule(static)
            for (int64_t i = 0; i < height; ++i) {
                if (a)
                    widen(A + (row + i) * k, IS_BFLOAT16(A), k, a + i * k);
            }
#pragma omp for schedule(dynamic, 1)
            for (int64_t panel = 0; panel < panels; ++panel) {
                const int64_t column = panel * columns, width = least(columns, n - column);
                if (failed || !a)
                    continue;
                widen(B + column * k, IS_BFLOAT16(B), width * k, b);
                cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)height,
                            (blasint)width, (blasint)k, 1.0f, a, (blasint)k, b, (blasint)k, 0.0f, c,
                            (blasint)width);
                for (int64_t i = 0; i < height; ++i)
                    narrow(c + i * width, width, IS_BFLOAT16(C), C + (row + i) * n + column);
            }
        }
        free(b);
        free(c);
    }
    free(a);
    return failed ? tm_fail(1, "out of memory for float32 panels of A and B") : 0;
}

int TM_ENTRY(const tm_A_t *A, const tm_B_t *B, tm_C_t *C, const tm_axes *axes, tm_stream stream) {
    (void)stream;
    if (axes->M == 0 || axes->N == 0)
        return 0;
    return axes->M <= STREAM_ROWS ? stream_columns(A, B, C, axes) : multiply_panels(A, B, C, axes);
}
