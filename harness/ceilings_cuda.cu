/* ceilings_cuda: copies, reads and matrix products of one NVIDIA GPU, timed by event pairs.
 *
 * Of each a first run is left out, and each takes long enough (0.1 ms and more) for the fixed cost
 * of an event pair, some microseconds, to count little. Written as C; nvcc compiles it as C++17. */
#include "harness/ceilings.h"

#include <cuda_runtime.h>
#include <stdio.h>
#include <string.h>

#include "harness/ceilings_cublaslt.h"

#define RUNS 5 /* odd */
#define THREADS 512
/* Buffers of a copy, at most and at least; at least four times the L2 too. */
#define MOST_BYTES ((size_t)1 << 30)
#define LEAST_BYTES ((size_t)64 << 20)
#define WORKSPACE_BYTES ((size_t)64 << 20)
#define MOST_ORDER 8192
/* Above the fastest run. Memory: a figure for reads and copies alike, which differ by a few per
 * cent, as do clocks. Products: an H200's tensor cores can do 989e12 (1830 MHz) in bfloat16,
 * 1070e12 at its highest clock, where the library reaches 790e12. */
#define MEMORY_MARGIN 1.05
#define PRODUCT_MARGIN 1.4

typedef struct {
    cudaStream_t stream;
    cudaEvent_t begin, end;
    int blocks;
    size_t bytes;          /* of each buffer */
    void *from, *to, *sum; /* the products' A, C, B; `sum` takes the workspace as well */
    char *error;
} bench;

static bool passed(cudaError_t status, const char *call, char *error) {
    if (status == cudaSuccess)
        return true;
    snprintf(error, TM_CEILINGS_ERROR_BYTES, "%s: %s: %s", call, cudaGetErrorName(status),
             cudaGetErrorString(status));
    (void)cudaGetLastError();
    return false;
}

__global__ static void copy_kernel(uint4 *to, const uint4 *from, size_t count) {
    size_t step = (size_t)gridDim.x * blockDim.x;
    for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step)
        to[i] = from[i];
}

/* Four loads are under way in each thread at a time. */
__global__ static void read_kernel(const uint4 *from, size_t count, unsigned *sink) {
    size_t step = (size_t)gridDim.x * blockDim.x;
    unsigned sum = 0;
#pragma unroll 4
    for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
        uint4 four = from[i];
        sum += four.x ^ four.y ^ four.z ^ four.w;
    }
    if (sum == 0x9e3779b9u)
        *sink = sum;
}

/* Random bits, of which `keep` stays and `set` is set: numbers of +-[0.5, 1) of some dtype. */
__global__ static void fill_kernel(unsigned *words, size_t count, unsigned keep, unsigned set,
                                   unsigned seed) {
    size_t step = (size_t)gridDim.x * blockDim.x;
    for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
        unsigned bits = (unsigned)i * 0x9e3779b9u + seed;
        bits = (bits ^ bits >> 16) * 0x85ebca6bu; /* MurmurHash3's finaliser */
        bits = (bits ^ bits >> 13) * 0xc2b2ae35u;
        words[i] = ((bits ^ bits >> 16) & keep) | set;
    }
}

static void fill(bench *b, void *to, size_t bytes, unsigned keep, unsigned set, unsigned seed) {
    fill_kernel<<<b->blocks, THREADS, 0, b->stream>>>((unsigned *)to, bytes / 4, keep, set, seed);
}

/* Seconds between the two events, once the stream is done. */
static bool elapsed(bench *b, double *seconds) {
    float ms = 0;
    if (!passed(cudaGetLastError(), "a kernel launch", b->error) ||
        !passed(cudaEventSynchronize(b->end), "cudaEventSynchronize", b->error) ||
        !passed(cudaEventElapsedTime(&ms, b->begin, b->end), "cudaEventElapsedTime", b->error))
        return false;
    *seconds = 1e-3 * ms;
    return true;
}

typedef enum { COPY_BY_KERNEL, COPY_BY_DRIVER, READ, MOVE_COUNT } move;

