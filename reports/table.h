/* table: aligned columns of plain text.
 *
 * Cells are UTF-8 without line breaks and borrowed until the table is printed. Deliberately does
 * not know what stands in them. */
#ifndef TM_REPORTS_TABLE_H
#define TM_REPORTS_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/text.h"

#define TM_TABLE_MAX_COLUMNS 8

typedef struct {
    const char *title;
    bool to_the_right; /* numbers */
} tm_table_column;

typedef struct tm_table tm_table;

/* An empty table of at most `max_rows` rows; lives in the arena. */
tm_table *tm_table_create(tm_arena *arena, const tm_table_column *columns, size_t column_count,
                          size_t max_rows);
/* One row; `cells` has an entry per column and is copied. */
void tm_table_add(tm_table *table, const char *const *cells);
/* A line over the following rows that runs across the columns. */
void tm_table_add_heading(tm_table *table, const char *heading);
/* Appends the titles and all rows; no trailing blanks. */
void tm_table_print(const tm_table *table, tm_text *text);

#endif
