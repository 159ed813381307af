/* attention SEED: the native references of attention as a GPU runs them, a warp per tile of rows,
 * lane by lane on the CPU, against sums in double. A line for each shape; exit status 1 when one is
 * wrong. That they are right on the CPU, where a team is one lane, says little of how lanes share
 * vectors.
 */
#include "warps.h"

/* Stands in for reference.h, whose launches are not C++. */
#define TM_REFERENCE_H
#define TM_ON_GPU 1
#define TM_TEAM 32
#define TM_ITEM static inline
#define TM_UNROLL
#define TM_SUMS(variable)
#define TM_DRIVER_OF(run, job_type, item, lanes, chunk)                                            \
    static int run(const job_type *job, int64_t items, tm_stream) {                                \
        run_block(0, 0, [&] {                                                                      \
            const int lane = (int)threadIdx.x % warp_lanes;                                        \
            for (int64_t i = threadIdx.x / warp_lanes; i < items; i += block_threads / warp_lanes) \
                item(job, i, lane);                                                                \
        });                                                                                        \
        return 0;                                                                                  \
    }
#include "tracemill.h"

using element = emulated_bfloat16;
using attention_q = element;
using attention_q_tail = element;
using attention_k = element;
using attention_k_tail = element;
using attention_v = element;
using attention_output = element;

static float tm_load(const element *base, int64_t index) {
    return base[index];
}

static void tm_store(element *base, int64_t index, float value) {
    base[index] = element(value);
}

/* The absorbed MLA, whose values are in its keys, and the others; a family has one of them. */
namespace latent {
#define ATTENTION_VALUES_IN_KEYS 1
#include "kernels/reference/attention.h"
} // namespace latent
#undef TM_ATTENTION_H
#undef ATTENTION_UNROLL
#undef ATTENTION_VALUES_IN_KEYS
namespace grouped {
#define ATTENTION_VALUES_IN_KEYS 0
#include "kernels/reference/attention.h"
} // namespace grouped

