/* history_text: the history in a terminal: what changed, largest first; what is steady, counted. */
#ifndef TM_REPORTS_HISTORY_TEXT_H
#define TM_REPORTS_HISTORY_TEXT_H

#include "reports/history_change.h"
#include "reports/terminal.h"

/* The whole text, in the arena. There is at least one series. */
const char *tm_history_text_format(tm_arena *arena, const tm_history_changes *changes,
                                   const tm_terminal *terminal);

#endif
