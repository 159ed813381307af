#include "reports/option.h"

#include <stdlib.h>
#include <string.h>

#include "lib/text.h"
#include "reports/command.h"
#include "reports/figure.h"

enum { HELP_WIDTH = 100, HELP_INDENT = 2, HELP_GAP = 2 };

static bool is_named(const tm_option *option) {
    return strncmp(option->name, "--", 2) == 0;
}

/* "--plan=FILE", "--quiet", "FOLDER", "CELL..." */
static const char *show(tm_arena *arena, const tm_option *option) {
    if (is_named(option) && option->kind != TM_OPTION_FLAG)
        return tm_arena_format(arena, "%s=%s", option->name, option->value);
    return tm_arena_format(arena, "%s%s", option->name,
                           option->kind == TM_OPTION_LIST ? "..." : "");
}

static void add_usage(tm_arena *arena, tm_text *text, const tm_option_table *table) {
    bool has_more = false;
    tm_text_format(text, "usage: tm-report %s", table->command);
    for (size_t i = 0; i < table->count; i++) {
        const tm_option *option = &table->options[i];
        if (is_named(option) && option->advice != NULL)
            tm_text_format(text, " %s", show(arena, option));
        has_more |= is_named(option) && option->advice == NULL;
    }
    if (has_more)
        tm_text_add(text, " [OPTION...]");
    for (size_t i = 0; i < table->count; i++)
        if (!is_named(&table->options[i]))
            tm_text_format(text, table->options[i].advice != NULL ? " %s" : " [%s]",
                           show(arena, &table->options[i]));
    tm_text_add(text, "\n");
}

static void add_lines(tm_text *text, const char *help, size_t indent) {
    for (;;) {
        size_t length = tm_figure_break(help, HELP_WIDTH - indent);
        tm_text_add_bytes(text, help, length);
        tm_text_add(text, "\n");
        help += length + strspn(help + length, " ");
        if (*help == '\0')
            return;
        tm_text_format(text, "%*s", (int)indent, "");
    }
}

static bool print_help(tm_arena *arena, tm_diag *diag, const tm_option_table *table) {
    tm_text text = {0};
    size_t widest = 0;
    add_usage(arena, &text, table);
    if (table->about != NULL)
        add_lines(&text, table->about, 0);
    for (size_t i = 0; i < table->count; i++) {
        size_t width = strlen(show(arena, &table->options[i]));
        widest = width > widest ? width : widest;
    }
    for (size_t i = 0; i < table->count; i++) {
        tm_text_format(&text, "%*s%-*s", HELP_INDENT, "", (int)(widest + HELP_GAP),
                       show(arena, &table->options[i]));
        add_lines(&text, table->options[i].help, HELP_INDENT + widest + HELP_GAP);
    }
    bool good = tm_command_print(diag, "the help", tm_text_get(&text));
    tm_text_free(&text);
    return good;
}

static void complain(tm_arena *arena, tm_diag *diag, const tm_option_table *table,
                     const char *argument) {
    const char **known = tm_arena_array(arena, table->count + 1, sizeof(*known));
    size_t count = 0;
    known[count++] = "--help";
    for (size_t i = 0; i < table->count; i++)
        if (is_named(&table->options[i]))
            known[count++] = table->options[i].name;
    const char *name = tm_arena_copy(arena, argument, strcspn(argument, "="));
    const char *nearest = tm_text_nearest(name, known, count);
    if (nearest != NULL)
        tm_diag_error(diag, tm_diag_command_line, NULL,
                      "unknown option \"%s\" of tm-report %s; did you mean %s?", name,
                      table->command, nearest);
    else
        tm_diag_error(diag, tm_diag_command_line, NULL,
                      "unknown option \"%s\" of tm-report %s; see tm-report %s --help", name,
                      table->command, table->command);
}

static void take_number(tm_diag *diag, const tm_option *option, const char *value) {
    char *end;
    double number = strtod(value, &end);
    if (end != value && *end == '\0' && number >= option->least && number <= option->most)
        *(double *)option->to = number;
    else
        tm_diag_error(diag, tm_diag_command_line, option->name,
                      "expected a number from %g to %g, got \"%s\"", option->least, option->most,
                      value);
}

/* An argument that names the option; `value` is what stands behind "=", or NULL. */
static void take_named(tm_arena *arena, tm_diag *diag, const tm_option *option, const char *value) {
    if (option->kind == TM_OPTION_FLAG && value != NULL)
        tm_diag_error(diag, tm_diag_command_line, option->name, "expected no value, got \"%s\"",
                      value);
    else if (option->kind == TM_OPTION_FLAG)
        *(bool *)option->to = true;
    else if (value == NULL)
        tm_diag_error(diag, tm_diag_command_line, option->name, "expected %s, got no value",
                      show(arena, option));
    else if (option->kind == TM_OPTION_NUMBER)
        take_number(diag, option, value);
    else
        *(const char **)option->to = value;
}

