#include "reports/diff_command.h"

#include <stdlib.h>
#include <unistd.h>

#include "reports/baseline.h"
#include "reports/command.h"
#include "reports/diff.h"
#include "reports/diff_json.h"
#include "reports/diff_text.h"
#include "reports/folder.h"
#include "reports/gate.h"
#include "reports/option.h"
#include "reports/terminal.h"

typedef struct {
    const char *before, *after, *colour;
    double threshold_percent;
    bool all, json;
} diff_options;

static bool read_options(tm_arena *arena, tm_diag *diag, int count, char **arguments,
                         diff_options *options, int *status) {
    *options = (diff_options){.threshold_percent = TM_GATE_THRESHOLD * 100.0};
    const tm_option table[] = {
        {"A", TM_OPTION_PATH, &options->before,
         .help = "traces of one run: a build folder, an artifact, a FlashInfer-Trace dataset, or "
                 "traces",
         .advice = "give two folders with traces"},
        {"B", TM_OPTION_PATH, &options->after, .help = "those of another",
         .advice = "give two folders with traces"},
        {"--threshold", TM_OPTION_NUMBER, &options->threshold_percent, .value = "X",
         .help = "relevant change in percent (default 2)", .least = 0.0, .most = 1000.0},
        {"--all", TM_OPTION_FLAG, &options->all, .help = "every cell, however many lines it takes"},
        {"--json", TM_OPTION_FLAG, &options->json, .help = "for programs, with every cell"},
        TM_TERMINAL_OPTION(&options->colour),
    };
    return tm_option_read(arena, diag,
                          &(tm_option_table){"diff",
                                             "What differs between two runs. A difference is no "
                                             "failure: tm-report gate is what fails.",
                                             table, TM_OPTION_COUNT(table)},
                          count, arguments, status);
}

static bool print(tm_arena *arena, tm_diag *diag, const diff_options *options, const tm_diff *diff,
                  const tm_terminal *terminal) {
    if (!options->json)
        return tm_command_print(
            diag, "the difference",
            tm_diff_text_format(arena, diff, options->after, options->all, terminal));
    char *json = tm_diff_json_format(diff, options->after);
    bool good = tm_command_print(diag, "the difference", json);
    free(json);
    return good;
}

int tm_diff_command_run(tm_arena *arena, tm_diag *diag, int count, char **arguments) {
    diff_options options;
    tm_terminal terminal;
    int status;
    if (!read_options(arena, diag, count, arguments, &options, &status))
        return status;
    tm_baseline before;
    const tm_baseline_request request = {options.before, "A", TM_BASELINE_SCORED};
    if (!tm_terminal_look(diag, STDOUT_FILENO, options.colour, &terminal))
        return TM_COMMAND_USAGE;
    if (!tm_baseline_read(arena, &request, diag, &before))
        return before.refused > 0 ? TM_COMMAND_ENVIRONMENT : TM_COMMAND_USAGE;
    const tm_model *model;
    tm_load_result loaded = tm_folder_load(arena, options.after, diag, &model);
    if (model == NULL)
        return tm_command_status(loaded);
    const tm_gate_options gate_options = {
        .threshold = options.threshold_percent / 100.0, .scale = 1.0, .by_trace = true};
    const tm_gate *gate =
        tm_gate_run(arena, model, tm_folder_build(arena, options.after), &before, gate_options);
    const tm_diff diff = tm_diff_make(arena, gate);
    if (!print(arena, diag, &options, &diff, &terminal) || before.refused > 0)
        return TM_COMMAND_ENVIRONMENT;
    if (before.broken > 0) {
        tm_diag_error(diag, tm_diag_command_line, NULL, "%s: %s; the others are compared",
                      options.before, tm_baseline_skipped(arena, before.broken, before.broken_why));
        return TM_COMMAND_USAGE;
    }
    return tm_command_status(loaded);
}
