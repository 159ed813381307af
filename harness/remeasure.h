/* remeasure: build/ceilings.json again, when a cell shows that it cannot be right.
 *
 * Of a CPU only: other programs make its ceilings too low, which nothing tells when they are
 * measured. Deliberately does not know what the ceilings are held against. */
#ifndef TM_REMEASURE_H
#define TM_REMEASURE_H

#include "harness/cell.h"

/* Has tm-ceilings measure again, and keeps the higher of the old and the new figures. Not more
 * often than once a minute: what exceeds them then may be right. The caller holds the device's
 * lock. True when the file is new. */
bool tm_remeasure_ceilings(const tm_cell *cell, tm_arena *arena);

#endif
