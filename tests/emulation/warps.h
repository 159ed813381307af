/* warps: enough of a GPU to run a kernel's source on a machine without one: a block's threads are
 * fibers on one core, which meet at barriers and where lanes of a warp exchange values. Threads go
 * on in random order, and so do the blocks of a grid, a few of which are under way at a time; an
 * asynchronous copy arrives when it was started or not before it is waited for, by chance: what a
 * missing wait leaves undefined differs. An atomic without a fence before it ends the run.
 *
 * Has what warp_tiles.h has, by the PTX ISA's description of each instruction, and stands in for
 * it. Deliberately does not know time, caches or bank conflicts, and lanes need not be converged.
 */
#ifndef WARPS_H
#define WARPS_H

#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <utility>
#include <vector>

#define WARP_TILES_H /* instead of it */
#define __device__
#define __global__
#define __shared__
#define __forceinline__ inline
#define __launch_bounds__(threads)
#define threadIdx (running_fiber().thread)
#define blockIdx (device.now->at)

using std::max;
using std::min;

struct place {
    int x, y, z;
};
struct alignas(16) uint4 {
    uint32_t x, y, z, w;
};
struct float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
inline float2 make_float2(float x, float y) {
    return {x, y};
}

/* bfloat16 */
struct emulated_bfloat16 {
    uint16_t bits = 0;
    emulated_bfloat16() = default;
    explicit emulated_bfloat16(float value) {
        uint32_t word;
        memcpy(&word, &value, sizeof word);
        bits = value != value ? 0x7fc0 : (uint16_t)((word + 0x7fff + (word >> 16 & 1)) >> 16);
    }
    operator float() const {
        const uint32_t word = (uint32_t)bits << 16;
        float value;
        memcpy(&value, &word, sizeof value);
        return value;
    }
};

using copies = std::vector<std::pair<void *, const void *>>;

struct fiber {
    ucontext_t context;
    place thread;
    bool done;
    bool fenced;                /* since the last barrier */
    copies started;             /* since the last commit */
    std::vector<copies> groups; /* committed and not waited for */
    uint64_t exchanged[4];      /* what the other lanes of the warp see */
    std::vector<char> stack;
};

struct barrier {
    int arrived = 0, generation = 0;
};

constexpr int block_threads = 128, warp_lanes = 32;

struct emulated_block {
    fiber fibers[block_threads];
    barrier warps[block_threads / warp_lanes], all;
    place at;
    std::vector<int> waiting;
    int asleep[block_threads / warp_lanes] = {}; /* rounds */
    std::vector<char> shared;                    /* while another one runs */
};

struct emulated_device {
    std::vector<emulated_block> blocks;
    emulated_block *now = nullptr;
    int running = 0; /* thread */
    ucontext_t scheduler;
    std::mt19937 random;
    std::function<void()> kernel;
};
static emulated_device device;

inline fiber &running_fiber() {
    return device.now->fibers[device.running];
}

/* From a fiber, too, whose stack exit would take away. */
[[noreturn]] inline void stop(const char *why) {
    printf("FAIL emulation: %s\n", why);
    fflush(stdout);
    _Exit(1);
}

inline void wait_at(barrier &here, int threads) {
    const int generation = here.generation;
    running_fiber().fenced = false;
    if (++here.arrived == threads) {
        here.arrived = 0;
        ++here.generation;
        return;
    }
    while (here.generation == generation)
        swapcontext(&running_fiber().context, &device.scheduler);
}

inline void __syncthreads() {
    wait_at(device.now->all, block_threads);
}

inline void __syncwarp() {
    wait_at(device.now->warps[device.running / warp_lanes], warp_lanes);
}

/* Shows `bytes` of `mine` to the warp, looks at all lanes' by `look`, and goes on when all have. */
template <typename F> void exchange(const void *mine, size_t bytes, F look) {
    memcpy(running_fiber().exchanged, mine, bytes);
    __syncwarp();
    const fiber *first = &device.now->fibers[device.running / warp_lanes * warp_lanes];
    look([first](int lane) { return first[lane].exchanged; });
    __syncwarp();
}

