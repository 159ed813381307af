/* html_cells: figures of all cells as columns of report.html's data, in the order of definition,
 * solution, workload.
 *
 * Knows how much of a log is shown and where samples lie. */
#ifndef TM_REPORTS_HTML_CELLS_H
#define TM_REPORTS_HTML_CELLS_H

#include "reports/html_data.h"

/* Appends the member "cells" of the object that is open. */
void tm_html_cells_add(tm_html_page *page);

#endif
