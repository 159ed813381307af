/* pack_kit: the description of a folder as the contest's starter kit has it: a config.toml with
 * [solution] and [build], and sources under solution/<language>.
 *
 * Deliberately does not know TOML, or how a solution is packed. */
#ifndef TM_PACK_KIT_H
#define TM_PACK_KIT_H

#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/node.h"
#include "lib/solution.h"

/* The solution that the parsed config.toml of `folder` describes, for target_hardware ["cuda"]
 * unless it says otherwise. Its sources are all source files in and below
 * solution/<build.source_dir or language>/, or those of the folder itself where it has none. NULL
 * after appending an error. */
const tm_solution *tm_pack_kit_read(tm_node_reader *reader, const tm_node *config,
                                    const char *folder);

#endif
