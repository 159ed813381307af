#include "reports/show_command.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/text.h"
#include "reports/choice.h"
#include "reports/command.h"
#include "reports/figure.h"
#include "reports/folder.h"
#include "reports/option.h"
#include "reports/show.h"
#include "reports/show_json.h"
#include "reports/table.h"

#define MAX_LISTED 30

typedef struct {
    const char *cell, *folder, *srcdir, *colour;
    bool json;
} show_options;

static bool read_options(tm_arena *arena, tm_diag *diag, int count, char **arguments,
                         show_options *options, int *status) {
    *options = (show_options){.srcdir = "."};
    const tm_option table[] = {
        {"CELL", TM_OPTION_TEXT, &options->cell,
         .help = "what names it: a line of ninja bench, the path of its trace, "
                 "\"definition/solution/uuid\", or any part that no other cell has: a solution, "
                 "the first digits of a uuid, \"axis=value\", several of them in quotes",
         .advice = "give one, such as 'norm_vec batch_size=7'"},
        {"FOLDER", TM_OPTION_PATH, &options->folder,
         .help = "a build folder, an artifact, a FlashInfer-Trace dataset, or traces (default: the "
                 "build folder that is the current one)"},
        {"--srcdir", TM_OPTION_PATH, &options->srcdir, .value = "DIR",
         .help = "tracemill's source tree as seen from FOLDER (default .)"},
        {"--json", TM_OPTION_FLAG, &options->json, .help = "for programs, with every sample"},
        TM_TERMINAL_OPTION(&options->colour),
    };
    return tm_option_read(
        arena, diag,
        &(tm_option_table){"show", "All that is known of one cell.", table, TM_OPTION_COUNT(table)},
        count, arguments, status);
}

static void list_cells(tm_arena *arena, const tm_choice *cells, size_t count,
                       const tm_terminal *terminal, tm_text *text) {
    static const tm_table_column columns[] = {{.title = "status"},
                                              {.title = "latency", .to_the_right = true, .drop = 2},
                                              {.title = "definition", .least = 12},
                                              {.title = "solution", .least = 12},
                                              {.title = "uuid"},
                                              {.title = "axes", .least = 8, .drop = 1}};
    tm_table *table = tm_table_create(arena, columns, 6, MAX_LISTED);
    for (size_t i = 0; i < count && i < MAX_LISTED; i++) {
        const tm_choice *choice = &cells[i];
        const tm_model_workload *workload = &choice->definition->workloads[choice->workload];
        const char *const row[] = {
            tm_figure_status(choice->cell),
            tm_figure_latency(arena, choice->cell->trace.latency_ms),
            tm_figure_line(arena, choice->definition->name),
            tm_figure_solution(arena, choice->solution->name, choice->definition->name,
                               tm_terminal_name_width(terminal, 30)),
            tm_figure_uuid(arena, workload->uuid),
            tm_figure_line(arena, workload->axes),
        };
        tm_table_add(table, row);
        tm_table_style(table, 0, tm_figure_style(choice->cell));
    }
    tm_table_print(table, terminal, text);
    if (count > MAX_LISTED)
        tm_text_format(text, "and %zu more\n", count - MAX_LISTED);
}

static int complain(tm_arena *arena, tm_diag *diag, const tm_model *model,
                    const show_options *options, const tm_choice *cells, size_t count,
                    const tm_terminal *terminal) {
    if (count == 0) {
        const char *nearest = tm_choice_nearest(arena, model, options->cell);
        tm_diag_error(diag, tm_diag_command_line, "CELL",
                      "expected what names one of %s, got \"%s\", which names none; %s%s%s",
                      tm_figure_count(arena, model->score.cells + model->score.waiting, "cell"),
                      options->cell, nearest != NULL ? "did you mean " : "see tm-report summary",
                      nearest != NULL ? nearest : "", nearest != NULL ? "?" : "");
        return TM_COMMAND_USAGE;
    }
    bool printed = true;
    if (!options->json) {
        tm_text text = {0};
        list_cells(arena, cells, count, terminal, &text);
        printed = tm_command_print(diag, "the cells", tm_text_get(&text));
        tm_text_free(&text);
    }
    tm_diag_error(diag, tm_diag_command_line, "CELL",
                  "expected one cell, got \"%s\", which names %zu; add a solution, a uuid or an "
                  "axis=value",
                  options->cell, count);
    return printed ? TM_COMMAND_USAGE : TM_COMMAND_ENVIRONMENT;
}

static bool show(tm_arena *arena, tm_diag *diag, const show_options *options,
                 const tm_choice *choice, const tm_terminal *terminal) {
    const tm_show_origin origin = {tm_folder_build(arena, options->folder), options->srcdir};
    if (!options->json)
        return tm_command_print(diag, "the cell", tm_show_format(arena, choice, &origin, terminal));
    char *json = tm_show_json_format(arena, choice, &origin);
    bool good = tm_command_print(diag, "the cell", json);
    free(json);
    return good;
}

int tm_show_command_run(tm_arena *arena, tm_diag *diag, int count, char **arguments) {
    show_options options;
    tm_terminal terminal;
    int status;
    if (!read_options(arena, diag, count, arguments, &options, &status))
        return status;
    if (!tm_terminal_look(diag, STDOUT_FILENO, options.colour, &terminal))
        return TM_COMMAND_USAGE;
    const tm_model *model;
    tm_load_result loaded = tm_folder_load(arena, options.folder, diag, &model);
    if (model == NULL)
        return tm_command_status(loaded);
    size_t found;
    const tm_choice *cells = tm_choice_find(arena, model, options.cell, &found);
    if (found != 1)
        return complain(arena, diag, model, &options, cells, found, &terminal);
    return show(arena, diag, &options, cells, &terminal) ? tm_command_status(loaded)
                                                         : TM_COMMAND_ENVIRONMENT;
}
