#include "reports/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH 100
#define LEAST_WIDTH 40
#define MOST_WIDTH 1000

const tm_terminal tm_terminal_file = {WIDTH, WIDTH, false};

static bool is_set(const char *name) {
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0';
}

/* 0: says nothing. */
static size_t width_of(int descriptor, bool is_terminal) {
    const char *columns = getenv("COLUMNS");
    char *end = NULL;
    long given = columns != NULL ? strtol(columns, &end, 10) : 0;
    if (given > 0 && *end == '\0')
        return (size_t)given;
    struct winsize size;
    return is_terminal && ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

bool tm_terminal_look(tm_diag *diag, int descriptor, const char *colour, tm_terminal *terminal) {
    bool is_terminal = isatty(descriptor);
    const char *kind = getenv("TERM");
    bool shows = is_terminal && !is_set("NO_COLOR") && kind != NULL && strcmp(kind, "dumb") != 0;
    size_t width = width_of(descriptor, is_terminal);
    *terminal = tm_terminal_file;
    if (width > 0)
        terminal->width = width < LEAST_WIDTH  ? LEAST_WIDTH
                          : width > MOST_WIDTH ? MOST_WIDTH
                                               : width;
    terminal->table_width = width == 0 && !is_terminal ? MOST_WIDTH : terminal->width;
    if (colour == NULL || strcmp(colour, "auto") == 0) {
        terminal->has_colour = shows;
        return true;
    }
    terminal->has_colour = strcmp(colour, "always") == 0;
    if (terminal->has_colour || strcmp(colour, "never") == 0)
        return true;
    tm_diag_error(diag, tm_diag_command_line, "--color",
                  "expected auto, always or never, got \"%s\"", colour);
    return false;
}

size_t tm_terminal_name_width(const tm_terminal *terminal, size_t narrow) {
    return terminal->table_width == MOST_WIDTH ? MOST_WIDTH : narrow;
}

const char *tm_terminal_paint(tm_arena *arena, const tm_terminal *terminal, tm_style style,
                              const char *text) {
    static const char *const codes[] = {
        [TM_STYLE_PLAIN] = "",      [TM_STYLE_GOOD] = "32",  [TM_STYLE_BAD] = "31",
        [TM_STYLE_DOUBTFUL] = "33", [TM_STYLE_STRONG] = "1", [TM_STYLE_FAINT] = "2"};
    if (!terminal->has_colour || style == TM_STYLE_PLAIN || text[0] == '\0')
        return text;
    return tm_arena_format(arena, "\x1b[%sm%s\x1b[0m", codes[style], text);
}
