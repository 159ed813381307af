#include "reports/history_command.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/text.h"
#include "reports/command.h"
#include "reports/gate.h"
#include "reports/history_change.h"
#include "reports/history_data.h"
#include "reports/history_json.h"
#include "reports/history_text.h"
#include "reports/html_files.h"
#include "reports/html_page.h"
#include "reports/option.h"
#include "reports/terminal.h"

typedef struct {
    tm_option_list folders;
    const char *out, *definitions, *solutions, *colour;
    double threshold_percent, noise_percent;
    bool json;
} history_arguments;

static bool parse(tm_arena *arena, tm_diag *diag, int count, char **arguments,
                  history_arguments *out, int *status) {
    *out = (history_arguments){.threshold_percent = TM_GATE_THRESHOLD * 100.0};
    const tm_option table[] = {
        {"DIR", TM_OPTION_LIST, &out->folders,
         .help =
             "a run each, in any order: its artifact, build folder, build/traces, report/traces, "
             "or a FlashInfer-Trace dataset",
         .advice = "give the folders of two runs or more", .least = 1},
        {"--out", TM_OPTION_PATH, &out->out, .value = "FILE.html",
         .help = "a page with a chart of each solution's latency over the runs"},
        {"--json", TM_OPTION_FLAG, &out->json, .help = "JSON instead of text"},
        {"--definition", TM_OPTION_TEXT, &out->definitions, .value = "NAMES",
         .help = "only these; commas and globs: gemm_*"},
        {"--solution", TM_OPTION_TEXT, &out->solutions, .value = "NAMES", .help = "only these"},
        {"--threshold", TM_OPTION_NUMBER, &out->threshold_percent, .value = "X",
         .help = "relevant change in percent (default 2)", .least = 0.0, .most = 1000.0},
        {"--noise", TM_OPTION_NUMBER, &out->noise_percent, .value = "X",
         .help = "by how many percent runs of the same code differ, as a standard deviation; what "
                 "a series shows itself counts as well (default: what was measured, "
                 "docs/MEASUREMENT.md)",
         .least = 0.01, .most = 100.0},
        TM_TERMINAL_OPTION(&out->colour),
    };
    return tm_option_read(
        arena, diag,
        &(tm_option_table){"history", "What changed over many runs, since when, and by how much.",
                           table, TM_OPTION_COUNT(table)},
        count, arguments, status);
}

static bool write_page(tm_arena *arena, const tm_history_changes *changes, const char *path,
                       tm_diag *diag) {
    tm_text page = {0}, data = {0};
    tm_history_data_add(arena, &data, changes);
    tm_html_page_add(&page, tm_html_files_history, &data, tm_html_files_history_scripts);
    bool good = tm_command_write(arena, diag, "", path, tm_text_get(&page));
    tm_text_free(&data);
    tm_text_free(&page);
    return good;
}

static bool print(tm_arena *arena, const tm_history_changes *changes, bool json,
                  const tm_terminal *terminal, tm_diag *diag) {
    if (!json)
        return tm_command_print(diag, "the history",
                                tm_history_text_format(arena, changes, terminal));
    char *text = tm_history_json_format(changes);
    bool good = tm_command_print(diag, "the history", text);
    free(text);
    return good;
}

/* One run has no history, and a filter may leave nothing of it. */
static bool is_enough(const tm_history *history, tm_diag *diag) {
    if (history->run_count < 2)
        tm_diag_error(
            diag, tm_diag_command_line, NULL,
            "expected traces of two runs or more, got %s; keep each run: mkdir -p runs; "
            "ninja artifact && cp -r build/artifact runs/$(date +%%Y%%m%%dT%%H%%M%%S); and "
            "give them all",
            history->run_count == 0 ? "none" : "one run");
    else if (history->series_count == 0)
        tm_diag_error(diag, tm_diag_command_line, NULL,
                      "expected cells that --definition and --solution name, got none in %zu runs",
                      history->run_count);
    else
        return true;
    return false;
}

int tm_history_command_run(tm_arena *arena, tm_diag *diag, int count, char **arguments) {
    history_arguments given;
    tm_terminal terminal;
    int status;
    if (!parse(arena, diag, count, arguments, &given, &status))
        return status;
    if (!tm_terminal_look(diag, STDOUT_FILENO, given.colour, &terminal))
        return TM_COMMAND_USAGE;
    const tm_history *history = tm_history_read(
        arena, diag, given.folders.items, given.folders.count, given.definitions, given.solutions);
    if (!is_enough(history, diag))
        return history->is_refused ? TM_COMMAND_ENVIRONMENT : TM_COMMAND_USAGE;
    const tm_history_options options = {.threshold = given.threshold_percent / 100.0,
                                        .noise = given.noise_percent / 100.0};
    const tm_history_changes *changes = tm_history_change_find(arena, history, options);
    bool good = given.out == NULL || write_page(arena, changes, given.out, diag);
    good &= print(arena, changes, given.json, &terminal, diag);
    if (!good || history->is_refused)
        return TM_COMMAND_ENVIRONMENT;
    return history->unreadable > 0 || history->has_broken ? TM_COMMAND_USAGE : TM_COMMAND_GOOD;
}
