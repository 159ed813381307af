/* emulated_warpgroup: warpgroup.cuh's asynchronous products, made when they begin and once more
 * when they are waited for. The result is there no sooner, and is not a number where the operands
 * in shared memory were others by then. */
#ifndef TM_EMULATED_WARPGROUP_H
#define TM_EMULATED_WARPGROUP_H

inline void publish_shared() {
}
inline void group_open() {
}
inline void group_commit() {
    emulated::self().products.emplace_back();
}

/* `make`: the product, into what it is given. */
template <int N, typename M> void group_multiply_later(float (&d)[N][4], M make) {
    struct result {
        float d[N][4];
    } early;
    make(early.d);
    for (float(&four)[4] : d)
        for (float &one : four)
            one = NAN;
    emulated::self().products.back().push_back([&d, make, early] {
        make(d);
        if (memcmp(early.d, d, sizeof d) != 0)
            d[0][0] = NAN;
    });
}
template <int N>
void group_multiply(float (&d)[N][4], const unsigned char *a, const unsigned char *b) {
    group_multiply_later(d, [=](float(&to)[N][4]) { multiply_now(to, a, b); });
}
/* `a` stays the caller's until then as well. */
template <int N>
void group_multiply(float (&d)[N][4], const uint32_t (&a)[4][4], const unsigned char *b) {
    group_multiply_later(d, [&a, b](float(&to)[N][4]) { multiply_now(to, a, b); });
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
