/* html_data: the model as the one JSON object from which report.html draws itself.
 *
 * Small rather than beautiful: figures of cells are columns, in the order of definition, solution,
 * workload, and 0 stands for "none"; long texts are listed once. The page's data.js reads it and is
 * the only other place that knows the layout; programs read report.json instead. */
#ifndef TM_REPORTS_HTML_DATA_H
#define TM_REPORTS_HTML_DATA_H

#include <stdbool.h>

#include "lib/text.h"
#include "reports/html_texts.h"
#include "reports/model.h"

/* More cells than this are shown without samples, statistics of trials, logs and sources. */
#define TM_HTML_DATA_MAX_DETAILED ((size_t)20000)

typedef struct {
    const char *build;  /* the folder where ninja ran */
    const char *srcdir; /* the source tree as seen from there */
    const char *commit; /* or NULL */
    const char *gate;   /* path of gate.json, or NULL; one of other traces is not shown */
} tm_html_origin;

/* What is being written, for those who write its parts. */
typedef struct {
    tm_arena *arena;
    tm_text *text;
    const tm_model *model;
    const tm_html_origin *origin;
    tm_html_texts *texts;
    bool detailed; /* see TM_HTML_DATA_MAX_DETAILED */
} tm_html_page;

/* What the trace of a cell says beyond the schema; NULL: no trace, or not that. */
const tm_node *tm_html_data_detail(const tm_model_cell *cell, const char *key);
/* Appends the object. */
void tm_html_data_add(tm_arena *arena, tm_text *text, const tm_model *model,
                      const tm_html_origin *origin);

#endif
