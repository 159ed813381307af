#include "harness/cell.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/json.h"
#include "lib/layout.h"

static const char usage[] =
    "usage: %s [--solution] SOLUTION.so [--trace=FILE | --in-process] [--seed=N]\n"
    "Judges a solution on this workload: build/solutions/<solution>.so, as ninja builds it.\n"
    "  --trace=FILE   write the trace there (ninja bench does) and exit 0 whatever the verdict;\n"
    "                 without SOLUTION.so, <solution> is the folder that holds FILE\n"
    "  --seed=N       inputs of an earlier trace, to repeat it\n"
    "  --in-process   a few calls of the solution in this process, without a time limit: for gdb,\n"
    "                 cuda-gdb, compute-sanitizer, ncu and valgrind --trace-children=yes in front\n"
    "                 of this command\n"
    "Exit status: 0 PASSED, 1 any other verdict, 2 bad usage, 3 the environment failed;\n"
    "in process, whatever a solution makes of it that ends the process.\n";

char *tm_cell_path(const tm_cell *cell, tm_arena *arena, const char *path) {
    return tm_file_join(arena, cell->root, path);
}

/* Reads one JSON file; NULL after appending an error. */
static const tm_node *read_json(const char *path, tm_arena *arena, tm_diag *diag) {
    const tm_source *source = tm_file_read(arena, path);
    if (!source) {
        tm_diag_error(diag, tm_diag_command_line, NULL, "%s: %s; run ninja bench", path,
                      strerror(errno));
        return NULL;
    }
    return tm_json_parse_all(arena, source, diag);
}

/* The folder that holds build/, from where this executable stands: build/harness/<def>/<uuid>. */
static const char *find_root(tm_arena *arena) {
    char self[PATH_MAX], here[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0)
        return NULL;
    self[length] = '\0';
    for (int up = 0; up < 4; up++) {
        char *slash = strrchr(self, '/');
        if (!slash)
            return NULL;
        *slash = '\0';
    }
    /* Relative paths read better in messages, and are what ninja uses. */
    if (getcwd(here, sizeof here) && strcmp(here, self) == 0)
        return ".";
    return tm_arena_copy(arena, self, strlen(self));
}

/* Whether the axes that are compiled in have the values of this row; an error when not. */
static bool is_of_row(const tm_table *table, const tm_facts *facts, const char *object,
                      tm_diag *diag) {
    for (const tm_node *baked = facts->baked ? facts->baked->child : NULL; baked;
         baked = baked->next)
        for (size_t i = 0; i < table->axis_count; i++) {
            if (strcmp(table->axes[i].name, baked->key) != 0 ||
                table->axes[i].value == baked->integer)
                continue;
            tm_diag_error(diag, tm_diag_command_line, NULL,
                          "%s: expected %s=%lld compiled in, as this workload has it, got %lld; "
                          "give it to another harness",
                          object, baked->key, (long long)table->axes[i].value,
                          (long long)baked->integer);
            return false;
        }
    return true;
}

static bool read_facts(tm_cell *cell, tm_facts *facts, const char *object, tm_arena *arena,
                       tm_diag *diag) {
    size_t length = strlen(object);
    if (length < 4 || strcmp(object + length - 3, ".so") != 0) {
        tm_diag_error(diag, tm_diag_command_line, NULL,
                      "expected a shared object such as build/solutions/NAME.so, got \"%s\"",
                      object);
        return false;
    }
    if (access(object, R_OK) != 0) {
        tm_diag_error(diag, tm_diag_command_line, NULL, "%s: %s; run ninja", object,
                      strerror(errno));
        return false;
    }
    const char *path = tm_arena_format(arena, "%.*s.json", (int)(length - 3), object);
    const tm_node *node = read_json(path, arena, diag);
    tm_node_reader reader = {arena, diag};
    if (!node || !tm_facts_parse(facts, &reader, node))
        return false;
    if (strcmp(facts->definition, cell->table->definition) == 0)
        return is_of_row(cell->table, facts, object, diag);
    tm_diag_error(diag, tm_diag_command_line, NULL,
                  "%s: expected a solution of %s, got one of %s; give it to a harness of %s",
                  object, cell->table->definition, facts->definition, facts->definition);
    return false;
}

/* The value of an option, "--name=value" or "--name value"; NULL when argv[*at] is another word. At
 * the end of the line the value is "". */
static const char *value_of(const char *name, int argc, char **argv, int *at) {
    size_t length = strlen(name);
    if (strncmp(argv[*at], name, length) != 0)
        return NULL;
    if (argv[*at][length] == '=')
        return argv[*at] + length + 1;
    if (argv[*at][length] != '\0')
        return NULL;
    return *at + 1 < argc ? argv[++*at] : "";
}

