/* page_json: JSON that may stand inside a <script> of a page, built up as text.
 *
 * Names and logs are hostile: no "<" is ever written, so nothing can end the element, and bytes
 * that are no UTF-8 become U+FFFD. Figures keep six digits, which is more than people read.
 * Deliberately does not check that what is opened is closed. */
#ifndef TM_REPORTS_PAGE_JSON_H
#define TM_REPORTS_PAGE_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "lib/node.h"
#include "lib/text.h"

/* "{", "[" and their ends; a comma is put before what needs one. */
void tm_page_json_open(tm_text *text, char bracket);
void tm_page_json_close(tm_text *text, char bracket);
/* `"key":` of the member that follows. */
void tm_page_json_key(tm_text *text, const char *key);
/* NULL is written as null. */
void tm_page_json_string(tm_text *text, const char *string);
void tm_page_json_int(tm_text *text, int64_t value);
/* Infinities and NaN are the strings of a trace: "Infinity", "-Infinity", "NaN". */
void tm_page_json_number(tm_text *text, double value);
/* A parsed value as it was; NULL is null. */
void tm_page_json_node(tm_text *text, const tm_node *node);
/* A key and its value. */
void tm_page_json_set_string(tm_text *text, const char *key, const char *value);
void tm_page_json_set_int(tm_text *text, const char *key, size_t value);
void tm_page_json_set_number(tm_text *text, const char *key, double value);
/* Of an array that ends with NULL; NULL is []. */
void tm_page_json_set_strings(tm_text *text, const char *key, const char *const *strings);

#endif
