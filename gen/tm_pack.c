/* tm-pack: solutions as single files, and back.
 *
 *   tm-pack pack DIR [-o FILE] [--name=NAME] [--tvm-ffi [--definition=NAME]
 *                                          [--variant=TILE=64] [--dataset=DIR]...]
 *   tm-pack unpack FILE DIR
 *   tm-pack all @build/plan.args --output=DIR
 *
 * `pack` prints one JSON text with the sources in it, or writes it to FILE by rename; a FILE that
 * is not one of those packed is replaced. DIR has a solution.json, or a config.toml. `unpack` makes
 * DIR, which must be new or empty. `all` is what `ninja pack` runs: DIR must be its own.
 * Exit status: 0 done, 2 bad arguments or input, 3 something could not be written. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gen/filters.h"
#include "gen/options.h"
#include "gen/pack.h"
#include "gen/pack_all.h"
#include "gen/pack_files.h"
#include "gen/pack_kit.h"
#include "gen/pack_native.h"
#include "gen/scan.h"
#include "gen/unpack.h"
#include "lib/field.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/text.h"
#include "lib/toml.h"

#define PLAN_ARGS "build/plan.args"
#define MOST_NAMED 8 /* definitions of a family in a message */

typedef struct {
    const char *places[2]; /* DIR, or FILE and DIR */
    size_t place_count;
    const char *output, *definition, *variant, *name;
    bool tvm_ffi;
    char **scan; /* arguments for tm_options_parse, after one for the program's name */
    int scan_count;
    bool has_dataset;
} arguments;

static const char usage[] =
    "usage: tm-pack pack DIR [-o FILE] [--name=NAME] [--tvm-ffi [--definition=NAME] "
    "[--variant=TILE=64]\n"
    "                    [--dataset=DIR]...]\n"
    "       tm-pack unpack FILE DIR\n";

static bool parse_arguments(arguments *args, tm_arena *arena, int argc, char **argv) {
    args->scan = tm_arena_array(arena, (size_t)argc + 2, sizeof *args->scan);
    args->scan[args->scan_count++] = argv[0];
    for (int i = 2; i < argc; i++) {
        const char *arg = argv[i];
        if (strcmp(arg, "-o") == 0 && i + 1 < argc)
            args->output = argv[++i];
        else if (strncmp(arg, "--output=", 9) == 0)
            args->output = arg + 9;
        else if (strncmp(arg, "--definition=", 13) == 0)
            args->definition = arg + 13;
        else if (strncmp(arg, "--variant=", 10) == 0)
            args->variant = arg + 10;
        else if (strncmp(arg, "--name=", 7) == 0)
            args->name = arg + 7;
        else if (strcmp(arg, "--tvm-ffi") == 0)
            args->tvm_ffi = true;
        else if (strncmp(arg, "--dataset=", 10) == 0 || strncmp(arg, "--srcdir=", 9) == 0 ||
                 arg[0] == '@') {
            args->scan[args->scan_count++] = argv[i];
            args->has_dataset = true;
        } else if (arg[0] == '-' || args->place_count == 2)
            return false;
        else
            args->places[args->place_count++] = arg;
    }
    if (strcmp(argv[1], "pack") == 0)
        return args->place_count == 1 &&
               (args->tvm_ffi || (!args->definition && !args->variant && !args->has_dataset));
    bool plain = !args->tvm_ffi && !args->definition && !args->variant && !args->name;
    if (strcmp(argv[1], "unpack") == 0)
        return args->place_count == 2 && plain && !args->has_dataset && !args->output;
    return strcmp(argv[1], "all") == 0 && args->place_count == 0 && plain && args->output;
}

/* Reads a file that must be there. */
static const tm_source *read_input(const char *path, tm_arena *arena, tm_diag *diag) {
    const tm_source *source = tm_file_read(arena, path);
    if (!source)
        tm_diag_error(diag, tm_diag_command_line, NULL, "%s: expected a readable file: %s", path,
                      strerror(errno));
    return source;
}

/* The solution that a folder's config.toml describes, else its solution.json: the kit writes the
 * latter beside the former. */
