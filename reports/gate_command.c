#include "reports/gate_command.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/file.h"
#include "lib/text.h"
#include "reports/gate.h"
#include "reports/gate_json.h"
#include "reports/gate_markdown.h"
#include "reports/gate_text.h"
#include "reports/load.h"

enum { EXIT_GOOD = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_ENVIRONMENT = 3 };

static const char usage[] =
    "usage: tm-report gate --plan=FILE --out=DIR --baseline=DIR [OPTION...]\n"
    "  --plan=FILE     the plan that tm-gen wrote, such as build/plan.json\n"
    "  --out=DIR       where gate.md and gate.json go\n"
    "  --baseline=DIR  traces of an earlier run: its build folder, build/traces, report/traces, or "
    "a\n"
    "                  FlashInfer-Trace dataset\n"
    "  --build=DIR     the folder where ninja ran, to which build/traces is relative (default .)\n"
    "  --srcdir=DIR    the source tree as seen from there (default .), for annotations\n"
    "  --threshold=X   relevant change in percent (default 2)\n"
    "  --noise=X       by how many percent runs of the same code differ, as a standard deviation\n"
    "                  (default: what was measured, docs/MEASUREMENT.md)\n"
    "  --no-identity   compare also cells whose solution, harness and device are the same\n"
    "  --scale=X       multiply the latencies of now: what would the gate say to a slowdown?\n";

typedef struct {
    const char *plan, *out, *build, *baseline, *srcdir;
    const char *threshold, *noise, *scale;
    bool no_identity, help;
} gate_arguments;

typedef struct {
    const char *name;
    size_t offset;
} value_option;

static const value_option value_options[] = {
    {"--plan", offsetof(gate_arguments, plan)},
    {"--out", offsetof(gate_arguments, out)},
    {"--build", offsetof(gate_arguments, build)},
    {"--baseline", offsetof(gate_arguments, baseline)},
    {"--srcdir", offsetof(gate_arguments, srcdir)},
    {"--threshold", offsetof(gate_arguments, threshold)},
    {"--noise", offsetof(gate_arguments, noise)},
    {"--scale", offsetof(gate_arguments, scale)},
};
#define VALUE_OPTIONS (sizeof(value_options) / sizeof(*value_options))

static bool take_value(gate_arguments *out, const char *argument) {
    for (size_t i = 0; i < VALUE_OPTIONS; i++) {
        size_t length = strlen(value_options[i].name);
        if (strncmp(argument, value_options[i].name, length) != 0 || argument[length] != '=')
            continue;
        *(const char **)((char *)out + value_options[i].offset) = argument + length + 1;
        return true;
    }
    return false;
}

static void complain(tm_arena *arena, tm_diag *diag, const char *argument) {
    const char *known[VALUE_OPTIONS + 2] = {"--no-identity", "--help"};
    for (size_t i = 0; i < VALUE_OPTIONS; i++)
        known[i + 2] = value_options[i].name;
    const char *name = tm_arena_copy(arena, argument, strcspn(argument, "="));
    const char *nearest = tm_text_nearest(name, known, VALUE_OPTIONS + 2);
    if (nearest != NULL && strcmp(nearest, name) == 0)
        tm_diag_error(diag, tm_diag_command_line, NULL, "%s: expected %s value, got \"%s\"", name,
                      strchr(argument, '=') ? "no" : "a", argument);
    else
        tm_diag_error(diag, tm_diag_command_line, NULL,
                      "unknown option \"%s\" of tm-report gate; %s%s%s", name,
                      nearest ? "did you mean " : "see tm-report gate --help",
                      nearest ? nearest : "", nearest ? "?" : "");
}

static void read_number(tm_diag *diag, const char *name, const char *given, double least,
                        double most, double *number) {
    if (given == NULL)
        return;
    char *end;
    double value = strtod(given, &end);
    if (end != given && *end == '\0' && value >= least && value <= most)
        *number = value;
    else
        tm_diag_error(diag, tm_diag_command_line, name,
                      "expected a number from %g to %g, got \"%s\"", least, most, given);
}

static void need_path(tm_diag *diag, const char *name, const char *value, const char *advice) {
    if (value == NULL || value[0] == '\0')
        tm_diag_error(diag, tm_diag_command_line, name, "expected a path, got nothing; %s", advice);
}

