#include "harness/guards.h"

#define PATTERN 0x5ca1ab1eu
#define WORDS (TM_GUARDS_BYTES / 4)

static const tm_backend_ops *const ops = &tm_the_backend;

char *tm_guards_alloc(tm_backend *backend, size_t bytes, bool *full, char *error) {
    char *block = ops->alloc(backend, bytes + 2 * (size_t)TM_GUARDS_BYTES, error);
    *full = !block;
    if (!block)
        return NULL;
    if (ops->fill_pattern(backend, block, PATTERN, TM_GUARDS_BYTES, error) &&
        ops->fill_pattern(backend, block + TM_GUARDS_BYTES + bytes, PATTERN, TM_GUARDS_BYTES,
                          error))
        return block;
    ops->free(backend, block);
    return NULL;
}

tm_guards_state tm_guards_look(tm_backend *backend, const char *block, size_t bytes,
                               long long *near, char *error) {
    const uint64_t begins[] = {0, TM_GUARDS_BYTES + bytes};
    uint32_t words[2][WORDS];
    if (!ops->download_parts(backend, words, block, begins, 2, TM_GUARDS_BYTES, error))
        return TM_GUARDS_UNREAD;
    for (int side = 0; side < 2; side++)
        for (size_t w = 0; w < WORDS; w++)
            if (words[side][w] != PATTERN) {
                *near = side ? (long long)(bytes + w * 4) : (long long)(w * 4) - TM_GUARDS_BYTES;
                return TM_GUARDS_BROKEN;
            }
    return TM_GUARDS_HOLD;
}
