/* walk: the files below a folder that have an ending, each folder by name.
 *
 * Symbolic links are followed, but never into a folder that is being walked. What cannot be walked
 * is told, for who passes over it in silence has half a folder and does not know. */
#ifndef TM_REPORTS_WALK_H
#define TM_REPORTS_WALK_H

#include "lib/arena.h"

#define TM_WALK_MOST_DEPTH 16

typedef struct {
    const char *ending; /* ".json" */
    void *context;
    void (*take)(void *context, const char *path);
    /* A folder that was passed over: "PATH: why". */
    void (*refuse)(void *context, const char *what);
} tm_walk;

/* Does nothing where there is no such folder. What the callbacks get is in the arena. */
void tm_walk_files(tm_arena *arena, const tm_walk *walk, const char *folder);

#endif