static bool parse(tm_arena *arena, int count, char **given, tm_diag *diag, gate_arguments *out,
                  tm_gate_options *options) {
    *out = (gate_arguments){.build = ".", .srcdir = "."};
    for (int i = 0; i < count; i++)
        if (strcmp(given[i], "--no-identity") == 0)
            out->no_identity = true;
        else if (strcmp(given[i], "--help") == 0)
            out->help = true;
        else if (!take_value(out, given[i]))
            complain(arena, diag, given[i]);
    if (out->help)
        return true;
    double threshold = TM_GATE_THRESHOLD * 100.0, noise = 0.0, scale = 1.0;
    read_number(diag, "--threshold", out->threshold, 0.0, 1000.0, &threshold);
    read_number(diag, "--noise", out->noise, 0.01, 100.0, &noise);
    read_number(diag, "--scale", out->scale, 0.001, 1000.0, &scale);
    need_path(diag, "--plan", out->plan, "give --plan=build/plan.json");
    need_path(diag, "--out", out->out, "give --out=build/report");
    need_path(diag, "--baseline", out->baseline,
              "give traces of an earlier run to ./configure --baseline=DIR");
    *options = (tm_gate_options){.threshold = threshold / 100.0,
                                 .noise = noise / 100.0,
                                 .scale = scale,
                                 .by_identity = !out->no_identity};
    return tm_diag_count(diag, TM_DIAG_ERROR) == 0;
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

static bool write_file(tm_arena *arena, const char *out, const char *name, const char *text,
                       tm_diag *diag) {
    const char *path = tm_file_join(arena, out, name);
    if (tm_file_write(path, text, strlen(text), NULL))
        return true;
    tm_diag_error(diag, tm_diag_command_line, NULL, "cannot write %s: %s", path, strerror(errno));
    return false;
}

/* In the terminal, and as annotations where GitHub Actions reads along. */
static bool print(tm_arena *arena, const tm_gate *gate, const gate_arguments *given) {
    const char *actions = getenv("GITHUB_ACTIONS"), *repository = getenv("GITHUB_WORKSPACE");
    const tm_gate_places places = {given->build, given->srcdir,
                                   repository != NULL ? repository : given->srcdir};
    bool good = fputs(tm_gate_text_format(arena, gate), stdout) != EOF;
    if (actions != NULL && strcmp(actions, "true") == 0)
        good &= fputs(tm_gate_text_annotations(arena, gate, &places), stdout) != EOF;
    return fflush(stdout) != EOF && good;
}

static bool write_reports(tm_arena *arena, const tm_gate *gate, const gate_arguments *given,
                          tm_diag *diag) {
    char *json = tm_gate_json_format(gate);
    bool good = write_file(arena, given->out, "gate.json", json, diag);
    free(json);
    good &= write_file(arena, given->out, "gate.md", tm_gate_markdown_format(arena, gate), diag);
    if (print(arena, gate, given))
        return good;
    tm_diag_error(diag, tm_diag_command_line, NULL, "cannot print the verdict: %s",
                  strerror(errno));
    return false;
}

int tm_gate_command_run(tm_arena *arena, tm_diag *diag, int count, char **arguments) {
    gate_arguments given;
    tm_gate_options options;
    if (!parse(arena, count, arguments, diag, &given, &options))
        return EXIT_USAGE;
    if (given.help) {
        fputs(usage, stdout);
        return EXIT_GOOD;
    }
    tm_baseline baseline;
    if (!tm_baseline_read(arena, given.baseline, diag, &baseline) ||
        is_own(arena, given.build, &baseline, diag))
        return EXIT_USAGE;
    const tm_model *model;
    tm_load_result loaded = tm_load_model(arena, given.plan, given.build, diag, &model);
    if (model == NULL)
        return loaded == TM_LOAD_UNREADABLE ? EXIT_ENVIRONMENT : EXIT_USAGE;
    tm_gate *gate = tm_gate_run(arena, model, given.build, &baseline, options);
    if (!write_reports(arena, gate, &given, diag) || loaded == TM_LOAD_UNREADABLE)
        return EXIT_ENVIRONMENT;
    if (loaded == TM_LOAD_BROKEN_TRACES)
        return EXIT_USAGE;
    return tm_gate_has_failed(gate) ? EXIT_FAILED : EXIT_GOOD;
}
