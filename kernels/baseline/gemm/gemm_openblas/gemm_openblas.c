/* C[M, N] = A[M, K] * B[N, K]^T on the CPU: panels converted to float32, multiplied by OpenBLAS.
 * Each thread takes panels of B and calls the library on its own, which then stays sequential. */
#include "contract.h"

#include <cblas.h>
#include <stdlib.h>
#if defined(__F16C__)
#include <immintrin.h>
#endif

enum {
    ROWS = 256,            /* of A, converted once for all panels of B */
    PANEL_BYTES = 1 << 20, /* of B in float32 */
    LEAST_COLUMNS = 16,
    MOST_COLUMNS = 256,
};

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

static float *alloc_floats(int64_t elems) {
    return (float *)malloc((size_t)elems * sizeof(float));
}

int TM_ENTRY(const tm_A_t *A, const tm_B_t *B, tm_C_t *C, const tm_axes *axes, tm_stream stream) {
    (void)stream;
    const int64_t m = axes->M, n = axes->N, k = axes->K;
    if (m == 0 || n == 0)
        return 0;
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
