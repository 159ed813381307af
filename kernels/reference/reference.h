/* reference: the driver of native references. A family writes its mathematics once, as the work of
 * one output item; here are the loop (CPU, OpenMP) and the grid (GPU) that run it, and typed access
 * to every element type. Compiles as C11 and as CUDA.
 *
 * Deliberately does not know any family. */
#ifndef TM_REFERENCE_H
#define TM_REFERENCE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tracemill.h"

/* An item is done by a team: on a GPU the lanes of a warp, on the CPU one lane. */
#if defined(__CUDACC__)
#define TM_ON_GPU 1
#define TM_TEAM 32
#define TM_ITEM static __device__ __forceinline__
#define TM_UNROLL _Pragma("unroll")
#define TM_SUMS(variable)
#else
#define TM_ON_GPU 0
#define TM_TEAM 1
#define TM_ITEM static inline __attribute__((always_inline))
#define TM_UNROLL _Pragma("GCC unroll 16")
#define TM_PRAGMA(text) _Pragma(#text)
/* Stands before a loop that adds to `variable`, so that it may be vectorised. */
#define TM_SUMS(variable) TM_PRAGMA(omp simd reduction(+ : variable))
#endif

/* Elements that tm_load_wide reads at once. */
#define TM_WIDE 8

#if TM_ON_GPU

typedef struct {
    float at[TM_WIDE];
} tm_wide;
/* A running dot product: one sum on the GPU, TM_WIDE interleaved ones on the CPU. */
typedef float tm_partial;

template <typename T> TM_ITEM float tm_load(const T *base, int64_t index) {
    return (float)base[index];
}

TM_ITEM float tm_load(const tm_float4_e2m1 *base, int64_t index) {
    const unsigned bits = base[index / 2].bits >> (index % 2 * 4) & 15u;
    const int exponent = bits >> 1 & 3, mantissa = bits & 1;
    const float magnitude =
        exponent == 0 ? 0.5f * mantissa : (1.0f + 0.5f * mantissa) * (float)(1 << exponent) / 2;
    return bits & 8u ? -magnitude : magnitude;
}

template <typename T> TM_ITEM void tm_store(T *base, int64_t index, float value) {
    base[index] = (T)value;
}

/* CUDA's own conversions to fp8 saturate, where PyTorch's give NaN and infinity. */
TM_ITEM void tm_store(tm_float8_e4m3fn *base, int64_t index, float value) {
    base[index].__x = __nv_cvt_float_to_fp8(value, __NV_NOSAT, __NV_E4M3);
}

TM_ITEM void tm_store(tm_float8_e5m2 *base, int64_t index, float value) {
    base[index].__x = __nv_cvt_float_to_fp8(value, __NV_NOSAT, __NV_E5M2);
}

/* What elements of so many bytes are read by. */
template <size_t bytes> struct tm_chunk_of { typedef uint4 type; };
template <> struct tm_chunk_of<1> { typedef uint2 type; };

template <typename T>
TM_ITEM void tm_load_wide(const T *base, int64_t index, int64_t count, tm_wide *out) {
    typedef typename tm_chunk_of<sizeof(T)>::type chunk;
    if (count >= TM_WIDE && (uintptr_t)(base + index) % sizeof(chunk) == 0) {
        chunk bits[sizeof(T) * TM_WIDE / sizeof(chunk)];
        TM_UNROLL
        for (size_t i = 0; i < sizeof bits / sizeof *bits; ++i)
            bits[i] = ((const chunk *)(base + index))[i];
        T elements[TM_WIDE];
        memcpy((void *)elements, bits, sizeof elements);
        TM_UNROLL
        for (int i = 0; i < TM_WIDE; ++i)
            out->at[i] = (float)elements[i];
        return;
    }
    TM_UNROLL
    for (int i = 0; i < TM_WIDE; ++i)
        out->at[i] = i < count ? tm_load(base, index + i) : 0.0f;
}

/* Two to a byte. */
TM_ITEM void tm_load_wide(const tm_float4_e2m1 *base, int64_t index, int64_t count, tm_wide *out) {
    TM_UNROLL
    for (int i = 0; i < TM_WIDE; ++i)
        out->at[i] = i < count ? tm_load(base, index + i) : 0.0f;
}

TM_ITEM void tm_multiply_add(tm_partial *sum, const tm_wide *a, const tm_wide *b) {
    TM_UNROLL
    for (int i = 0; i < TM_WIDE; ++i)
        *sum = fmaf(a->at[i], b->at[i], *sum);
}

TM_ITEM float tm_partial_sum(const tm_partial *sum) {
    return *sum;
}

