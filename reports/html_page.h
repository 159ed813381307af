/* html_page: one offline page from its template, the chart library, data and scripts.
 *
 * Deliberately does not know what the page shows. */
#ifndef TM_REPORTS_HTML_PAGE_H
#define TM_REPORTS_HTML_PAGE_H

#include "lib/text.h"

/* Appends the template with its marks replaced; `data` is JSON as page_json.h writes it, `scripts`
 * end with NULL. */
void tm_html_page_add(tm_text *page, const char *index, const tm_text *data,
                      const char *const *scripts);

#endif
