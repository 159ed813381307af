/* html_definition: a definition with its workloads and solutions, as report.html's data has it.
 *
 * Knows where sources lie and how much of one is shown. */
#ifndef TM_REPORTS_HTML_DEFINITION_H
#define TM_REPORTS_HTML_DEFINITION_H

#include "reports/html_data.h"

/* Appends an object. */
void tm_html_definition_add(tm_html_page *page, const tm_model_definition *definition);

#endif
