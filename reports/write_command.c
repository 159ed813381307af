#include "reports/write_command.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/text.h"
#include "reports/action_benchmark.h"
#include "reports/bencher.h"
#include "reports/command.h"
#include "reports/crew.h"
#include "reports/csv.h"
#include "reports/html.h"
#include "reports/jsonl.h"
#include "reports/junit.h"
#include "reports/load.h"
#include "reports/markdown.h"
#include "reports/option.h"
#include "reports/report_json.h"
#include "reports/summary.h"
#include "reports/terminal.h"

typedef struct {
    const char *plan, *out, *build, *srcdir, *commit, *colour;
    bool quiet;
} write_options;

static bool read_options(tm_arena *arena, tm_diag *diag, int count, char **arguments,
                         write_options *options, int *status) {
    *options = (write_options){.build = ".", .srcdir = "."};
    const tm_option table[] = {
        {"--plan", TM_OPTION_PATH, &options->plan, .value = "FILE",
         .help = "the plan that tm-gen wrote, such as build/plan.json",
         .advice = "give --plan=build/plan.json"},
        {"--out", TM_OPTION_PATH, &options->out, .value = "DIR",
         .help = "where summary.txt, report.html, report.md, report.json, report.csv, junit.xml, "
                 "bencher.json, github-action-benchmark.json and traces/ go",
         .advice = "give --out=build/report"},
        {"--build", TM_OPTION_PATH, &options->build, .value = "DIR",
         .help = "the folder where ninja ran, to which build/traces is relative (default .)"},
        {"--srcdir", TM_OPTION_PATH, &options->srcdir, .value = "DIR",
         .help = "tracemill's source tree as seen from there (default .), for the sources that "
                 "report.html shows"},
        {"--commit", TM_OPTION_TEXT, &options->commit, .value = "NAME",
         .help = "what was built, for report.html"},
        {"--quiet", TM_OPTION_FLAG, &options->quiet, .help = "do not print the summary"},
        TM_TERMINAL_OPTION(&options->colour),
    };
    return tm_option_read(arena, diag,
                          &(tm_option_table){"write", NULL, table, TM_OPTION_COUNT(table)}, count,
                          arguments, status);
}

/* A dataset keeps traces of its own under traces/, which jsonl would take for stale ones. */
static bool is_dataset(tm_arena *arena, const char *out, tm_diag *diag) {
    if (access(tm_file_join(arena, out, "definitions"), F_OK) != 0)
        return false;
    tm_diag_error(diag, tm_diag_command_line, "--out",
                  "expected a folder for reports alone, got %s, which holds a dataset; give "
                  "another one",
                  out);
    return true;
}

/* One file of the report, or folder of them. */
typedef bool file_writer(tm_arena *arena, const tm_model *model, const write_options *options,
                         tm_diag *diag);

static bool write_page(tm_arena *arena, const tm_model *model, const write_options *options,
                       tm_diag *diag) {
    bool has_commit = options->commit != NULL && options->commit[0] != '\0';
    tm_html_origin origin = {.build = options->build,
                             .gate = tm_file_join(arena, options->out, "gate.json"),
                             .srcdir = options->srcdir,
                             .commit = has_commit ? options->commit : NULL};
    tm_text page = {0};
    tm_html_add(arena, &page, model, &origin);
    bool good = tm_command_write(arena, diag, options->out, "report.html", tm_text_get(&page));
    tm_text_free(&page);
    return good;
}

static bool write_traces(tm_arena *arena, const tm_model *model, const write_options *options,
                         tm_diag *diag) {
    return tm_jsonl_write(arena, model, options->out, diag);
}

static bool write_markdown(tm_arena *arena, const tm_model *model, const write_options *options,
                           tm_diag *diag) {
    return tm_command_write(arena, diag, options->out, "report.md",
                            tm_markdown_format(arena, model, options->build));
}

