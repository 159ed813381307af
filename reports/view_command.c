#include "reports/view_command.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/file.h"
#include "reports/best.h"
#include "reports/command.h"
#include "reports/folder.h"
#include "reports/option.h"
#include "reports/rank.h"
#include "reports/report_json.h"
#include "reports/summary.h"
#include "reports/terminal.h"

typedef struct {
    const char *folder, *definitions, *colour;
    bool json;
    tm_terminal terminal;
    const tm_model *model;
} view_request;

/* One way to show a model. */
typedef struct {
    const char *name, *about;
    char *(*json)(tm_arena *arena, const view_request *request); /* caller frees */
    const char *(*text)(tm_arena *arena, const view_request *request);
} view_kind;

static bool read_options(tm_arena *arena, tm_diag *diag, const view_kind *kind, int count,
                         char **arguments, view_request *request, int *status) {
    const tm_option table[] = {
        {"--definition", TM_OPTION_WORD, &request->definitions, .value = "GLOBS",
         .help = "only these, separated by commas"},
        {"--json", TM_OPTION_FLAG, &request->json,
         .help = "for programs, as docs/FORMATS.md tells"},
        TM_TERMINAL_OPTION(&request->colour),
        {"FOLDER", TM_OPTION_PATH, &request->folder,
         .help = "a build folder, its build/traces or build/report, or a FlashInfer-Trace dataset "
                 "(default: the build folder here)"},
    };
    return tm_option_read(
        arena, diag, &(tm_option_table){kind->name, kind->about, table, TM_OPTION_COUNT(table)},
        count, arguments, status);
}

/* Speedups over references of other devices, and the fastest device's solutions first. */
static void warn_mixed(tm_diag *diag, const tm_model *model) {
    size_t count = 0;
    while (model->hardware[count] != NULL)
        count++;
    if (count > 1)
        tm_diag_add(diag, TM_DIAG_WARNING, tm_diag_command_line, "FOLDER",
                    "expected traces of one kind of hardware, got %zu, such as %s and %s, whose "
                    "latencies are compared as if they were of one; tm-report merge --out=DIR "
                    "makes a folder of each",
                    count, model->hardware[0], model->hardware[1]);
}

static int run(tm_arena *arena, tm_diag *diag, const view_kind *kind, int count, char **arguments) {
    view_request request = {0};
    int status;
    if (!read_options(arena, diag, kind, count, arguments, &request, &status))
        return status;
    if (!tm_terminal_look(diag, STDOUT_FILENO, request.colour, &request.terminal))
        return TM_COMMAND_USAGE;
    tm_load_result loaded = tm_folder_load(arena, request.folder, diag, &request.model);
    if (request.model == NULL)
        return tm_command_status(loaded);
    if (request.definitions != NULL)
        request.model = tm_folder_select(arena, request.model, request.definitions, diag);
    if (request.model == NULL)
        return TM_COMMAND_USAGE;
    warn_mixed(diag, request.model);
    char *json = request.json ? kind->json(arena, &request) : NULL;
    const char *text = request.json ? json : kind->text(arena, &request);
    bool good = tm_command_print(diag, kind->name, text);
    free(json);
    return good ? tm_command_status(loaded) : TM_COMMAND_ENVIRONMENT;
}

static char *summary_json(tm_arena *arena, const view_request *request) {
    return tm_report_json_format(arena, request->model);
}

/* The page that was made of these traces, or NULL. */
static const char *page_of(tm_arena *arena, const char *folder) {
    static const char *const places[] = {"build/report/report.html", "report/report.html",
                                         "report.html"};
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        const char *page = tm_file_join(arena, folder != NULL ? folder : ".", places[i]);
        if (access(page, F_OK) == 0)
            return page;
    }
    return NULL;
}

static const char *summary_text(tm_arena *arena, const view_request *request) {
    return tm_summary_format(arena, request->model, tm_folder_build(arena, request->folder),
                             page_of(arena, request->folder), &request->terminal);
}

int tm_view_command_summary(tm_arena *arena, tm_diag *diag, int count, char **arguments) {
    static const view_kind kind = {"summary", "What ran, what passed and how fast.", summary_json,
                                   summary_text};
    return run(arena, diag, &kind, count, arguments);
}

static char *best_json(tm_arena *arena, const view_request *request) {
    return tm_best_json(arena, request->model);
}

static const char *best_text(tm_arena *arena, const view_request *request) {
    return tm_best_text(arena, request->model, &request->terminal);
}

int tm_view_command_best(tm_arena *arena, tm_diag *diag, int count, char **arguments) {
    static const view_kind kind = {"best",
                                   "The best solution of each definition, and how much faster it "
                                   "is than the reference and than the author baseline.",
                                   best_json, best_text};
    return run(arena, diag, &kind, count, arguments);
}

static char *rank_json(tm_arena *arena, const view_request *request) {
    return tm_rank_json(arena, request->model);
}

static const char *rank_text(tm_arena *arena, const view_request *request) {
    return tm_rank_text(arena, request->model, &request->terminal);
}

int tm_view_command_rank(tm_arena *arena, tm_diag *diag, int count, char **arguments) {
    static const view_kind kind = {"rank",
                                   "Authors and solutions by their speedups over the author "
                                   "baseline, and over the reference.",
                                   rank_json, rank_text};
    return run(arena, diag, &kind, count, arguments);
}
