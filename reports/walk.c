#include "reports/walk.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/file.h"
#include "lib/text.h"

/* A folder on the way down. */
typedef struct level {
    const struct level *above;
    dev_t device;
    ino_t file;
    int depth;
} level;

typedef struct {
    tm_arena *arena;
    const tm_walk *walk;
} walker;

static void refuse(const walker *all, const char *folder, const char *why) {
    all->walk->refuse(all->walk->context, tm_arena_format(all->arena, "%s: %s", folder, why));
}

static void visit(const walker *all, const char *folder, const level *above) {
    struct stat status;
    if (stat(folder, &status) != 0) {
        refuse(all, folder, strerror(errno));
        return;
    }
    const level here = {above, status.st_dev, status.st_ino, above != NULL ? above->depth + 1 : 0};
    for (const level *at = above; at != NULL; at = at->above)
        if (at->device == here.device && at->file == here.file)
            return;
    if (here.depth > TM_WALK_MOST_DEPTH) {
        refuse(all, folder,
               tm_arena_format(all->arena, "more than %d folders deep", TM_WALK_MOST_DEPTH));
        return;
    }
    size_t count;
    const tm_file_entry *entries = tm_file_list(all->arena, folder, &count);
    if (entries == NULL)
        refuse(all, folder, strerror(errno));
    for (size_t i = 0; i < count; i++) {
        const char *path = tm_file_join(all->arena, folder, entries[i].name);
        if (entries[i].is_folder)
            visit(all, path, &here);
        else if (tm_text_ends_with(path, all->walk->ending))
            all->walk->take(all->walk->context, path);
    }
}

void tm_walk_files(tm_arena *arena, const tm_walk *walk, const char *folder) {
    struct stat status;
    if (stat(folder, &status) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return;
    visit(&(walker){arena, walk}, folder, NULL);
}
