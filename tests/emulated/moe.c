/* moe.c REFERENCE.so OTHER.so SEED: two shared objects of one definition of fp8 block-scale
 * experts, called with the same inputs, at sizes that make small and middle tiles (DS) and large
 * ones. Compiled with the definition's generic contract.h; DS: 1 with DeepSeek's routing, or 0.
 * Prints a line for each size; exit status 1 when more than 2 % of the elements differ by more than
 * a hundredth (the rule forgives 5 %, float16 between the products takes about 1 %). */
#include <dlfcn.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract.h"

typedef int call_function(void *const *tensors, const void *axes, tm_stream stream);

static uint64_t next_word(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static float next_float(uint64_t *state, float low, float high) {
    return low + (high - low) * (float)(next_word(state) % 65536) / 65536;
}

static void *random_bytes(uint64_t *state, size_t count) {
    uint8_t *bytes = malloc(count);
    for (size_t i = 0; i < count; ++i) /* magnitudes up to 1.875 */
        bytes[i] = (uint8_t)(next_word(state) % 64 | (next_word(state) & 1) << 7);
    return bytes;
}

static void *random_floats(uint64_t *state, int64_t count, float low, float high) {
    float *floats = malloc((size_t)count * sizeof *floats);
    for (int64_t i = 0; i < count; ++i)
        floats[i] = next_float(state, low, high);
    return floats;
}

#if !DS
/* In pairs of equal ones, of which the smaller index is meant. */
static void *random_logits(uint64_t *state, int64_t rows, int64_t count) {
    uint16_t *logits = malloc((size_t)(rows * count) * sizeof *logits);
    for (int64_t row = 0; row < rows; ++row)
        for (int64_t i = 0; i < count; ++i) {
            int64_t at = (int64_t)(next_word(state) % (uint64_t)(i + 1));
            logits[row * count + i] = logits[row * count + at];
            logits[row * count + at] = (uint16_t)(0x3f80 + 4 * (i / 2));
        }
    return logits;
}

#endif

static call_function *load(const char *path) {
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    call_function *call = NULL;
    if (object)
        *(void **)&call = dlsym(object, "tm_call");
    if (!call)
        fprintf(stderr, "%s\n", dlerror());
    return call;
}

static float bfloat16_at(const uint16_t *from, int64_t index) {
    uint32_t bits = (uint32_t)from[index] << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

typedef struct {
    int64_t tokens, experts;
} sizes;

/* Sums are longer than what is copied ahead. */
static bool compare(call_function *const calls[2], sizes size, uint64_t seed) {
    const int64_t tokens = size.tokens;
    enum { HIDDEN = DS ? 1152 : 896, INNER = DS ? 896 : 640, TOP_K = DS ? 3 : 2 };
    const int64_t here = size.experts;
    tm_axes axes = {.seq_len = tokens,
                    .num_local_experts = here,
                    .hidden_size = HIDDEN,
                    .intermediate_size = INNER,
                    .gemm1_out_size = 2 * INNER,
                    .top_k = TOP_K,
                    .num_hidden_blocks = HIDDEN / 128,
                    .num_intermediate_blocks = INNER / 128,
                    .num_gemm1_out_blocks = INNER / 64};
    uint64_t *state = &seed;
    void *tensors[12];
    size_t count = 0;
#if DS
    enum { EXPERTS = 8 };
    tm_local_expert_offset_t offset = 2;
    tm_routed_scaling_factor_t factor = 2.5f;
    axes.num_experts = EXPERTS;
    axes.n_group = 4;
    axes.topk_group = 3;
    uint16_t *bias = calloc(EXPERTS, sizeof *bias);
    bias[3] = 0x3f00;
    tensors[count++] = random_floats(state, tokens * EXPERTS, -2, 2);
    tensors[count++] = bias;
#else
    axes.routing_method_type = 1;
    tensors[count++] = random_logits(state, tokens, here);
#endif
    tensors[count++] = random_bytes(state, (size_t)tokens * HIDDEN);
    tensors[count++] = random_floats(state, tokens * (HIDDEN / 128), 0.5f, 1.5f);
    tensors[count++] = random_bytes(state, (size_t)here * 2 * INNER * HIDDEN);
    tensors[count++] = random_floats(state, (int64_t)here * (INNER / 64) * (HIDDEN / 128), 0.5f, 2);
    tensors[count++] = random_bytes(state, (size_t)here * HIDDEN * INNER);
    tensors[count++] =
        random_floats(state, (int64_t)here * (HIDDEN / 128) * (INNER / 128), 0.05f, 0.2f);
#if DS
    tensors[count++] = &offset;
    tensors[count++] = &factor;
    size_t owned = count - 2;
#else
    size_t owned = count;
#endif
    int64_t elems = tokens * HIDDEN, wrong = 0;
    uint16_t *outputs[2];
    int status = 0;
    for (int i = 0; i < 2; ++i) {
        outputs[i] = malloc((size_t)elems * sizeof *outputs[i]);
        memset(outputs[i], 0xff, (size_t)elems * sizeof *outputs[i]);
        tensors[count] = outputs[i];
        status |= calls[i](tensors, &axes, NULL);
    }
    double largest = 0, squares = 0;
    for (int64_t i = 0; i < elems; ++i) {
        double x = bfloat16_at(outputs[1], i), y = bfloat16_at(outputs[0], i);
        double error = fabs(x - y);
        wrong += !(error <= 0.01 || error <= 0.01 * fabs(y));
        largest = error > largest ? error : largest;
        squares += y * y;
    }
    bool good = status == 0 && (double)wrong <= 0.02 * (double)elems && squares > 0;
    printf("%s seq_len %lld: %lld of %lld elements differ, by %.2g at most, of %.2g\n",
           good ? "good" : "bad", (long long)tokens, (long long)wrong, (long long)elems, largest,
           sqrt(squares / (double)elems));
    for (size_t i = 0; i < owned; ++i)
        free(tensors[i]);
    free(outputs[0]);
    free(outputs[1]);
    return good;
}

int main(int argc, char **argv) {
    if (argc != 4)
        return 2;
    call_function *calls[2] = {load(argv[1]), load(argv[2])};
    if (!calls[0] || !calls[1])
        return 2;
#if DS
    static const sizes all[] = {{1, 5}, {15, 3}, {40, 2}};
#else
    static const sizes all[] = {{150, 3}};
#endif
    bool good = true;
    for (size_t i = 0; i < sizeof all / sizeof *all; ++i)
        good = compare(calls, all[i], strtoull(argv[3], NULL, 10) + i) && good;
    return good ? 0 : 1;
}
