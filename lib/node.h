/* node: a parsed tree that remembers where each value stood; JSON and YAML both become one.
 *
 * Getters add a diagnostic that names the place, what was expected and what came, so that a model
 * reads like its specification. Deliberately does not know either syntax. */
#ifndef TM_NODE_H
#define TM_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/diag.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    TM_NODE_NULL,
    TM_NODE_BOOL,
    TM_NODE_NUMBER,
    TM_NODE_STRING,
    TM_NODE_ARRAY,
    TM_NODE_OBJECT
} __attribute__((packed)) tm_node_type;

/* A report holds a hundred of these for each of 100,000 traces: 80 bytes. */
typedef struct tm_node tm_node;
struct tm_node {
    tm_node_type type;
    bool boolean;
    bool is_integer;     /* the number was written without fraction or exponent and fits int64 */
    uint32_t key_offset; /* where the key stands: tm_node_key_place */
    tm_place place;
    const char *key; /* in an object, else NULL */
    int64_t integer;
    double number;
    const char *string;   /* without embedded NULs */
    const tm_node *child; /* first element or member, in the order of the text */
    const tm_node *next;  /* next sibling */
    size_t count;         /* elements or members */
};

/* An object or array that grows. */
typedef struct {
    tm_node *node, *last;
} tm_node_growing;

/* A node of nothing yet. In the arena. */
tm_node *tm_node_make(tm_arena *arena, tm_node_type type, tm_place place);
/* `child` becomes the last one; of an object it has its key. */
void tm_node_append(tm_node_growing *parent, tm_node *child);

/* Where the key of a member stands; in the source of its value. */
tm_place tm_node_key_place(const tm_node *member);

/* What came, for messages: `"text"`, `12`, `an object`; long strings are cut. In the arena. */
const char *tm_node_describe(tm_arena *arena, const tm_node *node);

/* The member named `key`, or NULL; also NULL when `object` is NULL or no object. */
const tm_node *tm_node_get(const tm_node *object, const char *key);

/* The member's string, "" when it is no string. */
const char *tm_node_text_of(const tm_node *object, const char *key);
/* The member's number, 0 when it is no finite number. */
double tm_node_number_of(const tm_node *object, const char *key);

/* Context of one validation: where to allocate, where to complain. */
typedef struct {
    tm_arena *arena;
    tm_diag *diag;
} tm_node_reader;

/* Required member of a type. `where` is the path of `object` ("" at top level); a missing or
 * mistyped member appends an error and gives NULL/false. */
const tm_node *tm_node_need(tm_node_reader *reader, const tm_node *object, const char *where,
                            const char *key, tm_node_type type);
/* Optional member: absent and null give NULL without an error, a mistyped one an error and NULL. */
const tm_node *tm_node_may(tm_node_reader *reader, const tm_node *object, const char *where,
                           const char *key, tm_node_type type);
/* Required non-empty string; borrows from the tree. */
bool tm_node_need_string(tm_node_reader *reader, const tm_node *object, const char *where,
                         const char *key, const char **out);
/* Optional string; *out is left alone when absent. False only on a mistyped value. */
bool tm_node_may_string(tm_node_reader *reader, const tm_node *object, const char *where,
                        const char *key, const char **out);
/* Optional bool; *out is left alone when absent. False only on a mistyped value. */
bool tm_node_may_bool(tm_node_reader *reader, const tm_node *object, const char *where,
                      const char *key, bool *out);
/* Optional array of non-empty strings, NULL-terminated in the arena; NULL and 0 when absent. False
 * after an error, one per faulty element. */
bool tm_node_may_strings(tm_node_reader *reader, const tm_node *object, const char *where,
                         const char *key, const char *const **out, size_t *count);

/* Appends an error for each key of `object` outside `known`, with the nearest known one suggested
 * ("; did you mean \"rtol\"?"), else the list of known keys. True when there was none. */
bool tm_node_only(tm_node_reader *reader, const tm_node *object, const char *where,
                  const char *const *known, size_t known_count);
/* Appends a note for each unknown key (datasets may carry more than we know). */
void tm_node_note_unknown(tm_node_reader *reader, const tm_node *object, const char *where,
                          const char *const *known, size_t known_count);

#ifdef __cplusplus
}
#endif

#endif
