/* emulated_warpgroup: warpgroup.cuh's asynchronous products. The result is there no sooner than it
 * is waited for, and is not a number where the operands were others by then than at the beginning.
 */
#ifndef TM_EMULATED_WARPGROUP_H
#define TM_EMULATED_WARPGROUP_H

inline void publish_shared() {
}
inline void group_open() {
}
inline void group_commit() {
    emulated::self().products.emplace_back();
}

inline uint64_t checksum(uint64_t so_far, const void *from, size_t bytes) {
    for (size_t i = 0; i < bytes; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, static_cast<const char *>(from) + i, sizeof word);
        so_far = (so_far ^ word) * 0x9e3779b97f4a7c15u;
    }
    return so_far;
}

/* `operands`: a checksum of what this lane looks after. */
template <int N, typename A, typename C>
void group_multiply_later(float (&d)[N][4], const A &a, const unsigned char *b, C operands) {
    struct result {
        float d[N][4];
    } made;
    multiply_now(made.d, a, b);
    for (float(&four)[4] : d)
        for (float &one : four)
            one = NAN;
    const uint64_t early = operands();
    emulated::self().products.back().push_back([&d, operands, made, early] {
        if (operands() == early)
            memcpy(d, made.d, sizeof d);
    });
}
template <int N>
void group_multiply(float (&d)[N][4], const unsigned char *a, const unsigned char *b) {
    const int thread = (int)threadIdx.x;
    group_multiply_later(d, a, b, [=]() -> uint64_t {
        return thread % 32 ? 0
                           : checksum(checksum(0, a + thread / 32 % 4 * 16 * line, 16 * line), b,
                                      8 * N * line);
    });
}
/* `a` stays the caller's until then as well. */
template <int N>
void group_multiply(float (&d)[N][4], const uint32_t (&a)[4][4], const unsigned char *b) {
    const int thread = (int)threadIdx.x;
    group_multiply_later(d, a, b, [=, &a]() -> uint64_t {
        return checksum(thread % 32 ? 0 : checksum(0, b, 8 * N * line), a, sizeof a);
    });
}

template <int LEFT, int N> void group_wait(float (&)[N][4]) {
    auto &groups = emulated::self().products;
    while (groups.size() > LEFT + 1) {
        for (const auto &one : groups.front())
            one();
        groups.erase(groups.begin());
    }
}

#endif
