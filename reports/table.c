#include "reports/table.h"

#include <assert.h>
#include <string.h>

#include "reports/figure.h"

#define GAP "  "

typedef struct {
    const char *heading; /* instead of cells, or NULL */
    const char *cells[TM_TABLE_MAX_COLUMNS];
} table_row;

struct tm_table {
    tm_table_column columns[TM_TABLE_MAX_COLUMNS];
    size_t column_count;
    size_t widths[TM_TABLE_MAX_COLUMNS];
    table_row *rows;
    size_t row_count, max_rows;
};

tm_table *tm_table_create(tm_arena *arena, const tm_table_column *columns, size_t column_count,
                          size_t max_rows) {
    assert(column_count <= TM_TABLE_MAX_COLUMNS);
    tm_table *table = tm_arena_alloc(arena, sizeof(*table));
    table->column_count = column_count;
    table->max_rows = max_rows;
    table->rows = tm_arena_array(arena, max_rows, sizeof(*table->rows));
    for (size_t i = 0; i < column_count; i++) {
        table->columns[i] = columns[i];
        table->widths[i] = tm_figure_width(columns[i].title);
    }
    return table;
}

void tm_table_add(tm_table *table, const char *const *cells) {
    assert(table->row_count < table->max_rows);
    table_row *row = &table->rows[table->row_count++];
    for (size_t i = 0; i < table->column_count; i++) {
        row->cells[i] = cells[i];
        size_t width = tm_figure_width(cells[i]);
        if (width > table->widths[i])
            table->widths[i] = width;
    }
}

void tm_table_add_heading(tm_table *table, const char *heading) {
    assert(table->row_count < table->max_rows);
    table->rows[table->row_count++].heading = heading;
}

static void add_blanks(tm_text *text, size_t count) {
    for (size_t i = 0; i < count; i++)
        tm_text_add(text, " ");
}

static void print_row(const tm_table *table, const char *const *cells, tm_text *text) {
    size_t pending = 0; /* blanks that are written once something follows them */
    for (size_t i = 0; i < table->column_count; i++) {
        size_t rest = table->widths[i] - tm_figure_width(cells[i]);
        bool to_the_right = table->columns[i].to_the_right;
        pending += to_the_right ? rest : 0;
        if (cells[i][0] != '\0') {
            add_blanks(text, pending);
            tm_text_add(text, cells[i]);
            pending = 0;
        }
        pending += (to_the_right ? 0 : rest) + strlen(GAP);
    }
    tm_text_add(text, "\n");
}

void tm_table_print(const tm_table *table, tm_text *text) {
    const char *titles[TM_TABLE_MAX_COLUMNS];
    for (size_t i = 0; i < table->column_count; i++)
        titles[i] = table->columns[i].title;
    print_row(table, titles, text);
    for (size_t i = 0; i < table->row_count; i++) {
        const table_row *row = &table->rows[i];
        if (row->heading != NULL)
            tm_text_format(text, "%s\n", row->heading);
        else
            print_row(table, row->cells, text);
    }
}
