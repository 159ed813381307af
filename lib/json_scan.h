/* json_scan: the JSON grammar (RFC 8259), strictly, with a place and a mend for every fault.
 *
 * Knows where each value and key stands. Deliberately does not know what they mean: cJSON makes the
 * values, but it is lenient and keeps no positions. */
#ifndef TM_JSON_SCAN_H
#define TM_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/diag.h"

/* Deeper nesting is an error, so that recursion stays within the stack. */
#define TM_JSON_SCAN_DEPTH_LIMIT 200
/* cJSON reads numbers through a buffer of 64 bytes. */
#define TM_JSON_SCAN_NUMBER_LIMIT_BYTES 63

/* Offsets into the source in the order of the text: one for each value, and one for each key in
 * front of its value's. Start with {0}; caller frees `at`. */
typedef struct {
    size_t *at;
    size_t count, capacity;
} tm_json_offsets;

/* Checks that the bytes [begin, end) are one JSON value and nothing else, and notes its offsets.
 * False after appending one error; `arena` holds parts of its message. */
bool tm_json_scan_check(tm_arena *arena, const tm_source *source, size_t begin, size_t end,
                        tm_diag *diag, tm_json_offsets *offsets);

#endif
