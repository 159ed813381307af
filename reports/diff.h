/* diff: what differs between two folders of traces, A and B, in the order in which people read it.
 *
 * The verdict on each cell is the gate's; here nothing fails. Unlike the gate, which knows what is
 * planned, a cell without a trace in B is GONE. Deliberately does not know any output format. */
#ifndef TM_REPORTS_DIFF_H
#define TM_REPORTS_DIFF_H

#include <stddef.h>

#include "lib/arena.h"
#include "reports/gate.h"

typedef struct {
    const tm_gate_cell *cell;
    tm_gate_verdict verdict;
    double ratio; /* latency in B to that in A; 0: not both have one */
} tm_diff_cell;

typedef struct {
    const char *definition, *solution;
    size_t cells; /* with a ratio */
    double ratio; /* geometric mean */
} tm_diff_solution;

typedef struct {
    const tm_gate *gate;
    /* Those whose status changed, then the largest change first, then new and gone ones, those that
     * are the same, those that fail in both. */
    const tm_diff_cell *cells;
    size_t count, by_verdict[TM_GATE_COUNT];
    const tm_diff_solution *solutions; /* the largest change first */
    size_t solution_count;
    size_t compared; /* cells with a ratio */
    double ratio;    /* geometric mean over them; 0: none */
} tm_diff;

/* In the arena; borrows the gate. */
tm_diff tm_diff_make(tm_arena *arena, const tm_gate *gate);

#endif
