/* layout: the paths under build/ that are a contract (docs/DESIGN.md), in one place.
 *
 * All paths start with "build/" and are relative to the folder where ninja runs. Names pass through
 * tm_text_add_component. Results live in the arena. */
#ifndef TM_LAYOUT_H
#define TM_LAYOUT_H

#include <stdbool.h>

#include "lib/arena.h"

#define TM_LAYOUT_MAX_NAME 200 /* of a component: with a suffix it is still less than 255 bytes */

/* Whether files and targets can be named after `name`: it is short enough, and one line of text. */
bool tm_layout_fits(const char *name);

/* build/traces/<author>/<op_type>/<definition>/<solution>/<uuid>.json */
char *tm_layout_trace(tm_arena *arena, const char *author, const char *op_type,
                      const char *definition, const char *solution, const char *uuid);
/* build/solutions/<solution><suffix>, suffix such as ".so", ".log", ".json" */
char *tm_layout_solution(tm_arena *arena, const char *solution, const char *suffix);
/* build/debug/<solution><suffix>: the same with debug information */
char *tm_layout_debug(tm_arena *arena, const char *solution, const char *suffix);
/* build/gen/<definition>/<file> */
char *tm_layout_gen(tm_arena *arena, const char *definition, const char *file);
/* build/blobs/<op_type>/<definition>/<uuid>.safetensors: what is made of a row's recipe */
char *tm_layout_blob(tm_arena *arena, const char *op_type, const char *definition,
                     const char *uuid);
/* build/harness/<definition>/<uuid><suffix> */
char *tm_layout_harness(tm_arena *arena, const char *definition, const char *uuid,
                        const char *suffix);

#endif