/* The sum over the lanes of a team, in every lane. */
TM_ITEM double tm_team_sum(double value) {
    TM_UNROLL
    for (int distance = TM_TEAM / 2; distance > 0; distance /= 2)
        value += __shfl_xor_sync(0xffffffffu, value, distance);
    return value;
}

/* Defines `int run(const job_type *job, int64_t items, tm_stream stream)`, which calls
 * `item(job, index, lane)` for every index below `items` and every lane of its `lanes` (1 or
 * TM_TEAM). Returns 0 or an error code. */
#define TM_DRIVER(run, job_type, item, lanes) TM_DRIVER_OF(run, job_type, item, lanes, 16)
/* The same, where on the CPU a thread takes `chunk` items at a time: 1 when an item is long. */
#define TM_DRIVER_OF(run, job_type, item, lanes, chunk)                                         \
    static __global__ void __launch_bounds__(256)                                               \
        run##_grid(const __grid_constant__ job_type job, const int64_t items) {                 \
        const int64_t stride = (int64_t)gridDim.x * blockDim.x;                                 \
        int64_t thread = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;                        \
        for (; thread / (lanes) < items; thread += stride)                                      \
            item(&job, thread / (lanes), (int)(thread % (lanes)));                              \
    }                                                                                           \
    static int run(const job_type *job, int64_t items, tm_stream stream) {                      \
        if (items == 0)                                                                         \
            return 0;                                                                           \
        const int64_t blocks = (items * (lanes) + 255) / 256;                                   \
        run##_grid<<<(unsigned)(blocks < INT32_MAX ? blocks : INT32_MAX), 256, 0, stream>>>(    \
            *job, items);                                                                       \
        const cudaError_t status = cudaGetLastError();                                          \
        return status == cudaSuccess ? 0 : tm_fail(1, #run ": %s", cudaGetErrorString(status)); \
    }

#else

#if defined(__F16C__)
#include <immintrin.h>
#endif

typedef float tm_wide __attribute__((vector_size(4 * TM_WIDE)));
typedef tm_wide tm_partial;

static inline float tm_bits_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t tm_float_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float tm_half_float(uint16_t bits) {
#if defined(__F16C__)
    return _cvtsh_ss(bits);
#else
    const uint32_t sign = (uint32_t)(bits & 0x8000u) << 16, rest = (uint32_t)(bits & 0x7fffu) << 13;
    if (rest >= 0x7c00u << 13)
        return tm_bits_float(sign | 0x7f800000u | rest);
    return tm_bits_float(sign | tm_float_bits(tm_bits_float(rest) * 0x1p112f));
#endif
}

static inline float tm_load_float16(const tm_float16 *base, int64_t index) {
    return tm_half_float(base[index].bits);
}

static inline float tm_load_bfloat16(const tm_bfloat16 *base, int64_t index) {
    return tm_bits_float((uint32_t)base[index].bits << 16);
}

/* An e4m3 magnitude, read as a half, is 2^8 times too small. */
static inline float tm_load_float8_e4m3fn(const tm_float8_e4m3fn *base, int64_t index) {
    const unsigned bits = base[index].bits;
    if ((bits & 0x7fu) == 0x7fu)
        return NAN;
    return tm_half_float((uint16_t)((bits & 0x80u) << 8 | (bits & 0x7fu) << 7)) * 256.0f;
}

static inline float tm_load_float8_e5m2(const tm_float8_e5m2 *base, int64_t index) {
    return tm_half_float((uint16_t)(base[index].bits << 8));
}

static inline float tm_load_float4_e2m1(const tm_float4_e2m1 *base, int64_t index) {
    static const float values[16] = {0,     0.5f,  1,  1.5f,  2,  3,  4,  6,
                                     -0.0f, -0.5f, -1, -1.5f, -2, -3, -4, -6};
    return values[base[index / 2].bits >> (index % 2 * 4) & 15];
}

#define TM_DEFINE_PLAIN(name)                                                         \
    static inline float tm_load_##name(const tm_##name *base, int64_t index) {        \
        return (float)base[index];                                                    \
    }                                                                                 \
    static inline void tm_store_##name(tm_##name *base, int64_t index, float value) { \
        base[index] = (tm_##name)value;                                               \
    }
TM_DEFINE_PLAIN(float32)
TM_DEFINE_PLAIN(int64)
TM_DEFINE_PLAIN(int32)
TM_DEFINE_PLAIN(int16)
TM_DEFINE_PLAIN(int8)
TM_DEFINE_PLAIN(bool)
#undef TM_DEFINE_PLAIN

