/* html_ranking: authors against each other, and their win@p curves, for report.html. */
#ifndef TM_REPORTS_HTML_RANKING_H
#define TM_REPORTS_HTML_RANKING_H

#include "lib/text.h"
#include "reports/model.h"

/* Appends an object. */
void tm_html_ranking_add(tm_arena *arena, tm_text *text, const tm_model *model);

#endif
