/* json: text to nodes and back; the only file that includes cJSON.
 *
 * cJSON holds what is built; parsing is our own (json_scan.h) and strict: nothing may follow the
 * value, keys must be unique, strings must be valid UTF-8 without NUL, nesting is limited. */
#ifndef TM_JSON_H
#define TM_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/node.h"
#include "lib/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Parses the bytes [begin, end) of a source as one JSON value. NULL after appending an error. */
const tm_node *tm_json_parse(tm_arena *arena, const tm_source *source, size_t begin, size_t end,
                             tm_diag *diag);
/* Parses a whole source. */
const tm_node *tm_json_parse_all(tm_arena *arena, const tm_source *source, tm_diag *diag);

/* Appends the text of a parsed array or object as it stands in its source, on one line: only the
 * spaces between its tokens are left out, so every digit and escape stays. */
void tm_json_add_source(tm_text *text, const tm_node *node);

/* Steps through the rows of a JSON Lines text: the bytes [begin, end) of the next line that is not
 * blank, without its line break. `at` starts at 0. False when there is no further row. */
bool tm_json_next_row(const tm_source *source, size_t *at, size_t *begin, size_t *end);

/* A JSON value under construction. Values given to set/push belong to their parent from then on;
 * tm_json_free frees a root. */
typedef struct tm_json tm_json;

tm_json *tm_json_object(void);
tm_json *tm_json_array(void);
void tm_json_free(tm_json *value);
/* Members are written in the order in which they were set. A NULL string is written as null;
 * bytes that are no UTF-8 are replaced by U+FFFD. */
void tm_json_set_string(tm_json *object, const char *key, const char *value);
void tm_json_set_int(tm_json *object, const char *key, int64_t value);
/* Infinities and NaN are written as the strings "Infinity", "-Infinity", "NaN" (docs/FORMATS.md:
 * Trace). Finite values keep full double precision in the shortest form that reads back equal. */
void tm_json_set_number(tm_json *object, const char *key, double value);
/* A figure of which 0 means that there is none: null when it is not above 0. */
void tm_json_set_positive(tm_json *object, const char *key, double value);
void tm_json_set_bool(tm_json *object, const char *key, bool value);
void tm_json_set_null(tm_json *object, const char *key);
void tm_json_set(tm_json *object, const char *key, tm_json *value);
/* Deep copy of a parsed node; numbers keep their value, integers all their digits. */
void tm_json_set_node(tm_json *object, const char *key, const tm_node *node);
void tm_json_push(tm_json *array, tm_json *value);
/* The same for an array or object of many, indented, that stands inside `depth` others: what is
 * kept is its text, a fifth of its memory. Frees the value. */
void tm_json_push_printed(tm_json *array, tm_json *value, int depth);
void tm_json_push_string(tm_json *array, const char *value);
void tm_json_push_int(tm_json *array, int64_t value);
void tm_json_push_number(tm_json *array, double value);
void tm_json_push_node(tm_json *array, const tm_node *node);
/* The text: one line, or indented by two spaces and ended by a newline. Caller frees. */
char *tm_json_print(const tm_json *value, bool pretty);

#ifdef __cplusplus
}
#endif

#endif
