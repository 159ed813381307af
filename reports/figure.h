/* figure: how numbers and names are shown to people.
 *
 * Three significant digits, the unit that fits, "-" for nothing. Widths are columns of a terminal:
 * every report is UTF-8, in which a character may take two of them or none. Results live in the
 * arena. Deliberately does not know any output format. */
#ifndef TM_REPORTS_FIGURE_H
#define TM_REPORTS_FIGURE_H

#include <stddef.h>

#include "lib/arena.h"
#include "lib/text.h"
#include "reports/model.h"
#include "reports/terminal.h"

/* "850 ns", "1.20 us", "34.5 ms", "2.10 s"; "-" unless positive and finite. */
const char *tm_figure_latency(tm_arena *arena, double latency_ms);
/* "1.20 .. 34.5 us"; one latency when both read the same. */
const char *tm_figure_latency_range(tm_arena *arena, double least_ms, double most_ms);
/* "3.41x", "0.052x"; "-" unless positive and finite. */
const char *tm_figure_speedup(tm_arena *arena, double speedup);
/* "93%", "3.4%", "<0.1%"; "-" unless positive and finite. */
const char *tm_figure_percent(tm_arena *arena, double percent);
/* "0.0123", "1.2e-08", "inf", "nan". */
const char *tm_figure_error(tm_arena *arena, double error);
/* "PASSED", ..., "NOT RUN", "BROKEN TRACE". Static. */
const char *tm_figure_status(const tm_model_cell *cell);
/* The same for programs: "NOT_RUN", "BROKEN_TRACE". Static. */
const char *tm_figure_status_key(const tm_model_cell *cell);
/* The colour that goes with it. */
tm_style tm_figure_style(const tm_model_cell *cell);
/* "1 cell", "2 cells", "0 cells" for the noun "cell". */
const char *tm_figure_count(tm_arena *arena, size_t count, const char *noun);

/* One line: line breaks, tabs and other control characters become spaces. */
const char *tm_figure_line(tm_arena *arena, const char *text);
/* Columns that the text takes. */
size_t tm_figure_width(const char *text);
/* Bytes of the beginning that fits into `width` columns and ends before a blank, if it has one. */
size_t tm_figure_break(const char *text, size_t width);
/* The text in lines of at most `width` columns, broken at blanks; from the second on they begin
 * with `indent` blanks. */
const char *tm_figure_wrap(tm_arena *arena, const char *text, size_t width, size_t indent);
/* Appends an empty line and `count` notes, each so wrapped. */
void tm_figure_add_notes(tm_arena *arena, tm_text *text, const char *const *notes, size_t count,
                         size_t width);
/* At most `width` columns (at least 4), the rest replaced by "..". */
const char *tm_figure_cut(tm_arena *arena, const char *text, size_t width);
/* The same with ".." in the middle: names that begin alike often end differently. */
const char *tm_figure_middle(tm_arena *arena, const char *text, size_t width);
/* A solution's name in at most `width` columns: a trailing "_<definition>", or one before the
 * macros of a variant, gives way to "_*" first. */
const char *tm_figure_solution(tm_arena *arena, const char *solution, const char *definition,
                               size_t width);
/* Workload as people tell them apart: "98773f58 (batch_size=7)". */
const char *tm_figure_workload(tm_arena *arena, const tm_model_workload *workload);
/* A cell of a definition as CI systems know it again: "norm_rows[batch_size=7/98773f58-...]". */
const char *tm_figure_cell(tm_arena *arena, const tm_model_solution *solution,
                           const tm_model_workload *workload);
/* The first eight digits of a uuid; another name in at most 20 columns. */
const char *tm_figure_uuid(tm_arena *arena, const char *uuid);
/* "batch_size=7, k=2" of a workload's axes; "" for NULL. */
const char *tm_figure_axes(tm_arena *arena, const tm_node *axes);

#endif
