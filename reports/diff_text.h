/* diff_text: what differs between two folders of traces, in the terminal. */
#ifndef TM_REPORTS_DIFF_TEXT_H
#define TM_REPORTS_DIFF_TEXT_H

#include <stdbool.h>

#include "lib/arena.h"
#include "reports/diff.h"
#include "reports/terminal.h"

/* At most 40 lines, and how many cells and solutions were left out, unless `all`. `after` is what B
 * is called. In the arena. */
const char *tm_diff_text_format(tm_arena *arena, const tm_diff *diff, const char *after, bool all,
                                const tm_terminal *terminal);

#endif
