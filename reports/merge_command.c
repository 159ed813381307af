#include "reports/merge_command.h"

#include <stdlib.h>

#include "lib/file.h"
#include "lib/json.h"
#include "lib/text.h"
#include "reports/command.h"
#include "reports/figure.h"
#include "reports/folder.h"
#include "reports/merge.h"
#include "reports/option.h"

typedef struct {
    tm_option_list folders;
    const char *out;
    bool json;
} merge_options;

static bool read_options(tm_arena *arena, tm_diag *diag, int count, char **arguments,
                         merge_options *options, int *status) {
    *options = (merge_options){0};
    const tm_option table[] = {
        {"--out", TM_OPTION_PATH, &options->out, .value = "DIR",
         .help = "what is to be made: a FlashInfer-Trace dataset's traces/, or a folder with one "
                 "for each kind of hardware",
         .advice = "give --out=merged"},
        {"--json", TM_OPTION_FLAG, &options->json, .help = "tell programs what was merged"},
        {"FOLDER", TM_OPTION_LIST, &options->folders,
         .help = "build folders, artifacts, FlashInfer-Trace datasets, or traces; of several "
                 "traces of one cell on one kind of hardware the newest stays",
         .advice = "give folders with traces", .least = 1},
    };
    return tm_option_read(arena, diag,
                          &(tm_option_table){"merge",
                                             "The traces of several folders as one, in the "
                                             "FlashInfer-Trace layout, without samples.",
                                             table, TM_OPTION_COUNT(table)},
                          count, arguments, status);
}

/* All of them, so that every message comes at once. */
static tm_folder_traces *read_folders(tm_arena *arena, tm_diag *diag, const tm_option_list *list,
                                      bool *is_refused) {
    tm_folder_traces *folders = tm_arena_array(arena, list->count, sizeof(*folders));
    bool good = true;
    *is_refused = false;
    for (size_t i = 0; i < list->count; i++) {
        good &= tm_folder_read(arena, list->items[i], diag, &folders[i]);
        *is_refused |= folders[i].is_refused;
    }
    return good ? folders : NULL;
}

static const char *place_of(tm_arena *arena, const merge_options *options,
                            const tm_merge_part *part) {
    return part->folder[0] != '\0' ? tm_file_join(arena, options->out, part->folder) : options->out;
}

static const char *format_text(tm_arena *arena, const merge_options *options,
                               const tm_merge *merge) {
    tm_text text = {0};
    for (size_t i = 0; i < merge->part_count; i++) {
        const tm_merge_part *part = &merge->parts[i];
        const char *line =
            tm_arena_format(arena, "%s: %s of %s", place_of(arena, options, part),
                            tm_figure_count(arena, part->count, "trace"), part->hardware);
        tm_text_format(&text, "%s\n", tm_figure_line(arena, line));
    }
    if (merge->older > 0)
        tm_text_format(&text, "left out: %s, older than another of the same cell\n",
                       tm_figure_count(arena, merge->older, "trace"));
    if (merge->voids > 0)
        tm_text_format(&text, "left out: %s without a verdict (VOID)\n",
                       tm_figure_count(arena, merge->voids, "trace"));
    const char *result = tm_arena_copy(arena, tm_text_get(&text), text.length);
    tm_text_free(&text);
    return result;
}

static char *format_json(tm_arena *arena, const merge_options *options, const tm_merge *merge) {
    tm_json *root = tm_json_object();
    tm_json_set_int(root, "version", 1);
    tm_json *inputs = tm_json_array();
    for (size_t i = 0; i < merge->input_count; i++) {
        tm_json *input = tm_json_object();
        tm_json_set_string(input, "path", merge->inputs[i].path);
        tm_json_set_int(input, "traces", (int64_t)merge->inputs[i].count);
        tm_json_set_int(input, "broken", (int64_t)merge->inputs[i].broken);
        tm_json_push(inputs, input);
    }
    tm_json_set(root, "inputs", inputs);
    tm_json *parts = tm_json_array();
    for (size_t i = 0; i < merge->part_count; i++) {
        tm_json *part = tm_json_object();
        tm_json_set_string(part, "hardware", merge->parts[i].hardware);
        tm_json_set_string(part, "path", place_of(arena, options, &merge->parts[i]));
        tm_json_set_int(part, "traces", (int64_t)merge->parts[i].count);
        tm_json_push(parts, part);
    }
    tm_json_set(root, "outputs", parts);
    tm_json_set_int(root, "older", (int64_t)merge->older);
    tm_json_set_int(root, "void", (int64_t)merge->voids);
    char *text = tm_json_print(root, true);
    tm_json_free(root);
    return text;
}

static bool print(tm_arena *arena, tm_diag *diag, const merge_options *options,
                  const tm_merge *merge) {
    if (!options->json)
        return tm_command_print(diag, "what was merged", format_text(arena, options, merge));
    char *json = format_json(arena, options, merge);
    bool good = tm_command_print(diag, "what was merged", json);
    free(json);
    return good;
}

/* What a reader has to know; false when an input was not whole. */
static bool warn(tm_arena *arena, tm_diag *diag, const merge_options *options,
                 const tm_merge *merge) {
    if (merge->part_count > 1)
        tm_diag_add(diag, TM_DIAG_WARNING, tm_diag_command_line, NULL,
                    "expected one kind of hardware, got %zu: each has a folder of its own, as who "
                    "reads traces/ compares all latencies in it; read %s and so on",
                    merge->part_count, place_of(arena, options, &merge->parts[0]));
    bool good = true;
    for (size_t i = 0; i < merge->input_count; i++) {
        const tm_folder_traces *input = &merge->inputs[i];
        if (input->broken == 0)
            continue;
        good = false;
        tm_diag_error(diag, tm_diag_command_line, NULL, "%s: %s; the others are merged",
                      input->path, tm_baseline_skipped(arena, input->broken, input->broken_why));
    }
    return good;
}

int tm_merge_command_run(tm_arena *arena, tm_diag *diag, int count, char **arguments) {
    merge_options options;
    int status;
    if (!read_options(arena, diag, count, arguments, &options, &status))
        return status;
    bool is_refused;
    const tm_folder_traces *folders = read_folders(arena, diag, &options.folders, &is_refused);
    if (folders == NULL)
        return is_refused ? TM_COMMAND_ENVIRONMENT : TM_COMMAND_USAGE;
    const tm_merge merge = tm_merge_make(arena, folders, options.folders.count);
    if (merge.count == 0) {
        tm_diag_error(
            diag, tm_diag_command_line, "FOLDER",
            "expected traces with a verdict, got %s without one (VOID); nothing is merged",
            tm_figure_count(arena, merge.voids, "trace"));
        return TM_COMMAND_USAGE;
    }
    if (!tm_merge_allows(arena, &merge, options.out, diag))
        return TM_COMMAND_USAGE;
    if (!tm_merge_write(arena, &merge, options.out, diag) || !print(arena, diag, &options, &merge))
        return TM_COMMAND_ENVIRONMENT;
    bool is_whole = warn(arena, diag, &options, &merge);
    return is_refused ? TM_COMMAND_ENVIRONMENT : is_whole ? TM_COMMAND_GOOD : TM_COMMAND_USAGE;
}
