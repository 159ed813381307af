/* html_gate: what `ninja gate` found, for the first screen of report.html.
 *
 * Knows gate.json (docs/FORMATS.md: Gate), which lies beside the page and may be of an earlier run:
 * it is shown only where all that it says of the cells of now is so. */
#ifndef TM_REPORTS_HTML_GATE_H
#define TM_REPORTS_HTML_GATE_H

#include "lib/text.h"
#include "reports/model.h"

/* Of so many cells of each verdict the page tells. */
#define TM_HTML_GATE_MAX_CELLS 50

/* Appends an object, or null when there is no such file or it is of other traces. */
void tm_html_gate_add(tm_arena *arena, tm_text *text, const tm_model *model, const char *path);

#endif