inline unsigned __ballot_sync(unsigned, bool mine) {
    const uint64_t word = mine;
    unsigned all = 0;
    exchange(&word, sizeof word, [&](auto of) {
        for (int lane = 0; lane < warp_lanes; ++lane)
            all |= (unsigned)of(lane)[0] << lane;
    });
    return all;
}

inline bool __any_sync(unsigned mask, bool mine) {
    return __ballot_sync(mask, mine) != 0;
}

inline int __popc(unsigned word) {
    return __builtin_popcount(word);
}

inline long long __shfl_sync(unsigned, long long mine, int lane) {
    long long value = 0;
    exchange(&mine, sizeof mine, [&](auto of) { memcpy(&value, of(lane), sizeof value); });
    return value;
}

inline float __shfl_xor_sync(unsigned, float mine, int distance) {
    const int lane = device.running % warp_lanes;
    float value = 0;
    exchange(&mine, sizeof mine,
             [&](auto of) { memcpy(&value, of(lane ^ distance), sizeof value); });
    return value;
}

inline void __threadfence() {
    running_fiber().fenced = true;
}

inline int atomicAdd(int *to, int value) {
    if (!running_fiber().fenced)
        stop("atomicAdd: expected a fence between the last barrier and it");
    *to += value;
    return *to - value;
}

template <typename T> T __ldcg(const T *from) {
    return *from;
}

inline void prefetch(const void *) {
}

inline void copy_async(void *to, const void *from) {
    if ((uintptr_t)to % 16 != 0 || (uintptr_t)from % 16 != 0)
        stop("copy_async: expected addresses that are multiples of 16");
    if (device.random() % 2)
        memcpy(to, from, 16);
    else
        running_fiber().started.push_back({to, from});
}

inline void commit_copies() {
    running_fiber().groups.push_back(std::move(running_fiber().started));
    running_fiber().started.clear();
}

template <int PENDING> void wait_for_copies() {
    std::vector<copies> &groups = running_fiber().groups;
    while ((int)groups.size() > PENDING) {
        for (const auto &[to, from] : groups[0])
            memcpy(to, from, 16);
        groups.erase(groups.begin());
    }
}

inline void load_matrices(uint32_t (&to)[4], const void *row) {
    const uint64_t address = (uint64_t)row;
    const int lane = device.running % warp_lanes;
    exchange(&address, sizeof address, [&](auto of) {
        for (int i = 0; i < 4; ++i)
            memcpy(&to[i], (const uint16_t *)of(i * 8 + lane / 4)[0] + lane % 4 * 2, 4);
    });
}

inline void load_transposed(uint32_t (&to)[4], const void *row) {
    const uint64_t address = (uint64_t)row;
    const int lane = device.running % warp_lanes;
    exchange(&address, sizeof address, [&](auto of) {
        for (int i = 0; i < 4; ++i) {
            const auto *one = (const uint16_t *)of(i * 8 + lane % 4 * 2)[0];
            const auto *two = (const uint16_t *)of(i * 8 + lane % 4 * 2 + 1)[0];
            to[i] = one[lane / 4] | (uint32_t)two[lane / 4] << 16;
        }
    });
}

inline float half_of(uint32_t pair, int high) {
    emulated_bfloat16 value;
    value.bits = (uint16_t)(high ? pair >> 16 : pair);
    return value;
}

inline void multiply_add(float (&sums)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1,
                         emulated_bfloat16) {
    const uint32_t mine[6] = {a[0], a[1], a[2], a[3], b0, b1};
    const int lane = device.running % warp_lanes;
    exchange(mine, sizeof mine, [&](auto of) {
        for (int i = 0; i < 4; ++i) {
            const int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
            for (int k = 0; k < 16; ++k) {
                const auto *left = (const uint32_t *)of(row % 8 * 4 + k % 8 / 2);
                const auto *right = (const uint32_t *)of(column * 4 + k % 8 / 2);
                sums[i] +=
                    half_of(left[row / 8 + k / 8 * 2], k % 2) * half_of(right[4 + k / 8], k % 2);
            }
        }
    });
}