namespace {

struct shape {
    const char *name;
    bool is_latent;
    int qo_heads, kv_heads, elems, tail_elems, v_elems, page_size;
    std::vector<int> queries; /* of each request; empty: decoding */
    std::vector<int> keys;
};

std::vector<element> draw(size_t elems) {
    std::normal_distribution<float> normal;
    std::vector<element> values(elems + 1);
    for (element &value : values)
        value = element(normal(device.random));
    return values;
}

struct row {
    int queries, pages;
    std::vector<element> q, q_tail, k, k_tail, v, output;
    std::vector<float> lse;
    std::vector<int> qo_indptr = {0}, kv_indptr = {0}, kv_indices, last_page_len;
};

row make(const shape &s) {
    row r;
    for (size_t i = 0; i < s.keys.size(); ++i) {
        const int pages = (s.keys[i] + s.page_size - 1) / s.page_size;
        r.qo_indptr.push_back(r.qo_indptr.back() + (s.queries.empty() ? 1 : s.queries[i]));
        r.kv_indptr.push_back(r.kv_indptr.back() + pages);
        r.last_page_len.push_back(pages ? s.keys[i] - (pages - 1) * s.page_size : 0);
    }
    r.queries = r.qo_indptr.back();
    r.pages = r.kv_indptr.back() + 3;
    for (int i = 0; i < r.pages; ++i)
        r.kv_indices.push_back(i);
    std::shuffle(r.kv_indices.begin(), r.kv_indices.end(), device.random);
    const size_t rows = (size_t)r.queries * s.qo_heads;
    const size_t places = (size_t)r.pages * s.page_size * s.kv_heads;
    r.q = draw(rows * s.elems);
    r.q_tail = draw(rows * s.tail_elems);
    r.k = draw(places * s.elems);
    r.k_tail = draw(places * s.tail_elems);
    r.v = s.is_latent ? r.k : draw(places * s.v_elems);
    r.output = draw(rows * s.v_elems);
    r.lse.assign(rows, NAN);
    return r;
}

template <typename J> J describe(const shape &s, row &r) {
    J job = {};
    job.q = r.q.data();
    job.q_tail = r.q_tail.data();
    job.k = r.k.data();
    job.k_tail = r.k_tail.data();
    job.v = r.v.data();
    job.output = r.output.data();
    job.lse = r.lse.data();
    job.qo_indptr = s.queries.empty() ? nullptr : r.qo_indptr.data();
    job.kv_indptr = r.kv_indptr.data();
    job.kv_indices = r.kv_indices.data();
    job.last_page_len = r.last_page_len.data();
    job.queries = r.queries;
    job.requests = (int64_t)s.keys.size();
    job.qo_heads = s.qo_heads;
    job.kv_heads = s.kv_heads;
    job.elems = s.elems;
    job.tail_elems = s.tail_elems;
    job.v_elems = s.v_elems;
    job.indices = r.kv_indptr.back();
    job.last_pages = (int64_t)s.keys.size();
    job.pages = r.pages;
    job.page_size = s.page_size;
    job.sm_scale = 1 / sqrtf((float)(s.elems + s.tail_elems));
    return job;
}

/* How far the farthest element of a row is from what it should be; a wrong lse is 1 or more. */
double judge(const shape &s, const row &r, int request, int query, int head) {
    const int behind = r.qo_indptr[request + 1] - 1 - query;
    const int seen = max(0, s.queries.empty() ? s.keys[request] : s.keys[request] - behind);
    const size_t number = (size_t)query * s.qo_heads + head;
    std::vector<double> weights, sums(s.v_elems);
    double most = -INFINITY, total = 0, worst = 0;
    const auto place = [&](int key) {
        const int page = r.kv_indices[r.kv_indptr[request] + key / s.page_size];
        return ((size_t)page * s.page_size + key % s.page_size) * s.kv_heads +
               head / (s.qo_heads / s.kv_heads);
    };
    for (int key = 0; key < seen; ++key) {
        double dot = 0;
        for (int d = 0; d < s.elems; ++d)
            dot += (double)r.q[number * s.elems + d] * (double)r.k[place(key) * s.elems + d];
        for (int d = 0; d < s.tail_elems; ++d)
            dot += (double)r.q_tail[number * s.tail_elems + d] *
                   (double)r.k_tail[place(key) * s.tail_elems + d];
        weights.push_back(dot / sqrt(s.elems + s.tail_elems));
        most = fmax(most, weights.back());
    }
    for (int key = 0; key < seen; ++key) {
        weights[key] = exp(weights[key] - most);
        total += weights[key];
        for (int d = 0; d < s.v_elems; ++d)
            sums[d] += weights[key] * (double)r.v[place(key) * s.v_elems + d];
    }
    const double lse = seen > 0 ? (most + log(total)) / log(2) : -INFINITY;
    if (!(r.lse[number] == lse || fabs(r.lse[number] - lse) < 1e-4))
        return 1;
    for (int d = 0; d < s.v_elems; ++d) {
        const double wanted = seen > 0 ? sums[d] / total : 0;
        const double error = fabs((double)r.output[number * s.v_elems + d] - wanted);
        worst = error <= worst ? worst : error == error ? error : 1;
    }
    return worst;
}

bool check(const shape &s, unsigned seed) {
    device.random.seed(seed);
    row r = make(s);
    if (s.is_latent)
        latent::attention_run(describe<latent::attention_job>(s, r), nullptr);
    else
        grouped::attention_run(describe<grouped::attention_job>(s, r), nullptr);
    double worst = 0;
    for (size_t request = 0; request < s.keys.size(); ++request) {
        for (int query = r.qo_indptr[request]; query < r.qo_indptr[request + 1]; ++query) {
            for (int head = 0; head < s.qo_heads; ++head)
                worst = fmax(worst, judge(s, r, (int)request, query, head));
        }
    }
    const bool good = worst < 0.016; /* half of a rounding to bfloat16 of values up to 8 */
    printf(good ? "PASS emulation/%s/seed %u: largest error %.2g\n"
                : "FAIL emulation/%s/seed %u: expected errors of a rounding, got %.2g\n",
           s.name, seed, worst);
    return good;
}

} // namespace

int main(int argc, char **argv) {
    const shape shapes[] = {
        {"mla prefill", true, 16, 1, 512, 64, 512, 16, {5, 0, 3, 7}, {20, 9, 3, 2}},
        {"mla decode", true, 5, 1, 512, 64, 512, 1, {}, {20, 0, 70}},
        {"mla of other sizes", true, 3, 1, 80, 24, 80, 4, {}, {7, 30}},
        {"gqa prefill", false, 8, 2, 128, 0, 128, 16, {5, 0, 3, 7}, {20, 9, 3, 2}},
        {"gqa decode, 64 elements", false, 6, 2, 64, 0, 64, 1, {}, {20, 0, 70}},
        {"heads of 192 and 128", false, 4, 4, 192, 0, 128, 1, {9, 1}, {9, 40}},
        {"256 elements", false, 16, 2, 256, 0, 256, 64, {9, 1}, {9, 140}},
        {"96 elements", false, 3, 1, 96, 0, 96, 4, {9, 1}, {9, 14}},
    };
    const unsigned seed = argc > 1 ? (unsigned)strtoul(argv[1], nullptr, 10) : 1;
    bool good = true;
    for (const shape &s : shapes)
        good = check(s, seed) && good;
    return good ? 0 : 1;
}
