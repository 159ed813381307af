/* terminal: what text for people is written to: its width, and whether it shows colours.
 *
 * Files are 100 columns wide and have none. So are pipes, but for tables, which are as wide there
 * as their names: somebody may look for these. Deliberately does not know what is shown. */
#ifndef TM_REPORTS_TERMINAL_H
#define TM_REPORTS_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/diag.h"

typedef enum {
    TM_STYLE_PLAIN,
    TM_STYLE_GOOD,     /* green */
    TM_STYLE_BAD,      /* red */
    TM_STYLE_DOUBTFUL, /* yellow */
    TM_STYLE_STRONG,   /* bold */
    TM_STYLE_FAINT
} tm_style;

typedef struct {
    size_t width;       /* columns, at least 40 */
    size_t table_width; /* the same, or more than any table has */
    bool has_colour;
} tm_terminal;

/* A file: the same whoever writes it, wherever. */
extern const tm_terminal tm_terminal_file;

/* Row of a subcommand's options (option.h) for `const char *colour`, which begins as NULL. */
#define TM_TERMINAL_OPTION(colour)                                                     \
    {                                                                                  \
        "--color", TM_OPTION_TEXT, colour,                                             \
            .value = "WHEN",                                                           \
            .help = "always, never or auto (default): on a terminal, unless NO_COLOR " \
                    "is set or TERM is dumb"                                           \
    }

/* What a file descriptor leads to. The width is $COLUMNS where that is set, else the terminal's.
 * `colour` is what --color gave, or NULL. False after an error: it is none of the three. */
bool tm_terminal_look(tm_diag *diag, int descriptor, const char *colour, tm_terminal *terminal);
/* What a name in a table may take: all it needs where tables may have any width, else `narrow`. */
size_t tm_terminal_name_width(const tm_terminal *terminal, size_t narrow);
/* The text in a style, where there are colours; else the text itself. In the arena. */
const char *tm_terminal_paint(tm_arena *arena, const tm_terminal *terminal, tm_style style,
                              const char *text);

#endif
