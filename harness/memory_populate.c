/* memory_populate: for the judge, which has threads. */
#include <stdint.h>

#include "harness/memory.h"

#define PAGE 4096
/* For each turn of a thread. */
#define POPULATE_BYTES ((size_t)4 << 20)

void tm_memory_populate(tm_memory *memory, size_t begin, size_t bytes) {
    int64_t chunks = (int64_t)(bytes / POPULATE_BYTES);
#pragma omp parallel for schedule(static) if (chunks > 1)
    for (int64_t i = 0; i < chunks; i++)
        for (size_t at = 0; at < POPULATE_BYTES; at += PAGE)
            ((volatile char *)memory->map)[begin + (size_t)i * POPULATE_BYTES + at] = 0;
}