static const tm_solution *describe(const char *folder, tm_arena *arena, tm_diag *diag) {
    tm_node_reader reader = {arena, diag};
    const char *kit = tm_file_join(arena, folder, "config.toml");
    if (access(kit, F_OK) == 0) {
        const tm_source *source = read_input(kit, arena, diag);
        const tm_node *config = source ? tm_toml_parse(arena, source, diag) : NULL;
        return config ? tm_pack_kit_read(&reader, config, folder) : NULL;
    }
    const char *own = tm_file_join(arena, folder, "solution.json");
    if (access(own, F_OK) != 0) {
        tm_diag_error(diag, tm_diag_command_line, NULL,
                      "%s: expected a folder with a solution.json or a config.toml, got none of "
                      "them",
                      folder);
        return NULL;
    }
    const tm_source *source = read_input(own, arena, diag);
    const tm_node *root = source ? tm_json_parse_all(arena, source, diag) : NULL;
    return root ? tm_solution_parse(&reader, root, folder) : NULL;
}

/* The options of the build folder where it runs, or what --dataset and --srcdir say. */
static bool read_options(tm_options *options, const arguments *args, tm_arena *arena,
                         tm_diag *diag) {
    char *of_build[] = {args->scan[0], "@" PLAN_ARGS};
    bool has_build = access(PLAN_ARGS, R_OK) == 0;
    if (has_build && !tm_options_parse(options, arena, 2, of_build, diag))
        return false;
    if (has_build && !args->has_dataset)
        return true;
    const char *srcdir = has_build ? options->srcdir : ".";
    char **all = tm_arena_array(arena, (size_t)args->scan_count + 1, sizeof *all);
    all[0] = args->scan[0];
    all[1] = tm_arena_format(arena, "--srcdir=%s", srcdir);
    memcpy(all + 2, args->scan + 1, (size_t)(args->scan_count - 1) * sizeof *all);
    return tm_options_parse(options, arena, args->scan_count + 1, all, diag);
}

/* "a, b and 3 more" of the definitions that a solution covers. */
static const char *covered(const tm_scan *scan, const tm_solution *solution, tm_arena *arena) {
    const char *names[MOST_NAMED] = {0};
    size_t count = 0;
    for (size_t i = 0; i < scan->definition_count; i++)
        if (tm_filters_covers(solution, scan->definitions[i].definition)) {
            if (count < MOST_NAMED)
                names[count] = scan->definitions[i].definition->name;
            count++;
        }
    const char *list = tm_field_list(arena, names, count < MOST_NAMED ? count : MOST_NAMED);
    return count > MOST_NAMED ? tm_arena_format(arena, "%s and %zu more", list, count - MOST_NAMED)
                              : list;
}

/* The definition to wrap for; NULL after an error. */
static const tm_definition *choose(const tm_scan *scan, const tm_solution *solution,
                                   const char *name, tm_arena *arena, tm_diag *diag) {
    bool family = solution->match || solution->definition_glob_count;
    const tm_scanned_definition *scanned = tm_scan_find(scan, name ? name : solution->definition);
    if (family && !name)
        tm_diag_error(diag, tm_diag_command_line, NULL,
                      "expected --definition=NAME, since \"%s\" is a family's; it is for %s",
                      solution->name, covered(scan, solution, arena));
    else if (!scanned || !tm_filters_covers(solution, scanned->definition))
        tm_diag_error(diag, tm_diag_command_line, NULL,
                      "expected a definition that \"%s\" is for (%s), got \"%s\"%s", solution->name,
                      covered(scan, solution, arena), name ? name : solution->definition,
                      scanned ? ""
                              : ", which the datasets do not have; name one with --dataset=DIR");
    else
        return scanned->definition;
    return NULL;
}

/* The variant of that name, without the "+" in front; false after an error. */
static bool choose_variant(const tm_variant **variant, const tm_solution *solution,
                           const char *name, tm_arena *arena, tm_diag *diag) {
    const char *names[MOST_NAMED] = {0};
    size_t count = solution->variant_count;
    *variant = NULL;
    for (size_t i = 0; i < count; i++) {
        const char *own = solution->variants[i].suffix + 1;
        if (name && strcmp(own, name) == 0)
            *variant = &solution->variants[i];
        if (i < MOST_NAMED)
            names[i] = own;
    }
    if (*variant || (!name && count == 0))
        return true;
    if (count == 0)
        tm_diag_error(diag, tm_diag_command_line, NULL,
                      "expected no --variant=, since \"%s\" has none, got %s", solution->name,
                      name);
    else
        tm_diag_error(diag, tm_diag_command_line, NULL,
                      "expected one of the variants of \"%s\" as --variant=, got %s; they are %s%s",
                      solution->name, name ? name : "none",
                      tm_field_list(arena, names, count < MOST_NAMED ? count : MOST_NAMED),
                      count > MOST_NAMED ? " and more" : "");
    return false;
}

