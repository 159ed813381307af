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
};

tm_entry_memory *tm_entry_memory_create(tm_backend *backend) {
    tm_entry_memory *memory = calloc(1, sizeof *memory);
    if (!memory)
        abort();
    memory->backend = backend;
    pthread_mutex_init(&memory->mutex, NULL);
    return memory;
}

static void trim(tm_entry_memory *memory) {
    size_t kept = 0;
    for (size_t i = 0; i < memory->count; i++)
        if (memory->blocks[i].is_held)
            memory->blocks[kept++] = memory->blocks[i];
        else
            tm_the_backend.free(memory->backend, memory->blocks[i].own.block);
    memory->count = kept;
}

static block *find_free(tm_entry_memory *memory, size_t bytes) {
    for (size_t i = 0; i < memory->count; i++)
        if (!memory->blocks[i].is_held && memory->blocks[i].own.bytes == bytes)
            return &memory->blocks[i];
    return NULL;
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
    return added;
}

void *tm_entry_memory_take(tm_entry_memory *memory, size_t bytes, char *error) {
    pthread_mutex_lock(&memory->mutex);
    block *found = find_free(memory, bytes);
    if (!found)
        found = make(memory, bytes, error);
    if (found)
        found->is_held = true;
    void *data = found ? found->own.block + TM_GUARDS_BYTES : NULL;
    pthread_mutex_unlock(&memory->mutex);
    return data;
}

void tm_entry_memory_return(tm_entry_memory *memory, void *data) {
    pthread_mutex_lock(&memory->mutex);
    for (size_t i = 0; i < memory->count; i++)
        if (memory->blocks[i].own.block + TM_GUARDS_BYTES == (char *)data)
            memory->blocks[i].is_held = false;
    pthread_mutex_unlock(&memory->mutex);
}

bool tm_entry_memory_poison(tm_entry_memory *memory, uint32_t pattern, char *error) {
    bool good = true;
    pthread_mutex_lock(&memory->mutex);
    for (size_t i = 0; i < memory->count && good; i++)
        good = memory->blocks[i].is_held ||
               tm_the_backend.fill_pattern(memory->backend,
                                           memory->blocks[i].own.block + TM_GUARDS_BYTES, pattern,
                                           memory->blocks[i].own.bytes, error);
    pthread_mutex_unlock(&memory->mutex);
    return good;
}

void tm_entry_memory_trim(tm_entry_memory *memory) {
    pthread_mutex_lock(&memory->mutex);
    trim(memory);
    pthread_mutex_unlock(&memory->mutex);
}

size_t tm_entry_memory_blocks(tm_entry_memory *memory, tm_entry_block *blocks, size_t room) {
    size_t count = 0;
    pthread_mutex_lock(&memory->mutex);
    for (size_t i = 0; i < memory->count && count < room; i++)
        blocks[count++] = memory->blocks[i].own;
    pthread_mutex_unlock(&memory->mutex);
    return count;
}
