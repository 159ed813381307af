/* dependencies: what `spec.dependencies` names, and the flags that it takes.
 *
 * One table. Where each is and with which flags is found by gen/dependencies.sh, and stands in
 * variables of build.ninja. Deliberately does not know plans. */
#ifndef TM_DEPENDENCIES_H
#define TM_DEPENDENCIES_H

#include "gen/options.h"
#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/solution.h"

typedef struct {
    const char *name;          /* as configure and a status call it */
    const char *flags, *links; /* variables of build.ninja, or NULL */
    const char *remedy;        /* what makes it found */
} tm_dependency;

/* What is meant by a name as datasets have it, such as "nvidia-cublas-cu12>=12.4"; NULL: unknown.
 */
const tm_dependency *tm_dependencies_find(tm_arena *arena, const char *spelling);

/* Whether configure found `name`. */
bool tm_dependencies_have(const tm_options *options, const char *name);

/* The first dependency of a compiled solution that is not here, or NULL. */
const tm_dependency *tm_dependencies_missing(const tm_options *options, const tm_solution *solution,
                                             tm_arena *arena);

/* Variables for the compiler, or for the linker: " $cutlass_flags", or "". In the arena. */
const char *tm_dependencies_flags(const tm_solution *solution, bool links, tm_arena *arena);

/* Mentions the names that nobody knows. */
void tm_dependencies_note(const tm_solution *solution, tm_arena *arena, tm_diag *diag);

#endif
