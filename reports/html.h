/* html: report.html, one file that a browser shows without network or server.
 *
 * The page is put together from reports/html/ (html_files.h), the chart library where configure
 * found one, and the data (html_data.h). Deliberately does not draw anything: that is the page's
 * own work. */
#ifndef TM_REPORTS_HTML_H
#define TM_REPORTS_HTML_H

#include "reports/html_data.h"

/* Appends the page. */
void tm_html_add(tm_arena *arena, tm_text *page, const tm_model *model,
                 const tm_html_origin *origin);

#endif
