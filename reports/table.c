#include "reports/table.h"

#include <assert.h>
#include <string.h>

#include "reports/figure.h"

#define GAP "  "
#define NOTE_INDENT "    "

typedef struct {
    const char *line; /* instead of cells, or NULL */
    bool is_note;
    const char *cells[TM_TABLE_MAX_COLUMNS];
    tm_style styles[TM_TABLE_MAX_COLUMNS];
} table_row;

struct tm_table {
    tm_arena *arena;
    tm_table_column columns[TM_TABLE_MAX_COLUMNS];
    size_t column_count;
    size_t widths[TM_TABLE_MAX_COLUMNS]; /* of the widest cell */
    table_row *rows;
    size_t row_count, max_rows;
};

/* How the columns are printed: 0 is one that is left out. */
typedef struct {
    size_t widths[TM_TABLE_MAX_COLUMNS];
    const tm_terminal *terminal;
} table_fit;

tm_table *tm_table_create(tm_arena *arena, const tm_table_column *columns, size_t column_count,
                          size_t max_rows) {
    assert(column_count <= TM_TABLE_MAX_COLUMNS);
    tm_table *table = tm_arena_alloc(arena, sizeof(*table));
    table->arena = arena;
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
        row->cells[i] = tm_figure_line(table->arena, cells[i]);
        size_t width = tm_figure_width(row->cells[i]);
        if (width > table->widths[i])
            table->widths[i] = width;
    }
}

void tm_table_style(tm_table *table, size_t column, tm_style style) {
    assert(table->row_count > 0 && column < table->column_count);
    table->rows[table->row_count - 1].styles[column] = style;
}

void tm_table_add_heading(tm_table *table, const char *heading) {
    assert(table->row_count < table->max_rows);
    table->rows[table->row_count++].line = tm_figure_line(table->arena, heading);
}

void tm_table_add_note(tm_table *table, const char *note) {
    assert(table->row_count < table->max_rows);
    table->rows[table->row_count++] =
        (table_row){.line = tm_figure_line(table->arena, note), .is_note = true};
}

/* ---- fitting ---- */

static size_t whole_width(const tm_table *table, const size_t *widths) {
    size_t whole = 0;
    for (size_t i = 0; i < table->column_count; i++)
        if (widths[i] > 0)
            whole += widths[i] + (whole > 0 ? strlen(GAP) : 0);
    return whole;
}

/* The widest column that may still be shortened, or NULL. */
static size_t *find_longest(const tm_table *table, size_t *widths) {
    size_t *longest = NULL;
    for (size_t i = 0; i < table->column_count; i++) {
        size_t least = table->columns[i].least;
        size_t title = tm_figure_width(table->columns[i].title);
        bool may = least > 0 && widths[i] > (least > title ? least : title);
        if (may && (longest == NULL || widths[i] > *longest))
            longest = &widths[i];
    }
    return longest;
}

static bool shorten(const tm_table *table, size_t *widths, size_t width) {
    size_t *longest;
    while (whole_width(table, widths) > width) {
        if ((longest = find_longest(table, widths)) == NULL)
            return false;
        --*longest;
    }
    return true;
}

/* Leaves out one more column; false when the others stay. */
static bool leave_out(tm_table_column *columns, size_t count, size_t *natural) {
    size_t first = count;
    for (size_t i = 0; i < count; i++)
        if (columns[i].drop > 0 && (first == count || columns[i].drop > columns[first].drop))
            first = i;
    if (first == count)
        return false;
    columns[first].drop = 0;
    natural[first] = 0;
    return true;
}

static table_fit find_fit(const tm_table *table, const tm_terminal *terminal) {
    table_fit fit = {.terminal = terminal};
    tm_table_column columns[TM_TABLE_MAX_COLUMNS];
    size_t natural[TM_TABLE_MAX_COLUMNS];
    memcpy(columns, table->columns, sizeof(columns));
    memcpy(natural, table->widths, sizeof(natural));
    do
        memcpy(fit.widths, natural, sizeof(natural));
    while (!shorten(table, fit.widths, terminal->table_width) &&
           leave_out(columns, table->column_count, natural));
    return fit;
}

/* ---- printing ---- */

static void add_blanks(tm_text *text, size_t count) {
    for (size_t i = 0; i < count; i++)
        tm_text_add(text, " ");
}

static void print_row(const tm_table *table, const table_fit *fit, const char *const *cells,
                      const tm_style *styles, tm_text *text) {
    size_t pending = 0; /* blanks that are written once something follows them */
    for (size_t i = 0; i < table->column_count; i++) {
        if (fit->widths[i] == 0)
            continue;
        const char *cell = tm_figure_middle(table->arena, cells[i], fit->widths[i]);
        size_t rest = fit->widths[i] - tm_figure_width(cell);
        bool to_the_right = table->columns[i].to_the_right;
        pending += to_the_right ? rest : 0;
        if (cell[0] != '\0') {
            add_blanks(text, pending);
            tm_text_add(text, tm_terminal_paint(table->arena, fit->terminal, styles[i], cell));
            pending = 0;
        }
        pending += (to_the_right ? 0 : rest) + strlen(GAP);
    }
    tm_text_add(text, "\n");
}

static void print_line(const tm_table *table, const tm_terminal *terminal, const table_row *row,
                       tm_text *text) {
    const char *indent = row->is_note ? NOTE_INDENT : "";
    const char *line =
        tm_figure_cut(table->arena, row->line, terminal->table_width - strlen(indent));
    tm_style style = row->is_note ? TM_STYLE_FAINT : TM_STYLE_STRONG;
    tm_text_format(text, "%s%s\n", indent, tm_terminal_paint(table->arena, terminal, style, line));
}

void tm_table_print(const tm_table *table, const tm_terminal *terminal, tm_text *text) {
    const char *titles[TM_TABLE_MAX_COLUMNS];
    tm_style faint[TM_TABLE_MAX_COLUMNS];
    table_fit fit = find_fit(table, terminal);
    for (size_t i = 0; i < table->column_count; i++) {
        titles[i] = table->columns[i].title;
        faint[i] = TM_STYLE_FAINT;
    }
    print_row(table, &fit, titles, faint, text);
    for (size_t i = 0; i < table->row_count; i++) {
        const table_row *row = &table->rows[i];
        if (row->line != NULL)
            print_line(table, terminal, row, text);
        else
            print_row(table, &fit, row->cells, row->styles, text);
    }
}
