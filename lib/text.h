/* text: a growing string, and the few string questions that several modules ask.
 *
 * Deliberately does not know files, or of encodings more than how long a UTF-8 character is. */
#ifndef TM_TEXT_H
#define TM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing NUL-terminated byte string. Start with {0}; tm_text_free ends it.
 * `data` may be NULL while nothing has been added; use tm_text_get for a string that never is. */
typedef struct {
    char *data;
    size_t length;   /* bytes, without the NUL */
    size_t capacity; /* bytes allocated */
} tm_text;

void tm_text_free(tm_text *text);
void tm_text_clear(tm_text *text);
/* The string so far, never NULL; borrows until the next change. */
const char *tm_text_get(const tm_text *text);
/* Makes room for `more` bytes and the NUL: who writes many at `data` + `length` adds to `length`.
 */
void tm_text_reserve(tm_text *text, size_t more);
void tm_text_add(tm_text *text, const char *string);
void tm_text_add_bytes(tm_text *text, const char *bytes, size_t length);
void tm_text_format(tm_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

void tm_text_add_int(tm_text *text, int64_t value);
/* Appends a number in 15, 16 or 17 significant digits, the fewest that read back as the same
 * double. */
void tm_text_add_number(tm_text *text, double value);
/* Appends a number in six significant digits, as "%.6g" does. */
void tm_text_add_rounded(tm_text *text, double value);

/* Bytes (1 to 4) of the UTF-8 character at the start of `bytes`; 0 when there is no valid one.
 * Overlong forms and surrogates are not valid. */
size_t tm_text_utf8_bytes(const char *bytes, size_t length);

/* Bytes at the start of `bytes` that are valid UTF-8 without NUL; `length` when all are. */
size_t tm_text_utf8_prefix(const char *bytes, size_t length);

/* False also when the text is nothing but the ending. */
bool tm_text_ends_with(const char *text, const char *ending);

/* True when `name` matches one of the comma-separated globs; a NULL or empty list matches all. */
bool tm_text_matches(const char *globs, const char *name);

/* FNV-1a: `hash` with the bytes of `text` in it. The first text starts from TM_TEXT_HASH_START. */
#define TM_TEXT_HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t tm_text_hash(uint64_t hash, const char *text);

/* The entry of `candidates` nearest to `word` by edit distance, when near enough to be a slip of
 * the fingers (distance at most a third of the longer word, at least 1); else NULL.
 * Borrows from `candidates`. */
const char *tm_text_nearest(const char *word, const char *const *candidates, size_t count);

/* Appends `name` with every byte outside [A-Za-z0-9_.+=-] and a leading '.' as %XX, so that any
 * name makes one path component; the empty name gives "%". Two different names never give the same
 * component. */
void tm_text_add_component(tm_text *text, const char *name);

#endif