static bool complain(tm_diag *diag, const char *option, const char *expected, const char *got) {
    tm_diag_error(diag, tm_diag_command_line, NULL, "%s: expected %s, got \"%s\"", option, expected,
                  got);
    return false;
}

/* False after an error, or when `argv[*at]` is no option with a value. */
static bool read_value(tm_cell *cell, int argc, char **argv, int *at, tm_diag *diag) {
    const char *value;
    if ((value = value_of("--trace", argc, argv, at)) != NULL) {
        cell->trace_path = value;
        return *value || complain(diag, "--trace", "a file to write", value);
    }
    if ((value = value_of("--solution", argc, argv, at)) != NULL) {
        cell->solution_path = value;
        return *value || complain(diag, "--solution",
                                  "a shared object such as build/solutions/NAME.so", value);
    }
    if ((value = value_of("--seed", argc, argv, at)) != NULL) {
        char *end = NULL;
        cell->has_seed = true;
        cell->seed = strtoull(value, &end, 0);
        return (*value >= '0' && *value <= '9' && !*end) ||
               complain(diag, "--seed", "a number", value);
    }
    tm_diag_error(diag, tm_diag_command_line, NULL, "unexpected argument \"%s\"; see %s --help",
                  argv[*at], argv[0]);
    return false;
}

static int read_arguments(tm_cell *cell, int argc, char **argv, tm_diag *diag) {
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (strcmp(word, "--help") == 0) {
            printf(usage, argv[0]);
            return 0;
        }
        if (strcmp(word, "--in-process") == 0)
            cell->in_process = true;
        else if (word[0] != '-' && !cell->solution_path)
            cell->solution_path = word;
        else if (!read_value(cell, argc, argv, &i, diag))
            return 2;
    }
    if (cell->in_process && cell->trace_path) {
        tm_diag_error(diag, tm_diag_command_line, NULL,
                      "--in-process: expected no --trace beside it, as no result comes from there; "
                      "leave one of them out");
        return 2;
    }
    if (cell->solution_path || (cell->trace_path && strchr(cell->trace_path, '/')))
        return -1;
    fprintf(stderr, usage, argv[0]);
    return 2;
}

/* build/traces/.../<solution>/<uuid>.json: build/solutions/<solution>.so. */
static char *solution_of_trace(const tm_cell *cell, tm_arena *arena) {
    const char *end = strrchr(cell->trace_path, '/'), *begin = end;
    while (begin > cell->trace_path && begin[-1] != '/')
        begin--;
    return tm_cell_path(
        cell, arena, tm_arena_format(arena, "build/solutions/%.*s.so", (int)(end - begin), begin));
}

int tm_cell_open(tm_cell *cell, const tm_table *table, int argc, char **argv, tm_arena *arena,
                 tm_diag *diag) {
    *cell = (tm_cell){.table = table, .root = find_root(arena)};
    int status = read_arguments(cell, argc, argv, diag);
    if (status >= 0)
        return status;
    if (!cell->root) {
        tm_diag_error(diag, tm_diag_command_line, NULL,
                      "expected this program under build/harness/");
        return 3;
    }
    tm_node_reader reader = {arena, diag};
    if (!cell->solution_path)
        cell->solution_path = solution_of_trace(cell, arena);
    /* dlopen looks for a name without a slash in the system's folders. */
    if (!strchr(cell->solution_path, '/'))
        cell->solution_path = tm_arena_format(arena, "./%s", cell->solution_path);
    const char *config =
        tm_cell_path(cell, arena, tm_layout_gen(arena, table->definition, "config.json"));
    const tm_node *config_node = read_json(config, arena, diag);
    cell->device = read_json(tm_cell_path(cell, arena, "build/device.json"), arena, diag);
    cell->reference_path =
        tm_cell_path(cell, arena, tm_layout_solution(arena, table->reference, ".so"));
    tm_source *row = tm_arena_alloc(arena, sizeof *row);
    *row = (tm_source){table->uuid, table->workload, strlen(table->workload)};
    cell->workload = tm_json_parse_all(arena, row, diag);
    if (!config_node || !cell->device || !cell->workload ||
        !tm_config_from_node(&reader, config_node, &cell->config) ||
        !read_facts(cell, &cell->reference, cell->reference_path, arena, diag))
        return 3;
    return read_facts(cell, &cell->solution, cell->solution_path, arena, diag) ? -1 : 2;
}

const tm_node *tm_cell_device(const tm_cell *cell) {
    const tm_node *devices = tm_node_get(cell->device, "devices");
    const tm_node *device = devices ? devices->child : NULL;
    for (int i = 0; device && i < cell->device_index; i++)
        device = device->next;
    return device;
}
