/* gate_figure: how changes are shown to people, in the terminal, Markdown and annotations alike. */
#ifndef TM_REPORTS_GATE_FIGURE_H
#define TM_REPORTS_GATE_FIGURE_H

#include "lib/arena.h"
#include "reports/gate.h"
#include "reports/terminal.h"

/* Red for what makes the gate fail or cannot pass, green for what became better. */
tm_style tm_gate_figure_style(tm_gate_verdict verdict);
/* "+5.3%", "-12.0%", "x3.4". */
const char *tm_gate_figure_ratio(tm_arena *arena, double ratio);
/* The latency, else the status: "10.0 us", "TIMEOUT"; "-" where there was no such cell. */
const char *tm_gate_figure_before(tm_arena *arena, const tm_gate_cell *cell);
/* The same of now. */
const char *tm_gate_figure_now(tm_arena *arena, const tm_gate_cell *cell);
/* Columns of a terminal that a status beside latencies gets; the note tells it in full. */
#define TM_GATE_FIGURE_STATUS_WIDTH 13
/* "+5.3%", "-12%", "3.4x"; "-" when not compared. */
const char *tm_gate_figure_change(tm_arena *arena, const tm_gate_cell *cell);
/* "+4.1% .. +6.6%"; "-" when not compared. */
const char *tm_gate_figure_interval(tm_arena *arena, const tm_gate_cell *cell);
/* Why, or how little is known of it: "by trials, no samples". */
const char *tm_gate_figure_note(tm_arena *arena, const tm_gate_cell *cell);
/* "2 SLOWER, 1 REGRESSED, 70 SAME": verdicts that occur, worst first. */
const char *tm_gate_figure_counts(tm_arena *arena, const tm_gate *gate);
/* What was compared with what, and how: a few sentences without line breaks, NULL behind the last.
 */
const char *const *tm_gate_figure_method(tm_arena *arena, const tm_gate *gate);

#endif
