/* tm-report: what the traces of a planned matrix amount to.
 *
 * A failed kernel is data: exit 0. 2: wrong usage, a broken plan, or a file among the traces that
 * is no trace of its cell (the reports are written and say so). 3: the operating system refused. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/text.h"
#include "reports/gate_command.h"
#include "reports/html.h"
#include "reports/jsonl.h"
#include "reports/junit.h"
#include "reports/load.h"
#include "reports/markdown.h"
#include "reports/report_json.h"
#include "reports/summary.h"

enum { EXIT_GOOD = 0, EXIT_USAGE = 2, EXIT_ENVIRONMENT = 3 };

static const char usage[] =
    "usage: tm-report --plan=FILE --out=DIR [--build=DIR] [--srcdir=DIR]\n"
    "                 [--commit=NAME] [--quiet]\n"
    "       tm-report gate --help\n"
    "  --plan=FILE  the plan that tm-gen wrote, such as build/plan.json\n"
    "  --out=DIR    where summary.txt, report.html, report.md, report.json, junit.xml and\n"
    "               traces/ go\n"
    "  --build=DIR  the folder where ninja ran, to which build/traces is relative (default .)\n"
    "  --srcdir=DIR tracemill's source tree as seen from there (default .), for the sources that "
    "report.html shows\n"
    "  --commit=NAME  what was built, for report.html\n"
    "  --quiet      do not print the summary\n";

typedef struct {
    const char *plan, *out, *build, *srcdir, *commit;
    bool quiet, help;
} report_options;

/* The value of `--name=value`, or NULL when the argument is another one. */
static const char *value_of(const char *argument, const char *name) {
    size_t length = strlen(name);
    return strncmp(argument, name, length) == 0 && argument[length] == '=' ? argument + length + 1
                                                                           : NULL;
}

static bool parse_value(const char *argument, const char *name, const char **value) {
    const char *given = value_of(argument, name);
    if (given != NULL)
        *value = given;
    return given != NULL;
}

static void complain_option(tm_arena *arena, tm_diag *diag, const char *argument) {
    static const char *const known[] = {"--plan",   "--out",   "--build", "--srcdir",
                                        "--commit", "--quiet", "--help"};
    size_t length = strcspn(argument, "=");
    const char *name = tm_arena_copy(arena, argument, length);
    const char *nearest = tm_text_nearest(name, known, sizeof(known) / sizeof(*known));
    bool is_known = nearest != NULL && strcmp(nearest, name) == 0;
    if (is_known && strcmp(name, "--quiet") != 0 && strcmp(name, "--help") != 0)
        tm_diag_error(diag, ((tm_place){0}), name, "expected %s=VALUE, got no value", name);
    else if (is_known)
        tm_diag_error(diag, ((tm_place){0}), name, "expected no value, got \"%s\"",
                      argument + length + 1);
    else if (nearest != NULL)
        tm_diag_error(diag, ((tm_place){0}), NULL, "unknown option \"%s\"; did you mean %s?", name,
                      nearest);
    else
        tm_diag_error(diag, ((tm_place){0}), NULL,
                      "unknown option \"%s\"; expected --plan=FILE, --out=DIR, --build=DIR, "
                      "--srcdir=DIR, --commit=NAME or --quiet",
                      name);
}

static void need_value(tm_diag *diag, const char *name, const char *value, const char *example) {
    if (value == NULL || value[0] == '\0')
        tm_diag_error(diag, ((tm_place){0}), name, "expected a path, got %s; give %s=%s",
                      value == NULL ? "nothing" : "an empty one", name, example);
}

static bool parse_options(tm_arena *arena, int count, char **arguments, tm_diag *diag,
                          report_options *options) {
    *options = (report_options){.build = "."};
    for (int i = 1; i < count; i++) {
        const char *argument = arguments[i];
        if (strcmp(argument, "--quiet") == 0)
            options->quiet = true;
        else if (strcmp(argument, "--help") == 0)
            options->help = true;
        else if (!parse_value(argument, "--plan", &options->plan) &&
                 !parse_value(argument, "--out", &options->out) &&
                 !parse_value(argument, "--build", &options->build) &&
                 !parse_value(argument, "--srcdir", &options->srcdir) &&
                 !parse_value(argument, "--commit", &options->commit))
            complain_option(arena, diag, argument);
    }
    if (tm_diag_count(diag, TM_DIAG_ERROR) > 0 || options->help)
        return tm_diag_count(diag, TM_DIAG_ERROR) == 0;
    need_value(diag, "--plan", options->plan, "build/plan.json");
    need_value(diag, "--out", options->out, "build/report");
    need_value(diag, "--build", options->build, ".");
    return tm_diag_count(diag, TM_DIAG_ERROR) == 0;
}

