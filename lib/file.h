/* file: reading whole files, and writing so that a reader sees the old file or the new one.
 *
 * Everything returns false (or NULL) with errno set; the caller says what it meant to do.
 * Deliberately does not know formats. */
#ifndef TM_FILE_H
#define TM_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/diag.h"

/* The largest text input that is read: a dataset file over this is an error (EFBIG). */
#define TM_FILE_LIMIT_BYTES ((size_t)1 << 30)

/* Reads a whole file into the arena as a source named `path`. NULL with errno. */
const tm_source *tm_file_read(tm_arena *arena, const char *path);

/* Makes `path` hold exactly these bytes: written beside it, and complete when it gets the name. A
 * file that already holds them is left untouched, time stamp and all. Missing parent folders are
 * made. A device or a pipe is written to as it is. `changed` (may be NULL) tells whether the file
 * was written. */
bool tm_file_write(const char *path, const char *bytes, size_t length, bool *changed);

/* Like `mkdir -p` for the folder that will hold `path`. */
bool tm_file_make_parents(const char *path);

typedef struct {
    const char *name; /* without the folder */
    bool is_folder;   /* symbolic links are followed */
} tm_file_entry;

/* Entries of a folder sorted by name (strcmp), without those that begin with '.'. A NULL array with
 * errno on failure, `*count` 0. Lives in the arena. */
const tm_file_entry *tm_file_list(tm_arena *arena, const char *folder, size_t *count);

/* "a/b" for ("a", "b"); `b` alone when `a` is "" or "." or `b` is absolute. Lives in the arena. */
char *tm_file_join(tm_arena *arena, const char *folder, const char *name);

/* `path` when something is there, else the nearest folder above that exists, which changes when
 * `path` comes to be. Lives in the arena. */
const char *tm_file_nearest(tm_arena *arena, const char *path);

#endif
