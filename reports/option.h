/* option: what a subcommand of tm-report takes on its command line, as one table.
 *
 * The table is read for what was given, for messages and for --help, so that the three agree. What
 * does not begin with "--" is told by its position. Deliberately does not know what a value means.
 *
 *     options options = {.build = "."};
 *     const tm_option table[] = {
 *         {"--plan", TM_OPTION_PATH, &options.plan, .value = "FILE",
 *          .help = "the plan that tm-gen wrote", .advice = "give --plan=build/plan.json"},
 *         {"--json", TM_OPTION_FLAG, &options.json, .help = "JSON instead of a table"},
 *         {"FOLDER", TM_OPTION_PATH, &options.folder, .help = "with traces"},
 *     };
 */
#ifndef TM_REPORTS_OPTION_H
#define TM_REPORTS_OPTION_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/diag.h"

typedef enum {
    TM_OPTION_FLAG,   /* bool: --name */
    TM_OPTION_TEXT,   /* const char *: --name=VALUE, which may be empty */
    TM_OPTION_WORD,   /* const char *: the same, not empty */
    TM_OPTION_PATH,   /* const char *: the same, of a file or folder */
    TM_OPTION_NUMBER, /* double, from `least` to `most` */
    TM_OPTION_LIST    /* tm_option_list: all that stand there; behind what stands alone */
} tm_option_kind;

typedef struct {
    const char *const *items; /* borrows from the command line */
    size_t count;
} tm_option_list;

typedef struct {
    const char *name; /* "--plan"; of what is told by its position, "FOLDER" */
    tm_option_kind kind;
    void *to;          /* keeps what it holds when nothing is given */
    const char *value; /* what help calls the value, "FILE"; NULL for a flag and by position */
    const char *help;
    const char *advice; /* what to do when it is not given; NULL: it may be left out */
    double least, most; /* of a NUMBER; a LIST that may not be left out has at least `least` */
} tm_option;

/* What a subcommand takes. */
typedef struct {
    const char *command; /* "gate" */
    const char *about;   /* what help says under the usage line, or NULL */
    const tm_option *options;
    size_t count;
} tm_option_table;

#define TM_OPTION_COUNT(options) (sizeof(options) / sizeof(*(options)))

/* Reads the arguments behind the subcommand's name. False: end with `*status`, for the help has
 * been printed, or at least one error was appended. */
bool tm_option_read(tm_arena *arena, tm_diag *diag, const tm_option_table *table, int count,
                    char **arguments, int *status);

#endif
