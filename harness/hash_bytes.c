#include "harness/hash_bytes.h"

#include <string.h>

#include "harness/hash.h"

/* From this many words on, several threads are worth their start. */
#define PARALLEL_WORDS (64 * 1024)

uint64_t tm_hash_bytes(const void *data, size_t bytes) {
    const unsigned char *at = data;
    uint64_t sum = 0, last = 0;
    int64_t words = (int64_t)(bytes / sizeof last);
#pragma omp parallel for schedule(static) reduction(+ : sum) if (words > PARALLEL_WORDS)
    for (int64_t i = 0; i < words; i++) {
        uint64_t word;
        memcpy(&word, at + (size_t)i * sizeof word, sizeof word);
        sum += tm_hash_word(word, (uint64_t)i);
    }
    if (bytes % sizeof last) {
        memcpy(&last, at + (size_t)words * sizeof last, bytes % sizeof last);
        sum += tm_hash_word(last, (uint64_t)words);
    }
    return tm_hash_end(sum, bytes);
}
