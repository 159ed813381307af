/* html_texts: long texts of a page, each once: reasons, logs and sources repeat a lot.
 *
 * There is a limit to all of them together, behind which a text gives way to a line that says so:
 * a page is mailed around, and ten thousand solutions that print a megabyte each must not be. */
#ifndef TM_REPORTS_HTML_TEXTS_H
#define TM_REPORTS_HTML_TEXTS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/text.h"

#define TM_HTML_TEXTS_MAX_BYTES ((size_t)8 << 20)

typedef struct tm_html_texts tm_html_texts;

/* Number 0 is "". Lives in the arena. */
tm_html_texts *tm_html_texts_create(tm_arena *arena);
/* The number of an equal text. Borrows `string` for as long as the texts live. */
int64_t tm_html_texts_put(tm_html_texts *texts, const char *string);
/* Appends them as a JSON array. */
void tm_html_texts_add(const tm_html_texts *texts, tm_text *text);

#endif
