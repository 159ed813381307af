#include "reports/code.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lib/file.h"

const char *tm_code_path(tm_arena *arena, const char *source, const char *build,
                         const char *srcdir) {
    static const char tree[] = "$srcdir/", dataset[] = "$dataset";
    if (strncmp(source, tree, strlen(tree)) == 0) {
        const char *below = source + strlen(tree);
        return tm_file_join(arena, build, tm_file_join(arena, srcdir, below));
    }
    if (strncmp(source, dataset, strlen(dataset)) == 0)
        return tm_file_join(arena, build,
                            tm_arena_format(arena, "build/datasets/%s", source + strlen(dataset)));
    return NULL;
}

static int entry_line(tm_arena *arena, const char *path) {
    const tm_source *source = tm_file_read(arena, path);
    const char *entry = source != NULL ? strstr(source->text, "TM_ENTRY(") : NULL;
    int line = 1;
    for (const char *at = source != NULL ? source->text : NULL; at < entry; at++)
        line += *at == '\n';
    return line;
}

bool tm_code_find(tm_arena *arena, const char *source, const char *build, const char *srcdir,
                  const char *repository, tm_code *code) {
    char file[PATH_MAX], root[PATH_MAX];
    const char *path = source != NULL ? tm_code_path(arena, source, build, srcdir) : NULL;
    if (path == NULL || realpath(path, file) == NULL || realpath(repository, root) == NULL)
        return false;
    size_t length = strlen(root);
    if (strncmp(file, root, length) != 0 || file[length] != '/')
        return false;
    *code = (tm_code){tm_arena_copy(arena, file + length + 1, strlen(file) - length - 1),
                      entry_line(arena, file)};
    return true;
}
