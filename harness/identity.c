#include "harness/identity.h"

#include <inttypes.h>
#include <stdio.h>

#include "harness/hash.h"
#include "harness/hash_bytes.h"
#include "lib/file.h"
#include "lib/layout.h"
#include "lib/tvm_ffi.h"

/* Objects may be large: they are gone as soon as their hash is known. */
static void set_hash(tm_json *identity, const char *key, const char *const *paths) {
    uint64_t sum = 0;
    for (uint64_t i = 0; paths[i] != NULL; i++) {
        tm_arena *arena = tm_arena_create();
        const tm_source *source = tm_file_read(arena, paths[i]);
        bool is_read = source != NULL;
        if (is_read)
            sum += tm_hash_word(tm_hash_bytes(source->text, source->length), i);
        tm_arena_destroy(arena);
        if (!is_read)
            return;
    }
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, sum);
    tm_json_set_string(identity, key, text);
}

tm_json *tm_identity_json(const tm_cell *cell) {
    tm_arena *arena = tm_arena_create();
    tm_json *identity = tm_json_object();
    const char *config = tm_layout_gen(arena, cell->table->definition, "config.json");
    const char *solution[] = {cell->solution_path, NULL};
    bool is_ffi = cell->solution.binding == TM_BINDING_TVM_FFI;
    const char *harness[] = {"/proc/self/exe", tm_cell_path(cell, arena, "build/bin/tm-worker"),
                             tm_cell_path(cell, arena, config),
                             is_ffi ? tm_cell_path(cell, arena, TM_FFI_LIBRARY) : NULL, NULL};
    const char *device[] = {tm_cell_path(cell, arena, "build/device.json"), NULL};
    set_hash(identity, "solution", solution);
    set_hash(identity, "harness", harness);
    set_hash(identity, "device", device);
    tm_arena_destroy(arena);
    return identity;
}