inline uint32_t pack_pair(float low, float high, emulated_bfloat16) {
    return emulated_bfloat16(low).bits | (uint32_t)emulated_bfloat16(high).bits << 16;
}

inline void run_fiber() {
    device.kernel();
    running_fiber().done = true;
    for (;;)
        swapcontext(&running_fiber().context, &device.scheduler);
}

inline void start_block(emulated_block &block, place at) {
    block.at = at;
    block.waiting.clear();
    for (int i = 0; i < block_threads; ++i) {
        fiber &f = block.fibers[i];
        f.thread = {i, 0, 0};
        f.done = false;
        f.fenced = false;
        f.started.clear();
        f.groups.clear();
        f.stack.resize(1 << 17);
        getcontext(&f.context);
        f.context.uc_stack.ss_sp = f.stack.data();
        f.context.uc_stack.ss_size = f.stack.size();
        f.context.uc_link = nullptr;
        makecontext(&f.context, run_fiber, 0);
        block.waiting.push_back(i);
    }
}

/* Each thread that is not done goes on to where it waits; but now and then a warp falls far behind
 * the others. */
inline void run_round(emulated_block &block) {
    device.now = &block;
    std::shuffle(block.waiting.begin(), block.waiting.end(), device.random);
    for (int &rounds : block.asleep)
        rounds = rounds > 0 ? rounds - 1 : device.random() % 64 == 0 ? device.random() % 64 : 0;
    for (int i : block.waiting) {
        if (block.asleep[i / warp_lanes] > 0)
            continue;
        device.running = i;
        swapcontext(&device.scheduler, &block.fibers[i].context);
    }
    block.waiting.erase(std::remove_if(block.waiting.begin(), block.waiting.end(),
                                       [&](int i) { return block.fibers[i].done; }),
                        block.waiting.end());
}

/* A grid of blocks of 128 threads, in random order, `resident` of them under way at a time; shared
 * memory, filled with NaN for a new block, is `bytes` at `shared`. */
inline void run_grid(int columns, int rows, int resident, void *shared, size_t bytes,
                     const std::function<void()> &kernel) {
    std::vector<place> left;
    for (int i = 0; i < columns * rows; ++i)
        left.push_back({i % columns, i / columns, 0});
    std::shuffle(left.begin(), left.end(), device.random);
    device.kernel = kernel;
    device.blocks.resize((size_t)resident);
    std::vector<emulated_block *> idle, busy;
    for (emulated_block &block : device.blocks)
        idle.push_back(&block);
    for (int turns = 0; !left.empty() || !busy.empty(); ++turns) {
        if (turns == 100000)
            stop("threads wait for each other");
        if (!left.empty() && !idle.empty()) {
            start_block(*idle.back(), left.back());
            idle.back()->shared.assign(bytes, (char)0xff);
            busy.push_back(idle.back());
            idle.pop_back();
            left.pop_back();
            continue;
        }
        const size_t chosen = device.random() % busy.size();
        emulated_block &block = *busy[chosen];
        memcpy(shared, block.shared.data(), bytes);
        for (int round = device.random() % 256; round >= 0 && !block.waiting.empty(); --round)
            run_round(block);
        memcpy(block.shared.data(), shared, bytes);
        if (block.waiting.empty()) {
            idle.push_back(&block);
            busy.erase(busy.begin() + (std::ptrdiff_t)chosen);
        }
    }
}

/* One block of 128 threads. Shared memory, the kernel's own affair, should be filled anew. */
inline void run_block(int x, int y, const std::function<void()> &kernel) {
    device.kernel = kernel;
    device.blocks.resize(1);
    emulated_block &block = device.blocks[0];
    start_block(block, {x, y, 0});
    for (int rounds = 0; !block.waiting.empty(); ++rounds) {
        if (rounds == 10000000)
            stop("threads wait for each other");
        run_round(block);
    }
}

#endif
