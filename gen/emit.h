/* emit: writes what a plan says. Every file appears whole, and is written only when it differs.
 *
 * False after appending an error (a file that could not be written). */
#ifndef TM_EMIT_H
#define TM_EMIT_H

#include <stdbool.h>
#include <stddef.h>

#include "gen/plan.h"
#include "lib/diag.h"
#include "lib/text.h"

/* One file, below the build folder; the others are written by this. */
bool tm_emit_file(const char *path, const char *bytes, size_t length, tm_diag *diag);

/* The text of one contract.h. */
void tm_emit_contract(tm_text *out, const tm_contract *contract);
/* contract.h of every contract. */
bool tm_emit_contracts(const tm_plan *plan, tm_arena *arena, tm_diag *diag);
/* build/gen/<definition>/<uuid>.c, one data table and one call, and config.json. */
bool tm_emit_tables(const tm_plan *plan, const tm_options *options, tm_arena *arena, tm_diag *diag);
/* build/gen/<definition>/<uuid>.blobs of the rows that have some in their dataset, and
 * <uuid>.recipe.json of those whose blobs are made. */
bool tm_emit_blobs(const tm_plan *plan, const tm_options *options, tm_arena *arena, tm_diag *diag);
/* build/solutions/<solution>.json: what a judge must know about a solution. */
bool tm_emit_solutions(const tm_plan *plan, tm_arena *arena, tm_diag *diag);
/* build/matrix.ninja and build/debug.ninja. */
bool tm_emit_ninja(const tm_plan *plan, const tm_options *options, tm_arena *arena, tm_diag *diag);
/* build/plan.json, which the report reads. */
bool tm_emit_plan(const tm_plan *plan, const tm_options *options, tm_arena *arena, tm_diag *diag);
/* build/matrix.ninja.d, the depfile of matrix.ninja. */
bool tm_emit_depfile(const tm_plan *plan, const tm_scan *scan, tm_diag *diag);

#endif