/* Writes a text that is the caller's, and frees it. */
static bool write_owned(tm_arena *arena, const write_options *options, tm_diag *diag,
                        const char *name, char *text) {
    bool good = tm_command_write(arena, diag, options->out, name, text);
    free(text);
    return good;
}

static bool write_json(tm_arena *arena, const tm_model *model, const write_options *options,
                       tm_diag *diag) {
    return write_owned(arena, options, diag, "report.json", tm_report_json_format(arena, model));
}

static bool write_csv(tm_arena *arena, const tm_model *model, const write_options *options,
                      tm_diag *diag) {
    return write_owned(arena, options, diag, "report.csv", tm_csv_format(arena, model));
}

static bool write_junit(tm_arena *arena, const tm_model *model, const write_options *options,
                        tm_diag *diag) {
    return tm_command_write(arena, diag, options->out, "junit.xml", tm_junit_format(arena, model));
}

static bool write_bencher(tm_arena *arena, const tm_model *model, const write_options *options,
                          tm_diag *diag) {
    return write_owned(arena, options, diag, "bencher.json", tm_bencher_format(arena, model));
}

static bool write_action(tm_arena *arena, const tm_model *model, const write_options *options,
                         tm_diag *diag) {
    return write_owned(arena, options, diag, "github-action-benchmark.json",
                       tm_action_benchmark_format(arena, model));
}

/* The longest first. */
static file_writer *const writers[] = {write_page, write_json,    write_traces, write_markdown,
                                       write_csv,  write_bencher, write_action, write_junit};
enum { WRITERS = sizeof(writers) / sizeof(*writers) };

typedef struct {
    const tm_model *model;
    const write_options *options;
    struct {
        tm_arena *arena;
        tm_diag *diag;
        bool good;
    } files[WRITERS];
} writing;

static void write_one(void *context, size_t index, int member) {
    (void)member;
    writing *all = context;
    tm_arena *arena = tm_arena_create(), *messages = tm_arena_create();
    tm_diag *diag = tm_diag_create(messages);
    all->files[index].good = writers[index](arena, all->model, all->options, diag);
    all->files[index].arena = messages;
    all->files[index].diag = diag;
    tm_arena_destroy(arena);
}

static bool write_reports(tm_arena *arena, const tm_model *model, const write_options *options,
                          const tm_terminal *terminal, tm_diag *diag) {
    writing all = {.model = model, .options = options};
    bool good = true;
    tm_crew_run(WRITERS, write_one, &all);
    for (size_t i = 0; i < WRITERS; i++) {
        good &= all.files[i].good;
        tm_diag_append(diag, all.files[i].diag);
        tm_arena_adopt(arena, all.files[i].arena);
    }
    const char *page = tm_file_join(arena, options->out, "report.html");
    const char *summary = tm_summary_format(arena, model, options->build, page, &tm_terminal_file);
    good &= tm_command_write(arena, diag, options->out, "summary.txt", summary);
    if (options->quiet)
        return good;
    if (terminal->has_colour || terminal->width != tm_terminal_file.width)
        summary = tm_summary_format(arena, model, options->build, page, terminal);
    return tm_command_print(diag, "the summary", summary) && good;
}

int tm_write_command_run(tm_arena *arena, tm_diag *diag, int count, char **arguments) {
    write_options options;
    int status;
    if (!read_options(arena, diag, count, arguments, &options, &status))
        return status;
    tm_terminal terminal;
    if (!tm_terminal_look(diag, STDOUT_FILENO, options.colour, &terminal) ||
        is_dataset(arena, options.out, diag))
        return TM_COMMAND_USAGE;
    const tm_model *model;
    tm_load_result loaded = tm_load_model(arena, options.plan, options.build, diag, &model);
    if (model != NULL && !write_reports(arena, model, &options, &terminal, diag))
        return TM_COMMAND_ENVIRONMENT;
    return tm_command_status(loaded);
}
