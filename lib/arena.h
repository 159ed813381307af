/* arena: memory that lives exactly as long as one run.
 *
 * Knows: blocks, alignment, zeroing. Deliberately does not know: freeing single objects.
 * Running out of memory aborts the process with a message: no caller could go on. */
#ifndef TM_ARENA_H
#define TM_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tm_arena tm_arena;

/* A new, empty arena; caller destroys it. Never NULL. */
tm_arena *tm_arena_create(void);
/* Frees the arena and everything allocated from it; NULL is allowed. */
void tm_arena_destroy(tm_arena *arena);

/* Everything allocated from `other` lives as long as `arena` from now on; `other` is gone. */
void tm_arena_adopt(tm_arena *arena, tm_arena *other);

/* `bytes` zeroed bytes aligned to 16; borrows until the arena is destroyed. Never NULL, not even
 * for 0. */
void *tm_arena_alloc(tm_arena *arena, size_t bytes);
/* `count` zeroed elements of `size` bytes each; aborts on overflow. Borrows until destroy. */
void *tm_arena_array(tm_arena *arena, size_t count, size_t size);
/* Room for one more element behind the `count` of an array that grows: the array, or a copy of
 * twice its capacity (the old one stays in the arena, so doubling bounds the waste). Start with
 * NULL and a capacity of 0. Borrows until destroy. */
void *tm_arena_grow(tm_arena *arena, void *array, size_t count, size_t *capacity, size_t size);
/* The first `length` bytes of `text` followed by NUL. Borrows until destroy. */
char *tm_arena_copy(tm_arena *arena, const char *text, size_t length);
/* The same, for texts that come again and again: a recent equal one is given once more. Do not
 * write to it. Borrows until destroy. */
const char *tm_arena_share(tm_arena *arena, const char *text, size_t length);
/* printf into the arena. Borrows until destroy. */
char *tm_arena_format(tm_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#ifdef __cplusplus
}
#endif

#endif
