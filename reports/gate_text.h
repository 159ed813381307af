/* gate_text: the gate's verdict in the terminal. */
#ifndef TM_REPORTS_GATE_TEXT_H
#define TM_REPORTS_GATE_TEXT_H

#include "lib/arena.h"
#include "reports/gate.h"
#include "reports/terminal.h"

/* A table of the cells that are not SAME, NEW or GONE, at most 40; what was compared; counts. */
const char *tm_gate_text_format(tm_arena *arena, const tm_gate *gate, const tm_terminal *terminal);
/* Where code is looked for, to be named in annotations (code.h). */
typedef struct {
    const char *build, *srcdir, *repository;
} tm_gate_places;

/* Workflow commands of GitHub Actions: `::error file=...,line=...,title=...::...` for each of the
 * first cells that fail, and a notice with the counts. */
const char *tm_gate_text_annotations(tm_arena *arena, const tm_gate *gate,
                                     const tm_gate_places *places);

#endif
