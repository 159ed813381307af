#include "lib/layout.h"

#include "lib/field.h"
#include "lib/text.h"

/* "build/<folder>/<component>/...<suffix>" of a NULL-terminated list of names. */
static char *tm_layout_path(tm_arena *arena, const char *folder, const char *const *names,
                            const char *suffix) {
    tm_text path = {0};
    tm_text_add(&path, "build/");
    tm_text_add(&path, folder);
    for (; *names != NULL; names++) {
        tm_text_add(&path, "/");
        tm_text_add_component(&path, *names);
    }
    tm_text_add(&path, suffix);
    char *result = tm_arena_copy(arena, path.data, path.length);
    tm_text_free(&path);
    return result;
}

bool tm_layout_fits(const char *name) {
    tm_text text = {0};
    tm_text_add_component(&text, name);
    bool fits = text.length <= TM_LAYOUT_MAX_NAME && !tm_field_has_control(name);
    tm_text_free(&text);
    return fits;
}

char *tm_layout_trace(tm_arena *arena, const char *author, const char *op_type,
                      const char *definition, const char *solution, const char *uuid) {
    const char *names[] = {author, op_type, definition, solution, uuid, NULL};
    return tm_layout_path(arena, "traces", names, ".json");
}

char *tm_layout_solution(tm_arena *arena, const char *solution, const char *suffix) {
    const char *names[] = {solution, NULL};
    return tm_layout_path(arena, "solutions", names, suffix);
}

char *tm_layout_debug(tm_arena *arena, const char *solution, const char *suffix) {
    const char *names[] = {solution, NULL};
    return tm_layout_path(arena, "debug", names, suffix);
}

char *tm_layout_gen(tm_arena *arena, const char *definition, const char *file) {
    const char *names[] = {definition, file, NULL};
    return tm_layout_path(arena, "gen", names, "");
}

char *tm_layout_blob(tm_arena *arena, const char *op_type, const char *definition,
                     const char *uuid) {
    const char *names[] = {op_type, definition, uuid, NULL};
    return tm_layout_path(arena, "blobs", names, ".safetensors");
}

char *tm_layout_harness(tm_arena *arena, const char *definition, const char *uuid,
                        const char *suffix) {
    const char *names[] = {definition, uuid, NULL};
    return tm_layout_path(arena, "harness", names, suffix);
}
