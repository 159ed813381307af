/* yaml: a YAML document to nodes; the only file that includes libyaml.
 *
 * Plain scalars follow the YAML 1.2 core schema (null, bool, int, float, else string); quoted ones
 * are strings. Anchors, aliases, tags and more than one document are refused: a configuration does
 * not need them, and an alias bomb is cheap to write. */
#ifndef TM_YAML_H
#define TM_YAML_H

#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/node.h"

/* Parses a whole source; an empty document gives an empty object. NULL after appending an error.
 * Duplicate keys are errors; a tab used as indentation is named as such. */
const tm_node *tm_yaml_parse(tm_arena *arena, const tm_source *source, tm_diag *diag);

#endif