/* A finite magnitude to nearest even, as exponent and mantissa bits; may carry past the largest. */
static inline uint32_t tm_round_magnitude(float magnitude, int mantissa_bits, int bias) {
    const int shift = 23 - mantissa_bits;
    const float subnormal = tm_bits_float((uint32_t)(127 + bias - 1 + mantissa_bits) << 23);
    const uint32_t bits = tm_float_bits(magnitude);
    if (bits < (uint32_t)(127 + 1 - bias) << 23)
        return (uint32_t)rintf(magnitude * subnormal);
    return ((bits + (1u << (shift - 1)) - 1 + (bits >> shift & 1u)) >> shift) -
           ((uint32_t)(127 - bias) << mantissa_bits);
}

static inline void tm_store_float16(tm_float16 *base, int64_t index, float value) {
#if defined(__F16C__)
    base[index].bits = _cvtss_sh(value, _MM_FROUND_TO_NEAREST_INT);
#else
    const uint32_t sign = tm_float_bits(value) >> 16 & 0x8000u;
    const float magnitude = fabsf(value);
    const uint32_t bits = isnan(value)            ? 0x7e00u
                          : magnitude >= 65520.0f ? 0x7c00u
                                                  : tm_round_magnitude(magnitude, 10, 15);
    base[index].bits = (uint16_t)(sign | bits);
#endif
}

static inline void tm_store_bfloat16(tm_bfloat16 *base, int64_t index, float value) {
    const uint32_t bits = tm_float_bits(value);
    const uint32_t rounded = bits + 0x7fffu + (bits >> 16 & 1u);
    const uint32_t quiet = bits | 0x400000u;
    base[index].bits = (uint16_t)((value == value ? rounded : quiet) >> 16);
}

static inline void tm_store_float8_e4m3fn(tm_float8_e4m3fn *base, int64_t index, float value) {
    const uint32_t sign = tm_float_bits(value) >> 24 & 0x80u;
    const float magnitude = fabsf(value);
    const uint32_t bits = magnitude <= 464.0f ? tm_round_magnitude(magnitude, 3, 7) : 0x7fu;
    base[index].bits = (uint8_t)(sign | bits);
}

static inline void tm_store_float8_e5m2(tm_float8_e5m2 *base, int64_t index, float value) {
    const uint32_t sign = tm_float_bits(value) >> 24 & 0x80u;
    const float magnitude = fabsf(value);
    const uint32_t bits = isnan(value)            ? 0x7fu
                          : magnitude >= 61440.0f ? 0x7cu
                                                  : tm_round_magnitude(magnitude, 2, 15);
    base[index].bits = (uint8_t)(sign | bits);
}

#define TM_LOADER(name) tm_##name * : tm_load_##name, const tm_##name * : tm_load_##name
/* Element `index` as float: rounded only when an integer or more than 24 bits. */
#define tm_load(base, index)                                                                       \
    _Generic((base), TM_LOADER(float16), TM_LOADER(bfloat16), TM_LOADER(float8_e4m3fn),            \
             TM_LOADER(float8_e5m2), TM_LOADER(float4_e2m1), TM_LOADER(float32), TM_LOADER(int64), \
             TM_LOADER(int32), TM_LOADER(int16), TM_LOADER(int8), TM_LOADER(bool))(base, index)

/* Rounds to nearest even into element `index`. None for float4_e2m1: two items share a byte. */
#define tm_store(base, index, value)                    \
    _Generic((base), tm_float16 *                       \
             : tm_store_float16, tm_bfloat16 *          \
             : tm_store_bfloat16, tm_float8_e4m3fn *    \
             : tm_store_float8_e4m3fn, tm_float8_e5m2 * \
             : tm_store_float8_e5m2, tm_float32 *       \
             : tm_store_float32, tm_int64 *             \
             : tm_store_int64, tm_int32 *               \
             : tm_store_int32, tm_int16 *               \
             : tm_store_int16, tm_int8 *                \
             : tm_store_int8, tm_bool *                 \
             : tm_store_bool)(base, index, value)

#define TM_DEFINE_WIDE(name)                                                               \
    static inline void tm_wide_##name(const tm_##name *base, int64_t index, int64_t count, \
                                      tm_wide *out) {                                      \
        tm_wide wide = {0};                                                                \
        for (int64_t i = 0; i < TM_WIDE && i < count; ++i)                                 \
            wide[i] = tm_load_##name(base, index + i);                                     \
        *out = wide;                                                                       \
    }