static void read_named(tm_arena *arena, tm_diag *diag, const tm_option_table *table,
                       const char *argument) {
    size_t length = strcspn(argument, "=");
    for (size_t i = 0; i < table->count; i++) {
        const tm_option *option = &table->options[i];
        if (strlen(option->name) != length || strncmp(option->name, argument, length) != 0)
            continue;
        take_named(arena, diag, option, argument[length] == '=' ? argument + length + 1 : NULL);
        return;
    }
    complain(arena, diag, table, argument);
}

static void complain_surplus(tm_arena *arena, tm_diag *diag, const tm_option_table *table,
                             const char *argument) {
    const char *last = NULL;
    for (size_t i = 0; i < table->count; i++)
        if (!is_named(&table->options[i]))
            last = table->options[i].name;
    const char *expected =
        last == NULL ? "options only" : tm_arena_format(arena, "nothing behind %s", last);
    tm_diag_error(diag, tm_diag_command_line, NULL,
                  "expected %s, got \"%s\"; see tm-report %s --help", expected, argument,
                  table->command);
}

/* What stands alone, in the table's order. */
static void read_positions(tm_arena *arena, tm_diag *diag, const tm_option_table *table,
                           const tm_option_list *given) {
    size_t at = 0;
    for (size_t i = 0; i < table->count; i++) {
        const tm_option *option = &table->options[i];
        if (is_named(option) || at == given->count)
            continue;
        if (option->kind == TM_OPTION_LIST) {
            *(tm_option_list *)option->to = (tm_option_list){given->items + at, given->count - at};
            at = given->count;
        } else
            *(const char **)option->to = given->items[at++];
    }
    for (; at < given->count; at++)
        complain_surplus(arena, diag, table, given->items[at]);
}

static void check_list(tm_diag *diag, const tm_option *option) {
    const tm_option_list *list = option->to;
    if (option->advice != NULL && (double)list->count < option->least)
        tm_diag_error(diag, tm_diag_command_line, option->name, "expected at least %g, got %zu; %s",
                      option->least, list->count, option->advice);
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i][0] == '\0')
            tm_diag_error(diag, tm_diag_command_line, option->name,
                          "expected a name, got an empty one as number %zu", i + 1);
}

/* What was not given, or is empty. */
static void check(tm_diag *diag, const tm_option_table *table) {
    for (size_t i = 0; i < table->count; i++) {
        const tm_option *option = &table->options[i];
        if (option->kind == TM_OPTION_LIST)
            check_list(diag, option);
        if (option->kind == TM_OPTION_FLAG || option->kind == TM_OPTION_NUMBER ||
            option->kind == TM_OPTION_LIST)
            continue;
        const char *value = *(const char **)option->to;
        bool is_empty = value != NULL && value[0] == '\0' && option->kind != TM_OPTION_TEXT;
        if (is_empty || (value == NULL && option->advice != NULL))
            tm_diag_error(diag, tm_diag_command_line, option->name, "expected %s, got nothing%s%s",
                          option->kind == TM_OPTION_PATH ? "a path" : "a value",
                          option->advice != NULL ? "; " : "",
                          option->advice != NULL ? option->advice : "");
    }
}

bool tm_option_read(tm_arena *arena, tm_diag *diag, const tm_option_table *table, int count,
                    char **arguments, int *status) {
    const char **alone = tm_arena_array(arena, (size_t)count, sizeof(*alone));
    tm_option_list given = {.items = alone};
    size_t before = tm_diag_count(diag, TM_DIAG_ERROR);
    for (int i = 0; i < count; i++)
        if (strcmp(arguments[i], "--help") == 0 || strcmp(arguments[i], "-h") == 0) {
            *status = print_help(arena, diag, table) ? TM_COMMAND_GOOD : TM_COMMAND_ENVIRONMENT;
            return false;
        }
    for (int i = 0; i < count; i++)
        if (arguments[i][0] == '-' && arguments[i][1] != '\0')
            read_named(arena, diag, table, arguments[i]);
        else
            alone[given.count++] = arguments[i];
    read_positions(arena, diag, table, &given);
    if (tm_diag_count(diag, TM_DIAG_ERROR) == before)
        check(diag, table);
    *status = TM_COMMAND_USAGE;
    return tm_diag_count(diag, TM_DIAG_ERROR) == before;
}
