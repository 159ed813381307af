#include "lib/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Under AddressSanitizer what nobody has asked for is poisoned, with a gap behind each slot: an
 * overrun is then seen as it would be with one malloc for each. */
#if defined __SANITIZE_ADDRESS__
#define TM_ARENA_GAP_BYTES ((size_t)16)
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define TM_ARENA_GAP_BYTES ((size_t)16)
#endif
#endif
#ifdef TM_ARENA_GAP_BYTES
#include <sanitizer/asan_interface.h>
#else
#define TM_ARENA_GAP_BYTES ((size_t)0)
#define ASAN_POISON_MEMORY_REGION(address, bytes) ((void)(address), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes) ((void)(address), (void)(bytes))
#endif

#define TM_ARENA_ALIGN_BYTES ((size_t)16)
#define TM_ARENA_FIRST_BLOCK_BYTES ((size_t)8 << 10)
#define TM_ARENA_LAST_BLOCK_BYTES ((size_t)1 << 20)
#define TM_ARENA_RECENT 512        /* texts that may be shared: 4 kB */
#define TM_ARENA_FIRST_CAPACITY 16 /* elements of an array that grows */

typedef struct tm_arena_block tm_arena_block;
struct tm_arena_block {
    tm_arena_block *next;
    size_t reserved; /* keeps `bytes` aligned to 16 */
    _Alignas(16) char bytes[];
};

struct tm_arena {
    tm_arena_block *blocks;
    char *free;              /* first unused byte of the newest shared block */
    size_t free_bytes;       /* unused bytes from there on */
    size_t next_block_bytes; /* size of the next shared block */
    const char **recent;     /* texts that may be shared, by hash; NULL: none yet */
};

_Noreturn static void tm_arena_exhausted(size_t bytes) {
    fprintf(stderr, "tracemill: out of memory, %zu more bytes were needed\n", bytes);
    abort();
}

tm_arena *tm_arena_create(void) {
    tm_arena *arena = calloc(1, sizeof *arena);
    if (arena == NULL)
        tm_arena_exhausted(sizeof *arena);
    arena->next_block_bytes = TM_ARENA_FIRST_BLOCK_BYTES;
    return arena;
}

void tm_arena_destroy(tm_arena *arena) {
    if (arena == NULL)
        return;
    for (tm_arena_block *block = arena->blocks; block != NULL;) {
        tm_arena_block *next = block->next;
        free(block);
        block = next;
    }
    free(arena);
}

void tm_arena_adopt(tm_arena *arena, tm_arena *other) {
    tm_arena_block **link = &other->blocks;
    while (*link != NULL)
        link = &(*link)->next;
    *link = arena->blocks;
    arena->blocks = other->blocks;
    free(other);
}

/* A new zeroed block, linked for destruction. */
static char *tm_arena_block_add(tm_arena *arena, size_t bytes) {
    if (bytes > SIZE_MAX - sizeof(tm_arena_block))
        tm_arena_exhausted(bytes);
    tm_arena_block *block = calloc(1, sizeof *block + bytes);
    if (block == NULL)
        tm_arena_exhausted(bytes);
    block->next = arena->blocks;
    arena->blocks = block;
    return block->bytes;
}

void *tm_arena_alloc(tm_arena *arena, size_t bytes) {
    if (bytes > SIZE_MAX - TM_ARENA_ALIGN_BYTES - TM_ARENA_GAP_BYTES)
        tm_arena_exhausted(bytes);
    /* Zero bytes take a slot too, so that every pointer is distinct. */
    size_t slot_bytes = bytes == 0
                            ? TM_ARENA_ALIGN_BYTES
                            : (bytes + TM_ARENA_ALIGN_BYTES - 1) & ~(TM_ARENA_ALIGN_BYTES - 1);
    slot_bytes += TM_ARENA_GAP_BYTES;
    if (slot_bytes > arena->free_bytes) {
        /* A big object gets its own block; the rest of the shared one stays in use. */
        if (slot_bytes > arena->next_block_bytes / 4) {
            char *own = tm_arena_block_add(arena, slot_bytes);
            ASAN_POISON_MEMORY_REGION(own + bytes, slot_bytes - bytes);
            return own;
        }
        arena->free_bytes = arena->next_block_bytes;
        arena->free = tm_arena_block_add(arena, arena->free_bytes);
        ASAN_POISON_MEMORY_REGION(arena->free, arena->free_bytes);
        if (arena->next_block_bytes < TM_ARENA_LAST_BLOCK_BYTES)
            arena->next_block_bytes *= 2;
    }
    char *slot = arena->free;
    ASAN_UNPOISON_MEMORY_REGION(slot, bytes);
    arena->free += slot_bytes;
    arena->free_bytes -= slot_bytes;
    return slot;
}

void *tm_arena_array(tm_arena *arena, size_t count, size_t size) {
    if (size != 0 && count > SIZE_MAX / size)
        tm_arena_exhausted(SIZE_MAX);
    return tm_arena_alloc(arena, count * size);
}

void *tm_arena_grow(tm_arena *arena, void *array, size_t count, size_t *capacity, size_t size) {
    if (count < *capacity)
        return array;
    *capacity = *capacity > 0 ? *capacity * 2 : TM_ARENA_FIRST_CAPACITY;
    void *bigger = tm_arena_array(arena, *capacity, size);
    if (count > 0)
        memcpy(bigger, array, count * size);
    return bigger;
}

char *tm_arena_copy(tm_arena *arena, const char *text, size_t length) {
    if (length == SIZE_MAX)
        tm_arena_exhausted(length);
    char *copy = tm_arena_alloc(arena, length + 1);
    if (length > 0)
        memcpy(copy, text, length);
    return copy;
}

const char *tm_arena_share(tm_arena *arena, const char *text, size_t length) {
    if (arena->recent == NULL)
        arena->recent = tm_arena_array(arena, TM_ARENA_RECENT, sizeof(*arena->recent));
    uint32_t hash = 0x811c9dc5;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 0x01000193;
    const char **slot = &arena->recent[(hash ^ hash >> 16) % TM_ARENA_RECENT];
    if (*slot == NULL || strncmp(*slot, text, length) != 0 || (*slot)[length] != '\0')
        *slot = tm_arena_copy(arena, text, length);
    return *slot;
}

static char *vformat(tm_arena *arena, const char *format, va_list arguments) {
    char small[256];
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(small, sizeof small, format, arguments);
    char *result;
    if (length < 0) {
        /* Only a result beyond INT_MAX bytes fails here. */
        tm_arena_exhausted(SIZE_MAX);
    } else if ((size_t)length < sizeof small) {
        result = tm_arena_copy(arena, small, (size_t)length);
    } else {
        result = tm_arena_alloc(arena, (size_t)length + 1);
        vsnprintf(result, (size_t)length + 1, format, again);
    }
    va_end(again);
    return result;
}

char *tm_arena_format(tm_arena *arena, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *result = vformat(arena, format, arguments);
    va_end(arguments);
    return result;
}
