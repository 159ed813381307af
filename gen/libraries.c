#include "gen/libraries.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gen/depfile.h"
#include "lib/file.h"

static bool is_shared(const char *path) {
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    return strstr(base, ".so") != NULL;
}

static bool holds(const char *const *list, size_t count, const char *entry) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], entry) == 0)
            return true;
    return false;
}

void tm_libraries_add(tm_text *depends, tm_text *identity, tm_arena *arena, const char *depfile,
                      const char *own) {
    const tm_source *source = tm_file_read(arena, depfile);
    const char *colon = source ? strchr(source->text, ':') : NULL;
    if (!colon)
        return;
    /* Behind the first rule stands an empty one for each prerequisite. */
    const char *end = strstr(colon, "\n\n");
    const char *at =
        tm_arena_copy(arena, colon + 1, end ? (size_t)(end - colon) - 1 : strlen(colon + 1));
    const char **seen = tm_arena_array(arena, 2 * source->length + 2, sizeof *seen);
    size_t count = 0;
    for (const char *file; (file = tm_depfile_next(arena, &at));) {
        char real[PATH_MAX];
        struct stat status;
        if (strncmp(file, own, strlen(own)) == 0 || holds(seen, count, file) ||
            !realpath(file, real) || stat(real, &status) != 0)
            continue;
        tm_depfile_add(depends, seen[count++] = file);
        if (holds(seen, count, real))
            continue;
        tm_depfile_add(depends, seen[count++] = tm_arena_copy(arena, real, strlen(real)));
        if (is_shared(real))
            tm_text_format(identity, "%s %lld bytes %lld.%09ld\n", real, (long long)status.st_size,
                           (long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
    }
}

void tm_libraries_add_folders(tm_text *depends, tm_arena *arena, char *const *flags, int count) {
    for (int i = 0; i < count; i++)
        if (strncmp(flags[i], "-L", 2) == 0 && flags[i][2])
            tm_depfile_add(depends, tm_file_nearest(arena, flags[i] + 2));
    Dl_info info;
    void *c_library = dlsym(RTLD_DEFAULT, "malloc");
    if (!c_library || !dladdr(c_library, &info) || !strrchr(info.dli_fname, '/'))
        return;
    const char *slash = strrchr(info.dli_fname, '/');
    tm_depfile_add(depends,
                   tm_file_nearest(arena, tm_arena_copy(arena, info.dli_fname,
                                                        (size_t)(slash - info.dli_fname))));
}
