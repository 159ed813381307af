/* markdown: the whole report for people, as GitHub-flavoured Markdown.
 *
 * Scores, every failed cell with the line that repeats it, what is missing, and each definition's
 * table of cells. Whatever a name or a reason contains stays text. */
#ifndef TM_REPORTS_MARKDOWN_H
#define TM_REPORTS_MARKDOWN_H

#include "lib/arena.h"
#include "reports/model.h"

/* The text, in the arena; `build` is where the commands are to be run. */
const char *tm_markdown_format(tm_arena *arena, const tm_model *model, const char *build);
/* One line of text in which nothing is markup, also in a table. In the arena. */
const char *tm_markdown_escape(tm_arena *arena, const char *raw);

#endif
