/* toml: the part of TOML 1.0 that a description of a solution needs, to nodes.
 *
 * Tables of one level, bare and quoted keys, strings of one line, decimal numbers, booleans and
 * arrays. The rest of TOML (nested and inline tables, arrays of tables, strings of several lines,
 * dates) is refused by name. Deliberately does not know what the keys mean. */
#ifndef TM_TOML_H
#define TM_TOML_H

#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/node.h"

/* Parses a whole source: an object whose members are its keys and its tables, in the order of the
 * text. NULL after appending an error: the first of the file, at line and column. */
const tm_node *tm_toml_parse(tm_arena *arena, const tm_source *source, tm_diag *diag);

#endif