/* Caller frees; NULL after an error. */
static char *wrap(const arguments *args, const tm_solution *solution, const tm_pack_files *files,
                  tm_arena *arena, tm_diag *diag) {
    const char *refused = tm_pack_native_refuse(solution, arena);
    if (refused) {
        tm_diag_error(diag, ((tm_place){solution->source, TM_WHOLE_FILE}), NULL,
                      "--tvm-ffi wraps native solutions, and %s; pack it as it is", refused);
        return NULL;
    }
    tm_options options;
    if (!read_options(&options, args, arena, diag))
        return NULL;
    tm_diag *of_scan = tm_diag_create(arena);
    const tm_scan *scan = tm_scan_read(&options, arena, of_scan);
    /* What is wrong elsewhere in the datasets is ninja check's to say. */
    const char *wanted = args->definition ? args->definition : solution->definition;
    if (scan->definition_count == 0 || tm_scan_is_broken(scan, wanted))
        tm_diag_print(of_scan, TM_DIAG_ERROR, stderr);
    const tm_definition *definition = choose(scan, solution, args->definition, arena, diag);
    const tm_variant *variant;
    tm_pack_native native;
    if (!definition || !choose_variant(&variant, solution, args->variant, arena, diag) ||
        !tm_pack_native_open(&native, &options, scan, arena, diag))
        return NULL;
    return tm_pack_native_print(&native, solution, files, definition, variant, args->name);
}

static bool is_same(const char *a, const char *b) {
    struct stat left, right;
    return stat(a, &left) == 0 && stat(b, &right) == 0 && left.st_dev == right.st_dev &&
           left.st_ino == right.st_ino;
}

/* Whether the output is one of what is packed; then an error. */
static bool would_overwrite(const char *output, const tm_solution *solution,
                            const tm_pack_files *files, tm_diag *diag) {
    bool hit = is_same(output, solution->source->path);
    for (size_t i = 0; i < files->count && !hit; i++)
        hit = is_same(output, files->files[i].content->path);
    if (hit)
        tm_diag_error(diag, tm_diag_command_line, NULL,
                      "%s: expected an output beside what is packed, got a part of it; name "
                      "another file",
                      output);
    return hit;
}

static int pack(const arguments *args, tm_arena *arena, tm_diag *diag) {
    const tm_solution *solution = describe(args->places[0], arena, diag);
    tm_pack_files files;
    if (!solution || !tm_pack_files_read(&files, solution, arena, diag) ||
        (args->output && would_overwrite(args->output, solution, &files, diag)))
        return 2;
    char *text = args->tvm_ffi ? wrap(args, solution, &files, arena, diag)
                               : tm_pack_print(solution, &files, NULL, args->name);
    if (!text)
        return 2;
    bool good = args->output ? tm_file_write(args->output, text, strlen(text), NULL)
                             : fputs(text, stdout) >= 0 && fflush(stdout) == 0;
    if (!good)
        tm_diag_error(diag, tm_diag_command_line, NULL, "%s: cannot be written: %s",
                      args->output ? args->output : "standard output", strerror(errno));
    free(text);
    return good ? 0 : 3;
}

static int unpack(const arguments *args, tm_arena *arena, tm_diag *diag) {
    tm_node_reader reader = {arena, diag};
    const tm_source *source = read_input(args->places[0], arena, diag);
    const tm_node *root = source ? tm_json_parse_all(arena, source, diag) : NULL;
    const tm_solution *solution = root ? tm_solution_parse(&reader, root, "") : NULL;
    return solution ? tm_unpack(solution, args->places[1], arena, diag) : 2;
}

static int all(const arguments *args, tm_arena *arena, tm_diag *diag) {
    tm_options options;
    if (!tm_options_parse(&options, arena, args->scan_count, args->scan, diag))
        return 2;
    const tm_scan *scan = tm_scan_read(&options, arena, diag);
    return tm_pack_all(&options, scan, args->output, arena, diag);
}

int main(int argc, char **argv) {
    tm_arena *arena = tm_arena_create();
    tm_diag *diag = tm_diag_create(arena);
    arguments args = {0};
    int status = 2;
    if (argc < 2 || !parse_arguments(&args, arena, argc, argv))
        fputs(usage, stderr);
    else if (strcmp(argv[1], "pack") == 0)
        status = pack(&args, arena, diag);
    else if (strcmp(argv[1], "unpack") == 0)
        status = unpack(&args, arena, diag);
    else
        status = all(&args, arena, diag);
    tm_diag_print(diag, TM_DIAG_WARNING, stderr);
    tm_arena_destroy(arena);
    return status;
}