TM_DEFINE_WIDE(float8_e5m2)
TM_DEFINE_WIDE(float4_e2m1)
#if defined(__F16C__)
static inline void tm_wide_float16(const tm_float16 *base, int64_t index, int64_t count,
                                   tm_wide *out) {
    tm_float16 last[TM_WIDE] = {{0}};
    const tm_float16 *from = base + index;
    if (count < TM_WIDE)
        from = (const tm_float16 *)memcpy(last, from, (size_t)count * sizeof *from);
    *out = (tm_wide)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)from));
}
/* Through halves, as tm_load_float8_e4m3fn. */
static inline void tm_wide_float8_e4m3fn(const tm_float8_e4m3fn *base, int64_t index, int64_t count,
                                         tm_wide *out) {
    tm_float8_e4m3fn last[TM_WIDE] = {{0}};
    const tm_float8_e4m3fn *from = base + index;
    if (count < TM_WIDE)
        from = (const tm_float8_e4m3fn *)memcpy(last, from, (size_t)count * sizeof *from);
    const __m128i bits = _mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i *)(const void *)from));
    const __m128i magnitude = _mm_and_si128(bits, _mm_set1_epi16(0x7f));
    const __m128i sign = _mm_slli_epi16(_mm_andnot_si128(_mm_set1_epi16(0x7f), bits), 8);
    /* All ones where the magnitude is not a number, which the half is then, too. */
    const __m128i broken = _mm_cmpeq_epi16(magnitude, _mm_set1_epi16(0x7f));
    const __m128i half = _mm_or_si128(_mm_or_si128(sign, _mm_slli_epi16(magnitude, 7)), broken);
    *out = (tm_wide)_mm256_cvtph_ps(half) * 256.0f;
}
#else
TM_DEFINE_WIDE(float16)
TM_DEFINE_WIDE(float8_e4m3fn)
#endif
static inline void tm_wide_float32(const tm_float32 *base, int64_t index, int64_t count,
                                   tm_wide *out) {
    tm_wide wide = {0};
    memcpy(&wide, base + index, (size_t)(count < TM_WIDE ? count : TM_WIDE) * sizeof *base);
    *out = wide;
}
static inline void tm_wide_bfloat16(const tm_bfloat16 *base, int64_t index, int64_t count,
                                    tm_wide *out) {
    typedef uint16_t narrow __attribute__((vector_size(2 * TM_WIDE)));
    typedef uint32_t bits __attribute__((vector_size(4 * TM_WIDE)));
    tm_bfloat16 last[TM_WIDE] = {{0}};
    const tm_bfloat16 *elements = base + index;
    if (count < TM_WIDE)
        elements = (const tm_bfloat16 *)memcpy(last, elements, (size_t)count * sizeof *elements);
    narrow from;
    memcpy(&from, elements, sizeof from);
    *out = (tm_wide)(__builtin_convertvector(from, bits) << 16);
}
#undef TM_DEFINE_WIDE

#define TM_WIDENER(name) tm_##name * : tm_wide_##name, const tm_##name * : tm_wide_##name
/* Elements [index, index + TM_WIDE) as float, those from `index + count` on as zero. */
#define tm_load_wide(base, index, count, out)                                              \
    _Generic((base), TM_WIDENER(float16), TM_WIDENER(bfloat16), TM_WIDENER(float8_e4m3fn), \
             TM_WIDENER(float8_e5m2), TM_WIDENER(float4_e2m1),                             \
             TM_WIDENER(float32))(base, index, count, out)

static inline void tm_multiply_add(tm_partial *sum, const tm_wide *a, const tm_wide *b) {
    *sum += *a * *b;
}

static inline float tm_partial_sum(const tm_partial *sum) {
    const tm_partial s = *sum;
    return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]));
}

static inline double tm_team_sum(double value) {
    return value;
}

#define TM_DRIVER(run, job_type, item, lanes) TM_DRIVER_OF(run, job_type, item, lanes, 16)
#define TM_DRIVER_OF(run, job_type, item, lanes, chunk)                           \
    static int run(const job_type *job, int64_t items, tm_stream stream) {        \
        (void)stream;                                                             \
        TM_PRAGMA(omp parallel for schedule(dynamic, chunk) if (items > (chunk))) \
        for (int64_t index = 0; index < items; ++index)                           \
            item(job, index, 0);                                                  \
        return 0;                                                                 \
    }

#endif

typedef struct {
    void *memory;
    size_t bytes;
} tm_scratch_memory;

/* At least `bytes` of memory for what passes from one phase to the next, aligned to 256; NULL when
 * there is none. The same memory at each call, which grows and stays: a call that allocates is
 * timed with it. Stays with the object that includes this file; one caller at a time. */
static inline void *tm_scratch(size_t bytes) {
    static tm_scratch_memory held;
    if (bytes <= held.bytes)
        return held.memory;
#if TM_ON_GPU
    (void)cudaFree(held.memory); /* waits until the device is done with it */
    if (cudaMalloc(&held.memory, bytes) != cudaSuccess) {
        (void)cudaGetLastError();
        held.memory = NULL;
    }
#else
    free(held.memory);
    held.memory = aligned_alloc(256, (bytes + 255) / 256 * 256);
#endif
    held.bytes = held.memory ? bytes : 0;
    return held.memory;
}
#endif
