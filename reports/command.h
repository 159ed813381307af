/* command: the subcommands of tm-report, and what each of them needs to end well.
 *
 * main.c has the table; a subcommand is a function that gets the arguments behind its name, reads
 * them by option.h and returns the exit status. Deliberately does not know any of them. */
#ifndef TM_REPORTS_COMMAND_H
#define TM_REPORTS_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/diag.h"
#include "reports/load.h"

/* Exit status of every subcommand. A failed kernel is data, and good. */
enum {
    TM_COMMAND_GOOD = 0,
    TM_COMMAND_FAILED = 1,     /* the gate: something is slower or broken */
    TM_COMMAND_USAGE = 2,      /* wrong options, or input that is none */
    TM_COMMAND_ENVIRONMENT = 3 /* the operating system refused */
};

typedef struct {
    const char *name;
    const char *help; /* one line: what it does */
    int (*run)(tm_arena *arena, tm_diag *diag, int count, char **arguments);
} tm_command;

/* Runs the one that `arguments[1]` names; the first of the table when that is an option. "--help"
 * prints the table, "help NAME" what NAME takes. Returns the exit status. */
int tm_command_run(tm_arena *arena, tm_diag *diag, const tm_command *commands, size_t command_count,
                   int count, char **arguments);

/* The exit status of what was loaded. */
int tm_command_status(tm_load_result loaded);
/* Puts the text into `folder`/`name`; false after an error. */
bool tm_command_write(tm_arena *arena, tm_diag *diag, const char *folder, const char *name,
                      const char *text);
/* Prints the text, whole; false after an error. `what` it is: "the summary". */
bool tm_command_print(tm_diag *diag, const char *what, const char *text);

#endif
