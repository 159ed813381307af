/* memory: shared memory between a judge and a worker. */
#ifndef TM_MEMORY_H
#define TM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* A mapped memfd, sealed so that its size stays; unmapped and closed by tm_memory_close. */
typedef struct {
    void *map;    /* NULL: none */
    size_t bytes; /* of the map */
    int memfd;    /* -1: none */
} tm_memory;

#define TM_MEMORY_NONE ((tm_memory){.memfd = -1})

/* New, of `bytes`, all zeros; pages come to be when they are touched. False with errno. */
bool tm_memory_make(tm_memory *memory, const char *name, size_t bytes);
/* Makes the pages come to be, by all threads: one after the other they take longer than what is
 * written to them. */
void tm_memory_populate(tm_memory *memory);
/* memcpy by all threads. */
void tm_memory_copy(char *to, const char *from, size_t bytes);
/* Unmaps the whole pages of a part of a memory until they are touched again; they keep what they
 * hold. */
void tm_memory_forget(const void *data, size_t bytes);
/* Maps a memfd that came from elsewhere and takes it over. False with errno; it is closed then. */
bool tm_memory_take(tm_memory *memory, int memfd);
/* The same for reading only. */
bool tm_memory_take_to_read(tm_memory *memory, int memfd);
void tm_memory_close(tm_memory *memory);

#endif
