/* json_value: what a number or a string amounts to whose grammar json_scan has checked.
 *
 * Deliberately does not check anything, and does not know where the text came from. */
#ifndef TM_JSON_VALUE_H
#define TM_JSON_VALUE_H

#include <stddef.h>

#include "lib/arena.h"
#include "lib/node.h"

/* Sets the number and, of one without fraction or exponent that fits, the integer. The nearest
 * double, infinite when it is beyond their range. At most TM_JSON_SCAN_NUMBER_LIMIT_BYTES. */
void tm_json_value_number(const char *text, size_t length, tm_node *node);

/* The string whose text between the quotes this is. In the arena. */
const char *tm_json_value_string(tm_arena *arena, const char *text, size_t length);

#endif
