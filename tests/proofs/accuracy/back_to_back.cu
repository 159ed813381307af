/* back_to_back SOLUTION.so AXES BYTES...: ns per call of a solution, called many times in a row in
 * one CUDA graph, over more memory than the L2 holds. AXES is a comma list for tm_axes, BYTES are
 * those of each tensor. Prints the median of several rounds.
 *
 * It knows nothing of the harness and shares no code with it. What it reads contains what lies
 * between two kernels of a graph, and the write-back of what earlier calls left dirty in the L2. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <vector>

typedef int (*call_type)(void *const *tensors, const void *axes, cudaStream_t stream);

static void check(cudaError_t status, const char *what) {
    if (status == cudaSuccess)
        return;
    fprintf(stderr, "back_to_back: %s: %s\n", what, cudaGetErrorString(status));
    exit(1);
}

/* Between 0.5 and 1 or their negatives, both as bfloat16 and as float32: zeros would cost a
 * multiplier less power. */
static __global__ void fill(uint16_t *data, size_t count, uint32_t seed) {
    const size_t step = (size_t)gridDim.x * blockDim.x;
    for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
        uint32_t bits = (uint32_t)i * 2654435761u + seed;
        bits = (bits ^ bits >> 15) * 2246822519u;
        bits ^= bits >> 13;
        data[i] = (uint16_t)((bits & 0x8000u) | 0x3f00u | (bits & 0x7fu));
    }
}

struct bench {
    call_type call;
    std::vector<int64_t> axes;
    std::vector<std::vector<void *>> sets; /* of tensors */
    cudaStream_t stream;
    cudaEvent_t begin, end;

    void calls(int count) {
        for (int i = 0; i < count; i++)
            if (call(sets[i % sets.size()].data(), axes.data(), stream) != 0) {
                fprintf(stderr, "back_to_back: the call failed\n");
                exit(1);
            }
    }
    template <typename F> double time(F work) {
        float ms = 0;
        check(cudaEventRecord(begin, stream), "record");
        work();
        check(cudaEventRecord(end, stream), "record");
        check(cudaEventSynchronize(end), "run");
        check(cudaEventElapsedTime(&ms, begin, end), "elapsed");
        return ms * 1e6;
    }
};

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: back_to_back SOLUTION.so AXES BYTES...\n");
        return 2;
    }
    bench b;
    void *object = dlopen(argv[1], RTLD_NOW);
    b.call = object ? (call_type)dlsym(object, "tm_call") : nullptr;
    if (!b.call) {
        fprintf(stderr, "back_to_back: %s\n", dlerror());
        return 1;
    }
    for (char *at = argv[2]; *at; at += *at == ',')
        b.axes.push_back(strtoll(at, &at, 10));
    b.axes.resize(b.axes.size() + 16); /* constants, which none of ours reads */
    size_t bytes = 0;
    for (int i = 3; i < argc; i++)
        bytes += strtoull(argv[i], nullptr, 10);
    int l2 = 0;
    check(cudaDeviceGetAttribute(&l2, cudaDevAttrL2CacheSize, 0), "no device");
    check(cudaStreamCreate(&b.stream), "stream");
    check(cudaEventCreate(&b.begin), "event");
    check(cudaEventCreate(&b.end), "event");
    b.sets.resize(std::min<size_t>(4 * (size_t)l2 / bytes + 2, 512));
    for (std::vector<void *> &set : b.sets)
        for (int i = 3; i < argc; i++) {
            const size_t size = strtoull(argv[i], nullptr, 10);
            void *tensor = nullptr;
            check(cudaMalloc(&tensor, size), "memory");
            fill<<<1024, 256, 0, b.stream>>>((uint16_t *)tensor, size / 2, (uint32_t)i);
            set.push_back(tensor);
        }
    b.calls(3);
    const double once = b.time([&] { b.calls(10); }) / 10;
    const int count = (int)std::min(2000.0, std::max(20.0, 5e7 / once));
    cudaGraph_t graph;
    cudaGraphExec_t ready;
    check(cudaStreamBeginCapture(b.stream, cudaStreamCaptureModeRelaxed), "capture");
    b.calls(count);
    check(cudaStreamEndCapture(b.stream, &graph), "capture");
    check(cudaGraphInstantiate(&ready, graph, 0), "graph");
    std::vector<double> rounds;
    for (int i = 0; i < 8; i++) {
        const double ns = b.time([&] { check(cudaGraphLaunch(ready, b.stream), "launch"); });
        if (i > 0)
            rounds.push_back(ns / count);
    }
    std::sort(rounds.begin(), rounds.end());
    printf("%.1f\n", rounds[rounds.size() / 2]);
    return 0;
}
