/* memory_threads: for the judge, which has threads. */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/memory.h"

#define PAGE 4096
/* For each turn of a thread. */
#define CHUNK_BYTES ((size_t)1 << 20)

void tm_memory_populate(tm_memory *memory) {
    int64_t chunks = (int64_t)((memory->bytes + CHUNK_BYTES - 1) / CHUNK_BYTES);
#pragma omp parallel for schedule(static) if (chunks > 1)
    for (int64_t i = 0; i < chunks; i++) {
        size_t begin = (size_t)i * CHUNK_BYTES, end = begin + CHUNK_BYTES;
        for (size_t at = begin; at < end && at < memory->bytes; at += PAGE)
            ((volatile char *)memory->map)[at] = 0;
    }
}

/* Has the pages there to be written; a kernel before 5.14 does not know how. */
static void map_in(char *data, size_t bytes) {
    uintptr_t begin = (uintptr_t)data / PAGE * PAGE, end = (uintptr_t)data + bytes;
#ifdef MADV_POPULATE_WRITE
    (void)madvise((void *)begin, end - begin, MADV_POPULATE_WRITE);
#else
    (void)begin;
    (void)end;
#endif
}

void tm_memory_forget(const void *data, size_t bytes) {
    uintptr_t begin = ((uintptr_t)data + PAGE - 1) / PAGE * PAGE;
    uintptr_t end = ((uintptr_t)data + bytes) / PAGE * PAGE;
    if (begin < end)
        (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
}

void tm_memory_copy(char *to, const char *from, size_t bytes) {
    int64_t chunks = (int64_t)((bytes + CHUNK_BYTES - 1) / CHUNK_BYTES);
#pragma omp parallel for schedule(static) if (chunks > 1)
    for (int64_t i = 0; i < chunks; i++) {
        size_t begin = (size_t)i * CHUNK_BYTES, left = bytes - begin;
        /* A fault for every page of 4 KiB takes longer than its copy. */
        map_in(to + begin, left < CHUNK_BYTES ? left : CHUNK_BYTES);
        memcpy(to + begin, from + begin, left < CHUNK_BYTES ? left : CHUNK_BYTES);
    }
}
