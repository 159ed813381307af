/* gqa_paged_decode_split SEED: the CUDA baseline of paged decode, thread by thread on the CPU,
 * against sums in double. A line for each shape; exit status 1 when one is wrong. */
#include "warps.h"

#include "kernels/baseline/gqa_paged/gqa_paged_decode_split.h"

namespace {

uint4 shared[1 << 15];

struct shape {
    const char *name;
    int head_dim, qo_heads, kv_heads, page_size;
    bool has_last_page_len;
    int chunk_keys;
    std::vector<int> keys; /* of each request */
};

using element = emulated_bfloat16;

std::vector<element> draw(size_t elems) {
    std::normal_distribution<float> normal;
    std::vector<element> values(elems + 8);
    for (element &value : values)
        value = element(normal(device.random));
    return values;
}

/* 16-byte vectors are copied from there. */
const element *aligned(const std::vector<element> &values) {
    return (const element *)(((uintptr_t)values.data() + 15) / 16 * 16);
}

struct row {
    std::vector<element> q, k, v, output;
    std::vector<float> lse, part_sums;
    std::vector<float2> part_states;
    std::vector<int> arrived;
    std::vector<int> kv_indptr = {0}, kv_indices, last_page_len;
};

problem<element> make(const shape &s, row &r) {
    for (int keys : s.keys) {
        const int pages = (keys + s.page_size - 1) / s.page_size;
        r.kv_indptr.push_back(r.kv_indptr.back() + pages);
        r.last_page_len.push_back(pages ? keys - (pages - 1) * s.page_size : 0);
    }
    const int requests = (int)s.keys.size(), indices = r.kv_indptr.back(), pages = indices + 3;
    for (int i = 0; i < pages; ++i)
        r.kv_indices.push_back(i);
    std::shuffle(r.kv_indices.begin(), r.kv_indices.end(), device.random);
    const size_t cache = (size_t)pages * s.page_size * s.kv_heads * s.head_dim;
    const size_t rows = (size_t)requests * s.qo_heads;
    r.q = draw(rows * s.head_dim);
    r.k = draw(cache);
    r.v = draw(cache);
    r.output = draw(rows * s.head_dim);
    r.lse.assign(rows, NAN);
    problem<element> p = {};
    p.q = aligned(r.q);
    p.k = aligned(r.k);
    p.v = aligned(r.v);
    p.output = r.output.data();
    p.lse = r.lse.data();
    p.kv_indptr = r.kv_indptr.data();
    p.kv_indices = r.kv_indices.data();
    p.last_page_len = s.has_last_page_len ? r.last_page_len.data() : nullptr;
    p.requests = requests;
    p.qo_heads = s.qo_heads;
    p.kv_heads = s.kv_heads;
    p.group = s.qo_heads / s.kv_heads;
    p.head_tiles = (p.group + tile_rows - 1) / tile_rows;
    p.page_size = s.page_size;
    p.indices = indices;
    p.chunk_keys = s.chunk_keys;
    p.chunks = max((indices * s.page_size + s.chunk_keys - 1) / s.chunk_keys, 1);
    p.scale = 1.44269504f / sqrtf((float)s.head_dim);
    r.part_sums.resize((size_t)count_parts(p) * s.qo_heads * s.head_dim + 4);
    r.part_states.resize((size_t)count_parts(p) * s.qo_heads);
    r.arrived.assign((size_t)count_counters(p) * s.kv_heads * p.head_tiles, 0);
    p.part_sums = (float *)(((uintptr_t)r.part_sums.data() + 15) / 16 * 16);
    p.part_states = r.part_states.data();
    p.arrived = r.arrived.data();
    return p;
}

template <int D> void run(const problem<element> &p) {
    run_grid(p.chunks, p.kv_heads * p.head_tiles, 3, shared, shared_bytes<D>,
             [&] { attend_chunk<element, D>(p); });
}

/* How far the farthest element is from what it should be; a wrong lse is 1 or more. */
double judge(const shape &s, const problem<element> &p, int request, int head) {
    const int first = p.kv_indptr[request];
    const int keys =
        s.has_last_page_len ? s.keys[request] : (p.kv_indptr[request + 1] - first) * s.page_size;
    const auto vector = [&](const element *cache, int key) {
        const size_t page = (size_t)p.kv_indices[first + key / s.page_size];
        const size_t at = (page * s.page_size + key % s.page_size) * s.kv_heads + head / p.group;
        return cache + at * s.head_dim;
    };
    const size_t number = (size_t)request * s.qo_heads + head;
    std::vector<double> weights, sums(s.head_dim);
    double most = -INFINITY, total = 0, worst = 0;
    for (int key = 0; key < keys; ++key) {
        double dot = 0;
        for (int d = 0; d < s.head_dim; ++d)
            dot += (double)p.q[number * s.head_dim + d] * (double)vector(p.k, key)[d];
        weights.push_back(dot / sqrt(s.head_dim));
        most = fmax(most, weights.back());
    }
    for (int key = 0; key < keys; ++key) {
        weights[key] = exp(weights[key] - most);
        total += weights[key];
        for (int d = 0; d < s.head_dim; ++d)
            sums[d] += weights[key] * (double)vector(p.v, key)[d];
    }
    const double lse = keys > 0 ? (most + log(total)) / log(2) : -INFINITY;
    if (!(p.lse[number] == lse || fabs(p.lse[number] - lse) < 1e-4))
        return 1;
    for (int d = 0; d < s.head_dim; ++d) {
        const double wanted = keys > 0 ? sums[d] / total : 0;
        const double error = fabs((double)p.output[number * s.head_dim + d] - wanted);
        worst = error <= worst ? worst : error == error ? error : 1;
    }
    return worst;
}

/* A launch leaves the counters as the next one needs them. */
bool check(const shape &s, unsigned seed) {
    device.random.seed(seed);
    row r;
    const problem<element> p = make(s, r);
    double worst = 0;
    for (int launch = 0; launch < 2; ++launch) {
        std::fill(r.output.begin(), r.output.end(), element(NAN));
        std::fill(r.lse.begin(), r.lse.end(), NAN);
        std::fill(r.part_sums.begin(), r.part_sums.end(), NAN);
        std::fill(r.part_states.begin(), r.part_states.end(), make_float2(NAN, NAN));
        switch (s.head_dim) {
        case 64:
            run<64>(p);
            break;
        case 128:
            run<128>(p);
            break;
        default:
            run<256>(p);
        }
        for (int request = 0; request < p.requests; ++request) {
            for (int head = 0; head < s.qo_heads; ++head)
                worst = fmax(worst, judge(s, p, request, head));
        }
        for (int count : r.arrived)
            worst = count == 0 ? worst : 1;
    }
    /* Weights and output are rounded to bfloat16: 2^-9 of values up to 4. */
    const bool good = worst < 0.016;
    printf(good ? "PASS emulation/%s/seed %u: largest error %.2g\n"
                : "FAIL emulation/%s/seed %u: expected errors of a rounding, got %.2g\n",
           s.name, seed, worst);
    return good;
}

/* Chunks of all columns fit on the device at once, and none has a warp without a tile. */
bool check_chunks() {
    for (int slots = 1; slots < 1 << 20; slots += slots / 7 + 1) {
        for (int requests : {1, 7, 64, 1000}) {
            for (int wanted : {1, 16, 33, 264}) {
                const int keys = choose_chunk(slots, requests, wanted);
                if (keys % tile_keys == 0 && keys >= warps * tile_keys &&
                    (slots + keys - 1) / keys <= wanted)
                    continue;
                printf("FAIL emulation/chunks: expected at most %d of %d keys, got %d keys each\n",
                       wanted, slots, keys);
                return false;
            }
        }
    }
    printf("PASS emulation/chunks\n");
    return true;
}

} // namespace