static bool move_once(bench *b, move how, size_t bytes, double *seconds) {
    size_t count = bytes / sizeof(uint4);
    (void)cudaEventRecord(b->begin, b->stream);
    if (how == COPY_BY_KERNEL)
        copy_kernel<<<b->blocks, THREADS, 0, b->stream>>>((uint4 *)b->to, (const uint4 *)b->from,
                                                          count);
    else if (how == COPY_BY_DRIVER)
        (void)cudaMemcpyAsync(b->to, b->from, bytes, cudaMemcpyDeviceToDevice, b->stream);
    else
        read_kernel<<<b->blocks, THREADS, 0, b->stream>>>((const uint4 *)b->from, count,
                                                          (unsigned *)b->sum);
    (void)cudaEventRecord(b->end, b->stream);
    return elapsed(b, seconds);
}

static double larger(double a, double b) {
    return a > b ? a : b;
}

static bool measure_memory(bench *b, size_t l2_bytes, tm_ceilings *ceilings) {
    double fastest = 0, ignored;
    for (size_t bytes = b->bytes; bytes >= LEAST_BYTES && bytes >= 4 * l2_bytes; bytes /= 2)
        for (int how = 0; how < MOVE_COUNT; how++) {
            double seconds[RUNS], moved = (how == READ ? 1.0 : 2.0) * (double)bytes;
            if (!move_once(b, (move)how, bytes, &ignored))
                return false;
            for (int i = 0; i < RUNS; i++) {
                if (!move_once(b, (move)how, bytes, &seconds[i]))
                    return false;
                fastest = larger(fastest, moved / seconds[i]);
            }
            double rate = moved / tm_ceilings_median(seconds, RUNS);
            double *best = how == READ ? &ceilings->read_bytes_per_s : &ceilings->copy_bytes_per_s;
            *best = larger(*best, rate);
        }
    ceilings->most_bytes_per_s = MEMORY_MARGIN * fastest;
    return true;
}

static bool multiply_once(bench *b, tm_cublaslt *lt, double *seconds) {
    char *workspace = (char *)b->sum + b->bytes - WORKSPACE_BYTES;
    (void)cudaEventRecord(b->begin, b->stream);
    bool good = tm_cublaslt_multiply(lt, b->from, b->sum, b->to, workspace, b->stream);
    (void)cudaEventRecord(b->end, b->stream);
    return elapsed(b, seconds) && good;
}

/* A dtype that the library or the device does not have is left out. */
static bool measure_product(bench *b, tm_cublaslt *lt, tm_dtype dtype, int order,
                            tm_ceilings *ceilings) {
    static const struct {
        tm_dtype dtype;
        unsigned keep, set;
    } bits[] = {{TM_DTYPE_FLOAT32, 0x807fffffu, 0x3f000000u},
                {TM_DTYPE_FLOAT16, 0x83ff83ffu, 0x38003800u},
                {TM_DTYPE_BFLOAT16, 0x807f807fu, 0x3f003f00u},
                {TM_DTYPE_FLOAT8_E4M3FN, 0x87878787u, 0x30303030u}};
    if (!tm_cublaslt_prepare(lt, dtype, order, WORKSPACE_BYTES))
        return true;
    size_t bytes = (size_t)order * (size_t)order * (size_t)tm_dtype_bits(dtype) / 8;
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
        if (bits[i].dtype == dtype) {
            fill(b, b->from, bytes, bits[i].keep, bits[i].set, 1);
            fill(b, b->sum, bytes, bits[i].keep, bits[i].set, 2);
        }
    double seconds[RUNS], fastest = 0, ignored;
    double operations = 2.0 * order * order * order;
    if (!multiply_once(b, lt, &ignored))
        return !b->error[0];
    for (int i = 0; i < RUNS; i++) {
        if (!multiply_once(b, lt, &seconds[i]))
            return false;
        fastest = larger(fastest, operations / seconds[i]);
    }
    ceilings->operations_per_s[dtype] = operations / tm_ceilings_median(seconds, RUNS);
    ceilings->most_operations_per_s[dtype] = PRODUCT_MARGIN * fastest;
    return true;
}

