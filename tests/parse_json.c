/* parse_json FILE...: is each one whole JSON text? Names those that are not; exit status 1. */
#include <stdio.h>

#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/file.h"
#include "lib/json.h"

int main(int argc, char **argv) {
    tm_arena *arena = tm_arena_create();
    tm_diag *diag = tm_diag_create(arena);
    int status = 0;
    for (int i = 1; i < argc; i++) {
        const tm_source *source = tm_file_read(arena, argv[i]);
        if (source && tm_json_parse_all(arena, source, diag))
            continue;
        printf("%s\n", argv[i]);
        status = 1;
    }
    tm_arena_destroy(arena);
    return status;
}
