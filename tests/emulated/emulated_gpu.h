/* emulated_gpu: enough of CUDA on a CPU to run kernels that are made of tensor_core.cuh's
 * functions, one thread of a block after the other. A test of indices and barriers, not of speed,
 * compilers or memory models: what a lane gets from ldmatrix and mma is as the PTX ISA's figures
 * say.
 *
 * Threads are fibers that change at barriers. Asynchronous copies are made no sooner than they are
 * waited for, and their destination is spoilt when they begin: reading too early, and overwriting
 * what others still read, come out wrong. C++17, included by kernels in place of CUDA. */
#ifndef TM_EMULATED_GPU_H
#define TM_EMULATED_GPU_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <functional>
#include <vector>

#define __global__ static
#define __device__ static
#define __forceinline__ inline
#define __launch_bounds__(...)

struct dim3 {
    unsigned x, y, z;
    explicit dim3(unsigned x_, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {
    }
};
struct float2 {
    float x, y;
};
inline float2 make_float2(float x, float y) {
    return {x, y};
}
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(8) uint2 {
    uint32_t x, y;
};
struct alignas(16) uint4 {
    uint32_t x, y, z, w;
};
inline uint2 make_uint2(uint32_t x, uint32_t y) {
    return {x, y};
}

namespace emulated {

struct barrier {
    int arrived = 0, generation = 0;
};

struct copy {
    void *to;
    const void *from; /* NULL: zeros */
    size_t bytes;
};

struct fiber {
    ucontext_t context;
    std::vector<char> stack;
    std::vector<std::vector<copy>> groups{1}; /* of copies under way; the last is open */
    std::vector<std::vector<std::function<void()>>> products{1}; /* of warpgroup.cuh, likewise */
    bool done;
    int index, shared;
};

struct block {
    ucontext_t scheduler;
    std::vector<fiber> fibers;
    int current, threads;
    unsigned block_x, block_y, block_z;
    dim3 grid{1};
    barrier all;
    std::vector<barrier> warps;
    std::vector<char> exchange; /* twice 64 bytes per thread, in turn */
    unsigned char *shared;
    const std::function<void()> *body;
};

inline block *&now() {
    static block *running;
    return running;
}

inline fiber &self() {
    return now()->fibers[(size_t)now()->current];
}

inline void wait(barrier &at, int count) {
    const int generation = at.generation;
    if (++at.arrived == count) {
        at.arrived = 0;
        ++at.generation;
    }
    while (at.generation == generation)
        swapcontext(&self().context, &now()->scheduler);
}

inline void wait_warp() {
    wait(now()->warps[(size_t)now()->current / 32], 32);
}

inline char *slot_of(int lane) {
    const int slot = (now()->current / 32 * 32 + lane) * 2 + self().shared % 2;
    return now()->exchange.data() + (size_t)slot * 64;
}

/* What every lane of the warp hands in, in `all`. */
template <typename T> void share(const T &own, T all[32]) {
    static_assert(sizeof(T) <= 64, "as much as a slot has");
    memcpy(slot_of(now()->current % 32), &own, sizeof own);
    wait_warp();
    for (int lane = 0; lane < 32; ++lane)
        memcpy(&all[lane], slot_of(lane), sizeof own);
    ++self().shared;
}

inline void start() {
    (*now()->body)();
    self().done = true;
    swapcontext(&self().context, &now()->scheduler);
}

inline void run_block(block &b, const std::function<void()> &body) {
    now() = &b;
    b.body = &body;
    b.all = {};
    b.warps.assign((size_t)(b.threads + 31) / 32, {});
    memset(b.shared, 0xff, (size_t)256 << 10);
    for (fiber &f : b.fibers) {
        f.done = false;
        f.shared = 0;
        f.groups.assign(1, {});
        f.products.assign(1, {});
        getcontext(&f.context);
        f.context.uc_stack.ss_sp = f.stack.data();
        f.context.uc_stack.ss_size = f.stack.size();
        f.context.uc_link = nullptr;
        makecontext(&f.context, start, 0);
    }
    for (int left = b.threads; left > 0;)
        for (b.current = 0; b.current < b.threads; ++b.current)
            if (!self().done) {
                swapcontext(&b.scheduler, &self().context);
                left -= self().done;
            }
}

inline void launch(dim3 grid, int threads, const std::function<void()> &body) {
    block b;
    b.threads = threads;
    b.exchange.resize((size_t)threads * 128);
    b.shared = static_cast<unsigned char *>(aligned_alloc(1024, (size_t)256 << 10));
    b.fibers.resize((size_t)threads);
    for (int i = 0; i < threads; ++i) {
        b.fibers[(size_t)i].stack.resize((size_t)64 << 10);
        b.fibers[(size_t)i].index = i;
    }
    b.grid = grid;
    for (b.block_z = 0; b.block_z < grid.z; ++b.block_z)
        for (b.block_y = 0; b.block_y < grid.y; ++b.block_y)
            for (b.block_x = 0; b.block_x < grid.x; ++b.block_x)
                run_block(b, body);
    free(b.shared);
}

struct place {
    unsigned x, y, z;
};

inline float decode_e4m3(uint32_t bits) {
    const int exponent = bits >> 3 & 15, mantissa = bits & 7;
    const float magnitude = (bits & 0x7f) == 0x7f ? NAN
                            : exponent            ? ldexpf(1 + (float)mantissa / 8, exponent - 7)
                                                  : ldexpf((float)mantissa, -9);
    return bits & 0x80 ? -magnitude : magnitude;
}

/* What DECODE makes of each of COUNT codes. */
template <int COUNT, float (*DECODE)(uint32_t)> const float *table() {
    static const std::vector<float> values = [] {
        std::vector<float> all;
        for (uint32_t code = 0; code < COUNT; ++code)
            all.push_back(DECODE(code));
        return all;
    }();
    return values.data();
}

inline float from_e4m3(uint32_t bits) {
    return table<256, decode_e4m3>()[bits];
}

inline float from_bfloat16(uint32_t bits) {
    bits <<= 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

inline float decode_float16(uint32_t bits) {
    const int exponent = bits >> 10 & 31, mantissa = bits & 0x3ff;
    const float magnitude = exponent == 31 ? (mantissa ? NAN : INFINITY)
                            : exponent     ? ldexpf(1 + (float)mantissa / 1024, exponent - 15)
                                           : ldexpf((float)mantissa, -24);
    return bits & 0x8000 ? -magnitude : magnitude;
}

inline float from_float16(uint32_t bits) {
    return table<65536, decode_float16>()[bits];
}

/* Rounded to nearest, to even. */
inline uint32_t to_float16(float value) {
    const uint32_t sign = signbit(value) ? 0x8000 : 0;
    if (isnan(value))
        return 0x7fff;
    int exponent;
    frexpf(value, &exponent);
    if (value == 0 || exponent < -13) /* of a number in [2^(exponent - 1), 2^exponent) */
        exponent = -13;
    const float steps = rintf(ldexpf(fabsf(value), 11 - exponent));
    if (isinf(value) || ldexpf(steps, exponent - 11) >= 65536)
        return sign | 0x7c00;
    return sign | ((uint32_t)(exponent + 13) * 1024 + (uint32_t)steps);
}

inline uint32_t to_bfloat16(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

struct operands {
    uint32_t a[4], b[2];
};

/* Fragments of 16 x K by K x 8, with BITS per element; a register has the elements of 32 bits. */
template <int BITS, typename V>
void multiply(float c[4], const uint32_t a[4], const uint32_t b[2], V value) {
    operands own, all[32];
    memcpy(own.a, a, sizeof own.a);
    memcpy(own.b, b, sizeof own.b);
    share(own, all);
    const int lane = now()->current % 32, group = lane / 4;
    constexpr int per = 32 / BITS;
    for (int i = 0; i < 4; ++i) {
        const int row = group + i / 2 * 8, column = lane % 4 * 2 + i % 2;
        double sum = c[i];
        for (int k = 0; k < 8 * per; ++k) {
            const int half = k / (4 * per), from = k % (4 * per) / per, shift = k % per * BITS;
            const uint32_t x = all[row % 8 * 4 + from].a[row / 8 + 2 * half] >> shift;
            const uint32_t y = all[column * 4 + from].b[half] >> shift;
            sum += (double)value(x & ((1u << BITS) - 1)) * value(y & ((1u << BITS) - 1));
        }
        c[i] = (float)sum;
    }
}

} // namespace emulated

#define threadIdx (emulated::place{(unsigned)emulated::now()->current, 0, 0})
#define blockIdx \
    (emulated::place{emulated::now()->block_x, emulated::now()->block_y, emulated::now()->block_z})
#define blockDim (emulated::place{(unsigned)emulated::now()->threads, 1, 1})
#define gridDim (emulated::now()->grid)
#define SHARED_BYTES(name) unsigned char *const name = emulated::now()->shared
#define LAUNCH(kernel, grid, threads_, shared_, stream_, ...) \
    ((void)(shared_), (void)(stream_),                        \
     emulated::launch(grid, threads_, [&] { kernel(__VA_ARGS__); }))

inline void __syncthreads() {
    emulated::wait(emulated::now()->all, emulated::now()->threads);
}
inline void __syncwarp() {
    emulated::wait_warp();
}
template <typename T> T __shfl_sync(unsigned, T value, int from) {
    T all[32];
    emulated::share(value, all);
    return all[from];
}
template <typename T> T __shfl_xor_sync(unsigned mask, T value, int distance) {
    return __shfl_sync(mask, value, emulated::now()->current % 32 ^ distance);
}
inline int atomicAdd(int *to, int value) {
    return (*to += value) - value;
}

inline void load_matrices(uint32_t out[4], const void *row) {
    const void *all[32];
    emulated::share(row, all);
    const int lane = emulated::now()->current % 32;
    for (int m = 0; m < 4; ++m)
        memcpy(&out[m], (const char *)all[8 * m + lane / 4] + lane % 4 * 4, 4);
    emulated::wait_warp();
}
inline void multiply_e4m3(float c[4], const uint32_t a[4], const uint32_t b[2]) {
    const float *const values = emulated::table<256, emulated::decode_e4m3>();
    emulated::multiply<8>(c, a, b, [values](uint32_t bits) { return values[bits]; });
}
inline void multiply_bfloat16(float c[4], const uint32_t a[4], const uint32_t b[2]) {
    emulated::multiply<16>(c, a, b, emulated::from_bfloat16);
}
inline void multiply_float16(float c[4], const uint32_t a[4], const uint32_t b[2]) {
    const float *const values = emulated::table<65536, emulated::decode_float16>();
    emulated::multiply<16>(c, a, b, [values](uint32_t bits) { return values[bits]; });
}
inline void widen_e4m3(uint32_t four, uint32_t &low, uint32_t &high) {
    uint32_t wide[4];
    for (int i = 0; i < 4; ++i)
        wide[i] = emulated::to_float16(emulated::from_e4m3(four >> 8 * i & 0xff));
    low = wide[0] | wide[1] << 16;
    high = wide[2] | wide[3] << 16;
}
inline uint16_t float16_bits(float value) {
    return (uint16_t)emulated::to_float16(value);
}
inline uint32_t pack_bfloat16(float low, float high) {
    return emulated::to_bfloat16(low) | emulated::to_bfloat16(high) << 16;
}
inline void copy_async(void *to, const void *from, bool exists, size_t bytes = 16) {
    memset(to, 0xff, bytes);
    emulated::self().groups.back().push_back({to, exists ? from : nullptr, bytes});
}
inline void copy_async_4(void *to, const void *from, bool exists) {
    copy_async(to, from, exists, 4);
}
inline void copy_commit() {
    emulated::self().groups.emplace_back();
}
template <int N> void copy_wait() {
    auto &groups = emulated::self().groups;
    while (groups.size() > N + 1) {
        for (const emulated::copy &one : groups.front()) {
            if (one.from)
                memcpy(one.to, one.from, one.bytes);
            else
                memset(one.to, 0, one.bytes);
        }
        groups.erase(groups.begin());
    }
}

typedef int cudaError_t;
enum {
    cudaSuccess = 0,
    cudaFuncAttributeMaxDynamicSharedMemorySize = 8,
    cudaDevAttrMultiProcessorCount = 16
};
inline cudaError_t cudaGetDevice(int *device) {
    *device = 0;
    return cudaSuccess;
}
inline cudaError_t cudaDeviceGetAttribute(int *value, int, int) {
    *value = 3; /* fewer than a test has tiles, which do not divide by it */
    return cudaSuccess;
}
inline cudaError_t cudaMalloc(void **memory, size_t bytes) {
    *memory = aligned_alloc(256, (bytes + 255) / 256 * 256);
    return *memory ? cudaSuccess : 2;
}
inline cudaError_t cudaFree(void *memory) {
    free(memory);
    return cudaSuccess;
}
inline cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes, void *) {
    memset(memory, value, bytes);
    return cudaSuccess;
}
template <typename K> cudaError_t cudaFuncSetAttribute(K *, int, int bytes) {
    return bytes <= 227 << 10 ? cudaSuccess : 1;
}
inline cudaError_t cudaGetLastError() {
    return cudaSuccess;
}
inline const char *cudaGetErrorString(cudaError_t) {
    return "out of shared memory";
}

#endif
