/* field: questions that several models ask of one value: is it a name for C, a path that stays
 * inside its folder, and what did its author mean.
 *
 * Deliberately does not know any model. */
#ifndef TM_FIELD_H
#define TM_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/node.h"

/* No name that becomes C is longer. */
#define TM_FIELD_IDENTIFIER_BYTES 127

/* Of a file below a folder of ours, and of each of its components: less than what systems allow,
 * since names are completed with suffixes. */
#define TM_FIELD_MAX_PATH 1000
#define TM_FIELD_MAX_NAME 200

/* Whether `name` can be an identifier in C and in C++ (so no keyword of either); an error at
 * `place` when not. */
bool tm_field_check_identifier(tm_node_reader *reader, tm_place place, const char *where,
                               const char *name);

/* `path` without "." and empty components; NULL when it is absolute, has a ".." component or names
 * nothing. In the arena. */
const char *tm_field_relative_path(tm_arena *arena, const char *path);
/* The same, with an error at `place` that says relative to what (`root`) the path has to be. Nor
 * may it be longer than above or have characters that no build file can name. */
const char *tm_field_check_path(tm_node_reader *reader, tm_place place, const char *where,
                                const char *path, const char *root);

/* Whether there are no control characters in a text that becomes a part of build files, where the
 * next line is the next statement; an error at `place` when there are. */
bool tm_field_check_line(tm_node_reader *reader, tm_place place, const char *where,
                         const char *text);
/* Whether there are any. */
bool tm_field_has_control(const char *text);

/* The end of a message: `did you mean "near"?`, or `otherwise` when no candidate is near. */
const char *tm_field_hint(tm_arena *arena, const char *word, const char *const *candidates,
                          size_t count, const char *otherwise);
/* "a, b, c"; "none" for no names. In the arena. */
const char *tm_field_list(tm_arena *arena, const char *const *names, size_t count);

/* The path of a member for messages: "where.key", or "key" when `where` is "". In the arena. */
const char *tm_field_join(tm_arena *arena, const char *where, const char *key);

#endif
