/* table: aligned columns of plain text, no wider than what they are written to.
 *
 * Of cells, headings and notes it keeps what tm_figure_line leaves of them, for they may be
 * strangers'. A table that is too wide shortens the columns that may be, then leaves out those that
 * may be, and only then is too wide. Deliberately does not know what stands in them. */
#ifndef TM_REPORTS_TABLE_H
#define TM_REPORTS_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/text.h"
#include "reports/terminal.h"

#define TM_TABLE_MAX_COLUMNS 12

typedef struct {
    const char *title;
    bool to_the_right; /* numbers */
    size_t least;      /* columns, at least 4, that its cells may be shortened to; 0: never */
    int drop;          /* the highest is left out first; 0: never */
} tm_table_column;

typedef struct tm_table tm_table;

/* An empty table of at most `max_rows` rows, headings and notes; lives in the arena. */
tm_table *tm_table_create(tm_arena *arena, const tm_table_column *columns, size_t column_count,
                          size_t max_rows);
/* One row; `cells` has an entry per column and is copied. */
void tm_table_add(tm_table *table, const char *const *cells);
/* The style of a cell of the last row. */
void tm_table_style(tm_table *table, size_t column, tm_style style);
/* A line over the following rows that runs across the columns; cut to the width. */
void tm_table_add_heading(tm_table *table, const char *heading);
/* A line of prose under the last row, indented; cut to the width. */
void tm_table_add_note(tm_table *table, const char *note);
/* Appends the titles and all rows; no trailing blanks. */
void tm_table_print(const tm_table *table, const tm_terminal *terminal, tm_text *text);

#endif
