#include "gen/depfile.h"

#include <string.h>

void tm_depfile_add(tm_text *out, const char *path) {
    tm_text_add(out, " \\\n  ");
    for (;;) {
        size_t plain = strcspn(path, " #\\$");
        tm_text_add_bytes(out, path, plain);
        path += plain;
        if (!*path)
            return;
        tm_text_add(out, *path == '$' ? "$" : "\\");
        tm_text_add_bytes(out, path++, 1);
    }
}

static bool is_line_end(char byte) {
    return byte == '\n' || byte == '\r';
}

const char *tm_depfile_next(tm_arena *arena, const char **at) {
    const char *from = *at;
    while (*from == ' ' || *from == '\t' || is_line_end(*from) ||
           (*from == '\\' && is_line_end(from[1])))
        from++;
    tm_text path = {0};
    while (*from && *from != ' ' && *from != '\t' && !is_line_end(*from)) {
        bool escaped = (*from == '\\' && (from[1] == ' ' || from[1] == '#' || from[1] == '\\')) ||
                       (*from == '$' && from[1] == '$');
        if (*from == '\\' && is_line_end(from[1]))
            break;
        from += escaped;
        tm_text_add_bytes(&path, from++, 1);
    }
    *at = from;
    const char *kept = path.length ? tm_arena_copy(arena, path.data, path.length) : NULL;
    tm_text_free(&path);
    return kept;
}
