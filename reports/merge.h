/* merge: the traces of several folders as one, in the FlashInfer-Trace layout.
 *
 * Of several traces of one cell on one kind of hardware the newest stays. Who reads the layout
 * scores all traces below one traces/ against each other, so each kind of hardware has a folder of
 * its own where there are several. VOID cells are left out, as in jsonl.h. Deliberately does not
 * know options. */
#ifndef TM_REPORTS_MERGE_H
#define TM_REPORTS_MERGE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/diag.h"
#include "reports/folder.h"

/* The traces of one kind of hardware. */
typedef struct {
    const char *hardware;                 /* as in the traces */
    const char *folder;                   /* below the output; "" where there is one kind only */
    const tm_folder_trace *const *traces; /* by author, op_type, definition, solution, uuid */
    size_t count;
} tm_merge_part;

typedef struct {
    const tm_folder_traces *inputs;
    size_t input_count;
    const tm_merge_part *parts; /* by hardware */
    size_t part_count;
    size_t count; /* of all parts */
    size_t older; /* traces for which a newer one of the cell stands */
    size_t voids;
} tm_merge;

/* In the arena; borrows the inputs. */
tm_merge tm_merge_make(tm_arena *arena, const tm_folder_traces *inputs, size_t input_count);
/* Whether the merged traces may become `out`: nothing is there, or an empty folder, outside of the
 * inputs' traces. False after an error. */
bool tm_merge_allows(tm_arena *arena, const tm_merge *merge, const char *out, tm_diag *diag);
/* Makes `out`; it appears whole. False after an error, with nothing left behind. */
bool tm_merge_write(tm_arena *arena, const tm_merge *merge, const char *out, tm_diag *diag);

#endif
