#include "harness/entry_memory.h"

#include <pthread.h>
#include <stdlib.h>

#include "harness/guards.h"

typedef struct {
    tm_entry_block own;
    bool is_held;
} block;

struct tm_entry_memory {
    tm_backend *backend;
    pthread_mutex_t mutex;
    block *blocks;
    size_t count, capacity;
    uint32_t pattern; /* the last */
};

static const tm_backend_ops *const ops = &tm_the_backend;

tm_entry_memory *tm_entry_memory_create(tm_backend *backend) {
    tm_entry_memory *memory = calloc(1, sizeof *memory);
    if (!memory)
        abort();
    memory->backend = backend;
    memory->pattern = TM_JOB_POISON_RUN;
    pthread_mutex_init(&memory->mutex, NULL);
    return memory;
}

static void trim(tm_entry_memory *memory) {
    size_t kept = 0;
    for (size_t i = 0; i < memory->count; i++)
        if (memory->blocks[i].is_held)
            memory->blocks[kept++] = memory->blocks[i];
        else
            ops->free(memory->backend, memory->blocks[i].own.block);
    memory->count = kept;
}

static block *find_free(tm_entry_memory *memory, size_t bytes) {
    for (size_t i = 0; i < memory->count; i++)
        if (!memory->blocks[i].is_held && memory->blocks[i].own.bytes == bytes)
            return &memory->blocks[i];
    return NULL;
}

static char *data_of(const block *b) {
    return b->own.block + TM_GUARDS_BYTES;
}

/* At once, since who asks may write to it on a stream that is not ordered with ours. */
static bool fill_new(tm_entry_memory *memory, const block *added, char *error) {
    return ops->fill_pattern(memory->backend, data_of(added), memory->pattern, added->own.bytes,
                             error) &&
           ops->wait(memory->backend, error);
}

static block *make(tm_entry_memory *memory, size_t bytes, char *error) {
    bool full;
    char *made = tm_guards_alloc(memory->backend, bytes, &full, error);
    if (!made && full) {
        trim(memory);
        made = tm_guards_alloc(memory->backend, bytes, &full, error);
    }
    if (!made)
        return NULL;
    if (memory->count == memory->capacity) {
        memory->capacity = memory->capacity ? 2 * memory->capacity : 16;
        memory->blocks = realloc(memory->blocks, memory->capacity * sizeof *memory->blocks);
        if (!memory->blocks)
            abort();
    }
    block *added = &memory->blocks[memory->count++];
    *added = (block){.own = {made, bytes}};
    if (fill_new(memory, added, error))
        return added;
    memory->count--;
    ops->free(memory->backend, made);
    return NULL;
}

void *tm_entry_memory_take(tm_entry_memory *memory, size_t bytes, char *error) {
    pthread_mutex_lock(&memory->mutex);
    block *found = find_free(memory, bytes);
    if (!found)
        found = make(memory, bytes, error);
    if (found)
        found->is_held = true;
    void *data = found ? data_of(found) : NULL;
    pthread_mutex_unlock(&memory->mutex);
    return data;
}

void tm_entry_memory_return(tm_entry_memory *memory, void *data) {
    pthread_mutex_lock(&memory->mutex);
    for (size_t i = 0; i < memory->count; i++)
        if (data_of(&memory->blocks[i]) == (char *)data)
            memory->blocks[i].is_held = false;
    pthread_mutex_unlock(&memory->mutex);
}

bool tm_entry_memory_poison(tm_entry_memory *memory, uint32_t pattern, char *error) {
    bool good = true;
    pthread_mutex_lock(&memory->mutex);
    memory->pattern = pattern;
    for (size_t i = 0; i < memory->count && good; i++)
        good = memory->blocks[i].is_held ||
               ops->fill_pattern(memory->backend, data_of(&memory->blocks[i]), pattern,
                                 memory->blocks[i].own.bytes, error);
    pthread_mutex_unlock(&memory->mutex);
    return good;
}

bool tm_entry_memory_spoil(tm_entry_memory *memory, char *data, size_t bytes, char *error) {
    bool good = true;
    pthread_mutex_lock(&memory->mutex);
    for (size_t i = 0; i < memory->count && good; i++) {
        uintptr_t begin = (uintptr_t)data_of(&memory->blocks[i]), at = (uintptr_t)data;
        size_t room = memory->blocks[i].own.bytes;
        if (at >= begin && at - begin <= room && bytes <= room - (at - begin))
            good = ops->fill_pattern(memory->backend, data, memory->pattern, bytes, error);
    }
    pthread_mutex_unlock(&memory->mutex);
    return good;
}

void tm_entry_memory_trim(tm_entry_memory *memory) {
    pthread_mutex_lock(&memory->mutex);
    trim(memory);
    pthread_mutex_unlock(&memory->mutex);
}

size_t tm_entry_memory_blocks(tm_entry_memory *memory, tm_entry_block *blocks, size_t room) {
    pthread_mutex_lock(&memory->mutex);
    size_t count = memory->count;
    for (size_t i = 0; i < count && i < room; i++)
        blocks[i] = memory->blocks[i].own;
    pthread_mutex_unlock(&memory->mutex);
    return count;
}
