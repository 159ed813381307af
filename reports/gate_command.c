#include "reports/gate_command.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file.h"
#include "reports/command.h"
#include "reports/gate.h"
#include "reports/gate_json.h"
#include "reports/gate_markdown.h"
#include "reports/gate_text.h"
#include "reports/load.h"
#include "reports/option.h"
#include "reports/terminal.h"

typedef struct {
    const char *plan, *out, *build, *baseline, *srcdir, *colour;
    double threshold_percent, noise_percent, scale;
    bool no_identity;
    tm_terminal terminal; /* that the verdict is printed to */
} gate_arguments;

static bool parse(tm_arena *arena, tm_diag *diag, int count, char **arguments, gate_arguments *out,
                  int *status) {
    *out = (gate_arguments){
        .build = ".", .srcdir = ".", .threshold_percent = TM_GATE_THRESHOLD * 100.0, .scale = 1.0};
    const tm_option table[] = {
        {"--plan", TM_OPTION_PATH, &out->plan, .value = "FILE",
         .help = "the plan that tm-gen wrote, such as build/plan.json",
         .advice = "give --plan=build/plan.json"},
        {"--out", TM_OPTION_PATH, &out->out, .value = "DIR",
         .help = "where gate.md and gate.json go", .advice = "give --out=build/report"},
        {"--baseline", TM_OPTION_PATH, &out->baseline, .value = "DIR",
         .help = "traces of an earlier run: its build folder, build/traces, report/traces, or a "
                 "FlashInfer-Trace dataset",
         .advice = "give traces of an earlier run to ./configure --baseline=DIR"},
        {"--build", TM_OPTION_PATH, &out->build, .value = "DIR",
         .help = "the folder where ninja ran, to which build/traces is relative (default .)"},
        {"--srcdir", TM_OPTION_PATH, &out->srcdir, .value = "DIR",
         .help = "the source tree as seen from there (default .), for annotations"},
        {"--threshold", TM_OPTION_NUMBER, &out->threshold_percent, .value = "X",
         .help = "relevant change in percent (default 2)", .least = 0.0, .most = 1000.0},
        {"--noise", TM_OPTION_NUMBER, &out->noise_percent, .value = "X",
         .help = "by how many percent runs of the same code differ, as a standard deviation "
                 "(default: what "
                 "was measured, docs/MEASUREMENT.md)",
         .least = 0.01, .most = 100.0},
        {"--no-identity", TM_OPTION_FLAG, &out->no_identity,
         .help = "compare also cells whose solution, harness and device are the same"},
        {"--scale", TM_OPTION_NUMBER, &out->scale, .value = "X",
         .help = "multiply the latencies of now: what would the gate say to a slowdown?",
         .least = 0.001, .most = 1000.0},
        TM_TERMINAL_OPTION(&out->colour),
    };
    return tm_option_read(arena, diag,
                          &(tm_option_table){"gate", NULL, table, TM_OPTION_COUNT(table)}, count,
                          arguments, status);
}

/* Compared with itself nothing ever changes. */
static bool is_own(tm_arena *arena, const char *build, const tm_baseline *baseline, tm_diag *diag) {
    struct stat own, other;
    if (stat(tm_file_join(arena, build, "build/traces"), &own) != 0 ||
        stat(baseline->path, &other) != 0 || own.st_dev != other.st_dev ||
        own.st_ino != other.st_ino)
        return false;
    tm_diag_error(diag, tm_diag_command_line, "--baseline",
                  "expected traces of an earlier run, got those of this one, %s; keep a copy of "
                  "them, as in cp -r build/traces baseline",
                  baseline->path);
    return true;
}

/* In the terminal, and as annotations where GitHub Actions reads along. */
static bool print(tm_arena *arena, const tm_gate *gate, const gate_arguments *given,
                  tm_diag *diag) {
    const char *actions = getenv("GITHUB_ACTIONS"), *repository = getenv("GITHUB_WORKSPACE");
    const tm_gate_places places = {given->build, given->srcdir,
                                   repository != NULL ? repository : given->srcdir};
    bool is_read = actions != NULL && strcmp(actions, "true") == 0;
    const char *notes = is_read ? tm_gate_text_annotations(arena, gate, &places) : "";
    return tm_command_print(diag, "the verdict",
                            tm_gate_text_format(arena, gate, &given->terminal)) &&
           tm_command_print(diag, "the annotations", notes);
}

static bool write_reports(tm_arena *arena, const tm_gate *gate, const gate_arguments *given,
                          tm_diag *diag) {
    char *json = tm_gate_json_format(gate);
    bool good = tm_command_write(arena, diag, given->out, "gate.json", json);
    free(json);
    good &=
        tm_command_write(arena, diag, given->out, "gate.md", tm_gate_markdown_format(arena, gate));
    return print(arena, gate, given, diag) && good;
}

int tm_gate_command_run(tm_arena *arena, tm_diag *diag, int count, char **arguments) {
    gate_arguments given;
    int status;
    if (!parse(arena, diag, count, arguments, &given, &status))
        return status;
    tm_baseline baseline;
    const tm_baseline_request request = {given.baseline, "--baseline", TM_BASELINE_NEWEST};
    if (!tm_terminal_look(diag, STDOUT_FILENO, given.colour, &given.terminal))
        return TM_COMMAND_USAGE;
    if (!tm_baseline_read(arena, &request, diag, &baseline))
        return baseline.refused > 0 ? TM_COMMAND_ENVIRONMENT : TM_COMMAND_USAGE;
    if (is_own(arena, given.build, &baseline, diag))
        return TM_COMMAND_USAGE;
    const tm_model *model;
    tm_load_result loaded = tm_load_model(arena, given.plan, given.build, diag, &model);
    if (model == NULL)
        return tm_command_status(loaded);
    const tm_gate_options options = {.threshold = given.threshold_percent / 100.0,
                                     .noise = given.noise_percent / 100.0,
                                     .scale = given.scale,
                                     .by_identity = !given.no_identity};
    tm_gate *gate = tm_gate_run(arena, model, given.build, &baseline, options);
    if (!write_reports(arena, gate, &given, diag) || baseline.refused > 0)
        return TM_COMMAND_ENVIRONMENT;
    if (loaded != TM_LOAD_OK)
        return tm_command_status(loaded);
    return tm_gate_has_failed(gate) ? TM_COMMAND_FAILED : TM_COMMAND_GOOD;
}