int main(int argc, char **argv) {
    const shape shapes[] = {
        {"one request", 128, 4, 1, 1, false, 64, {70}},
        {"requests without keys", 128, 8, 2, 1, false, 64, {0, 5, 0, 130, 64, 1}},
        {"nothing at all", 64, 2, 2, 16, true, 64, {0, 0, 0}},
        {"last pages", 128, 8, 1, 16, true, 64, {100, 33, 0, 257, 16}},
        {"chunks within pages", 64, 5, 1, 64, true, 16, {1, 64, 65, 300}},
        {"20 heads in a group", 256, 20, 1, 16, true, 64, {17, 40, 100}},
        {"one chunk", 128, 6, 2, 16, false, 16000, {100, 33, 0, 257, 16}},
        {"many short requests", 128, 3, 1, 1, false, 128, {200, 3, 3, 3, 3, 3, 150}},
        {"parts in groups", 64, 2, 2, 1, false, 16, {20, 512, 0, 600, 3, 530}},
        {"200 requests", 64, 1, 1, 1, false, 32, std::vector<int>(200, 3)},
    };
    const unsigned seed = argc > 1 ? (unsigned)strtoul(argv[1], nullptr, 10) : 1;
    bool good = check_chunks();
    for (const shape &s : shapes)
        good = check(s, seed) && good;
    return good ? 0 : 1;
}
