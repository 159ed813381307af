/* hash: one 64-bit number for the bytes of a buffer, the same on every device; tells whether a
 * tensor has changed. Every 8-byte word is mixed with its index, and the results are added: words
 * can be taken in any order by any number of threads, and yet two that change places change the
 * sum. A cut last word is filled up with zeros; the number of bytes is part of the result.
 * Deliberately does not know: keys. Who knows the function can make two buffers collide. */
#ifndef TM_HASH_H
#define TM_HASH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __CUDACC__
#define TM_HASH_FN static __host__ __device__ __forceinline__
#else
#define TM_HASH_FN static inline
#endif

/* The finalizer of splitmix64: each bit of the input reaches each bit of the output. */
TM_HASH_FN uint64_t tm_hash_mix(uint64_t x) {
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* What the little-endian word number `index` adds. */
TM_HASH_FN uint64_t tm_hash_word(uint64_t word, uint64_t index) {
    return tm_hash_mix(word ^ (index + 1) * UINT64_C(0x9e3779b97f4a7c15));
}

/* The hash of `bytes` bytes whose words have this sum. */
TM_HASH_FN uint64_t tm_hash_end(uint64_t sum, size_t bytes) {
    return tm_hash_mix(sum + (uint64_t)bytes);
}

#endif