static bool measure_products(bench *b, tm_ceilings *ceilings) {
    static const tm_dtype dtypes[] = {TM_DTYPE_FLOAT32, TM_DTYPE_FLOAT16, TM_DTYPE_BFLOAT16,
                                      TM_DTYPE_FLOAT8_E4M3FN};
    char why[TM_CEILINGS_ERROR_BYTES];
    tm_cublaslt *lt = tm_cublaslt_open(why, sizeof why);
    if (!lt) {
        fprintf(stderr, "tracemill: note: no limit by operations: %s\n", why);
        return true;
    }
    int order = MOST_ORDER;
    while ((size_t)order * (size_t)order * sizeof(float) + WORKSPACE_BYTES > b->bytes)
        order /= 2;
    bool good = true;
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes && good; i++)
        good = measure_product(b, lt, dtypes[i], order, ceilings);
    tm_cublaslt_close(lt);
    return good;
}

/* The largest buffers of which three take no more than half of what is free. */
static bool open_bench(bench *b, int index, size_t l2_bytes) {
    size_t free_bytes = 0, total_bytes = 0;
    int multiprocessors = 0;
    if (!passed(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, index),
                "cudaDeviceGetAttribute", b->error) ||
        !passed(cudaMemGetInfo(&free_bytes, &total_bytes), "cudaMemGetInfo", b->error) ||
        !passed(cudaStreamCreate(&b->stream), "cudaStreamCreate", b->error) ||
        !passed(cudaEventCreate(&b->begin), "cudaEventCreate", b->error) ||
        !passed(cudaEventCreate(&b->end), "cudaEventCreate", b->error))
        return false;
    b->blocks = multiprocessors * 4;
    b->bytes = MOST_BYTES;
    while (b->bytes > 2 * LEAST_BYTES && b->bytes > free_bytes / 6)
        b->bytes /= 2;
    if (b->bytes < 4 * l2_bytes) {
        snprintf(b->error, TM_CEILINGS_ERROR_BYTES,
                 "device %d: %zu bytes are free, too little to measure its memory", index,
                 free_bytes);
        return false;
    }
    return passed(cudaMalloc(&b->from, b->bytes), "cudaMalloc", b->error) &&
           passed(cudaMalloc(&b->to, b->bytes), "cudaMalloc", b->error) &&
           passed(cudaMalloc(&b->sum, b->bytes), "cudaMalloc", b->error);
}

static void close_bench(bench *b) {
    (void)cudaFree(b->from);
    (void)cudaFree(b->to);
    (void)cudaFree(b->sum);
    if (b->begin)
        (void)cudaEventDestroy(b->begin);
    if (b->end)
        (void)cudaEventDestroy(b->end);
    if (b->stream)
        (void)cudaStreamDestroy(b->stream);
}

bool tm_ceilings_measure(int index, tm_ceilings *ceilings, char *error) {
    bench b;
    memset(&b, 0, sizeof b);
    b.error = error;
    int l2_bytes = 0;
    if (!passed(cudaSetDevice(index), "cudaSetDevice", error) ||
        !passed(cudaDeviceGetAttribute(&l2_bytes, cudaDevAttrL2CacheSize, index),
                "cudaDeviceGetAttribute(L2CacheSize)", error))
        return false;
    bool good = open_bench(&b, index, (size_t)l2_bytes);
    if (good) {
        fill(&b, b.from, b.bytes, ~0u, 0, 3);
        ceilings->cache_bytes = l2_bytes;
        good = measure_memory(&b, (size_t)l2_bytes, ceilings) && measure_products(&b, ceilings);
        if (!good && !error[0])
            snprintf(error, TM_CEILINGS_ERROR_BYTES, "device %d: a matrix product failed", index);
    }
    close_bench(&b);
    return good;
}