/* A dataset keeps traces of its own under traces/, which jsonl would take for stale ones. */
static bool is_dataset(tm_arena *arena, const char *out, tm_diag *diag) {
    if (access(tm_file_join(arena, out, "definitions"), F_OK) != 0)
        return false;
    tm_diag_error(diag, ((tm_place){0}), "--out",
                  "expected a folder for reports alone, got %s, which holds a dataset; give "
                  "another one",
                  out);
    return true;
}

static bool write_file(tm_arena *arena, const char *out, const char *name, const char *text,
                       tm_diag *diag) {
    const char *path = tm_file_join(arena, out, name);
    if (tm_file_write(path, text, strlen(text), NULL))
        return true;
    tm_diag_error(diag, ((tm_place){0}), NULL, "cannot write %s: %s", path, strerror(errno));
    return false;
}

static bool write_page(tm_arena *arena, const tm_model *model, const report_options *options,
                       tm_diag *diag) {
    bool has_commit = options->commit != NULL && options->commit[0] != '\0';
    tm_html_origin origin = {.build = options->build,
                             .gate = tm_file_join(arena, options->out, "gate.json"),
                             .srcdir = options->srcdir != NULL ? options->srcdir : ".",
                             .commit = has_commit ? options->commit : NULL};
    tm_text page = {0};
    tm_html_add(arena, &page, model, &origin);
    bool good = write_file(arena, options->out, "report.html", tm_text_get(&page), diag);
    tm_text_free(&page);
    return good;
}

static bool write_reports(tm_arena *arena, const tm_model *model, const report_options *options,
                          tm_diag *diag) {
    const char *out = options->out;
    const char *summary =
        tm_summary_format(arena, model, options->build, tm_file_join(arena, out, "report.html"));
    char *json = tm_report_json_format(arena, model);
    bool good = tm_jsonl_write(arena, model, out, diag);
    good &=
        write_file(arena, out, "report.md", tm_markdown_format(arena, model, options->build), diag);
    good &= write_file(arena, out, "report.json", json, diag);
    good &= write_file(arena, out, "junit.xml", tm_junit_format(arena, model), diag);
    good &= write_page(arena, model, options, diag);
    good &= write_file(arena, out, "summary.txt", summary, diag);
    free(json);
    if (!options->quiet && (fputs(summary, stdout) == EOF || fflush(stdout) == EOF)) {
        tm_diag_error(diag, ((tm_place){0}), NULL, "cannot print the summary: %s", strerror(errno));
        good = false;
    }
    return good;
}

static int run(tm_arena *arena, tm_diag *diag, int count, char **arguments) {
    report_options options;
    if (!parse_options(arena, count, arguments, diag, &options))
        return EXIT_USAGE;
    if (options.help) {
        fputs(usage, stdout);
        return EXIT_GOOD;
    }
    if (is_dataset(arena, options.out, diag))
        return EXIT_USAGE;
    const tm_model *model;
    tm_load_result loaded = tm_load_model(arena, options.plan, options.build, diag, &model);
    if (model != NULL && !write_reports(arena, model, &options, diag))
        return EXIT_ENVIRONMENT;
    if (loaded == TM_LOAD_OK)
        return EXIT_GOOD;
    return loaded == TM_LOAD_UNREADABLE ? EXIT_ENVIRONMENT : EXIT_USAGE;
}

int main(int count, char **arguments) {
    tm_arena *arena = tm_arena_create();
    tm_diag *diag = tm_diag_create(arena);
    bool is_gate = count > 1 && strcmp(arguments[1], "gate") == 0;
    int status = is_gate ? tm_gate_command_run(arena, diag, count - 2, arguments + 2)
                         : run(arena, diag, count, arguments);
    tm_diag_print(diag, TM_DIAG_WARNING, stderr);
    tm_arena_destroy(arena);
    return status;
}
