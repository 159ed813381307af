/* emit_ninja: build/matrix.ninja, which build.ninja includes. Rules stand in build.ninja.in. */
#include <stdlib.h>
#include <string.h>

#include "gen/dependencies.h"
#include "gen/emit.h"
#include "gen/flags.h"
#include "lib/file.h"
#include "lib/layout.h"
#include "lib/text.h"
#include "lib/tvm_ffi.h"

/* Ninja's own escapes in a path; a leading variable ("$srcdir/...") is left as it is. */
static void add_path(tm_text *out, const char *path) {
    if (path[0] == '$') {
        size_t name = strcspn(path, "/");
        tm_text_add_bytes(out, path, name);
        path += name;
    }
    for (;;) {
        size_t plain = strcspn(path, "$ :");
        tm_text_add_bytes(out, path, plain);
        path += plain;
        if (!*path)
            return;
        tm_text_format(out, "$%c", *path++);
    }
}

/* One word of a shell command inside a ninja variable. */
static void add_word(tm_text *out, const char *word) {
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "_./=,:+@%-";
    bool quoted = word[0] == '\0' || word[strspn(word, safe)] != '\0';
    tm_text_add(out, quoted ? "'" : "");
    for (; *word; word++)
        if (*word == '\'')
            tm_text_add(out, "'\\''");
        else if (*word == '$')
            tm_text_add(out, "$$");
        else
            tm_text_add_bytes(out, word, 1);
    tm_text_add(out, quoted ? "'" : "");
}

static bool is_compiled(const char *path) {
    const char *dot = strrchr(path, '.');
    static const char *const suffixes[] = {".c", ".cc", ".cpp", ".cxx", ".cu"};
    for (size_t i = 0; dot && i < sizeof suffixes / sizeof *suffixes; i++)
        if (strcmp(dot, suffixes[i]) == 0)
            return true;
    return false;
}

/* A path on a line of its own. */
static void add_line(tm_text *out, const char *path) {
    tm_text_add(out, " $\n    ");
    add_path(out, path);
}

/* "build <output>: <rule>" */
static void add_build(tm_text *out, const char *output, const char *rule) {
    tm_text_add(out, "build ");
    add_path(out, output);
    tm_text_format(out, ": %s", rule);
}

/* "<folder>/<name>", a phony target. */
static const char *target(const char *folder, const char *name, tm_arena *arena) {
    tm_text path = {0};
    tm_text_format(&path, "%s/", folder);
    tm_text_add_component(&path, name);
    const char *kept = tm_arena_copy(arena, path.data, path.length);
    tm_text_free(&path);
    return kept;
}

static const char *source_path(const tm_unit *unit, size_t file, tm_arena *arena) {
    return tm_file_join(arena, unit->ninja_folder, unit->source->solution->files[file].path);
}

static const char *object_path(const tm_unit *unit, tm_arena *arena) {
    return tm_arena_format(arena, "%s.so", unit->stem);
}

/* Paths to be listed sorted, each once. */
#define DEBUG_NINJA "build/debug.ninja"

typedef struct {
    tm_arena *arena;
    const char **paths;
    size_t count, capacity;
} path_list;

static void push(path_list *list, const char *path) {
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 256;
        const char **bigger = tm_arena_array(list->arena, list->capacity, sizeof *bigger);
        if (list->count)
            memcpy(bigger, list->paths, list->count * sizeof *bigger);
        list->paths = bigger;
    }
    list->paths[list->count++] = path;
}

static int compare_paths(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort(path_list *list) {
    if (list->count)
        qsort(list->paths, list->count, sizeof *list->paths, compare_paths);
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        if (!kept || strcmp(list->paths[kept - 1], list->paths[i]) != 0)
            list->paths[kept++] = list->paths[i];
    list->count = kept;
}

/* Sources of all units: those that tm-gen unpacked, or those that lie in a dataset. */
static void push_sources(path_list *list, const tm_plan *plan, bool unpacked) {
    for (size_t i = 0; i < plan->unit_count; i++) {
        const tm_solution *solution = plan->units[i]->source->solution;
        for (size_t f = 0; f < solution->file_count; f++)
            if ((solution->files[f].content != NULL) == unpacked)
                push(list, source_path(plan->units[i], f, list->arena));
    }
}

/* Paths that ninja may find missing. */
static void add_sources(tm_text *out, const tm_plan *plan, tm_arena *arena) {
    path_list list = {.arena = arena};
    push_sources(&list, plan, false);
    sort(&list);
    if (!list.count)
        return;
    tm_text_add(out,
                "# sources: to ninja, one that went missing is out of date and no reason to stop;"
                "\n# its solution becomes a compile error\n\n");
    for (size_t i = 0; i < list.count; i++)
        add_build(out, list.paths[i], "phony\n");
    tm_text_add(out, "\n");
}

/* "  name = word word $variable", left out when there is none. */
static void add_words(tm_text *out, const char *name, const char *const *words, size_t count,
                      const char *variables) {
    if (!count && !*variables)
        return;
    tm_text_format(out, "  %s =", name);
    for (size_t i = 0; i < count; i++) {
        tm_text_add(out, " ");
        add_word(out, words[i]);
    }
    tm_text_format(out, "%s\n", variables);
}

/* " -I<folder>": headers are found from where the paths of the sources start. A leading variable
 * is ninja's. */
static void add_root(tm_text *out, const char *folder) {
    size_t variable = folder[0] == '$' ? strcspn(folder, "/") : 0;
    tm_text_format(out, " -I%.*s", (int)variable, folder);
    if (folder[variable])
        add_word(out, folder + variable);
}

static void add_flags(tm_text *out, const tm_unit *unit, tm_arena *arena) {
    size_t count;
    const char *const *words = tm_flags_of(unit, arena, &count);
    tm_text more = {0};
    add_root(&more, unit->ninja_folder);
    tm_text_add(&more, tm_dependencies_flags(unit->source->solution, false, arena));
    add_words(out, "flags", words, count, tm_text_get(&more));
    tm_text_free(&more);
}

/* The edge that compiles one shared object, without an end. */
static void add_compile(tm_text *out, const char *output, const tm_unit *unit, tm_arena *arena) {
    const tm_solution *solution = unit->source->solution;
    bool is_ffi = solution->binding == TM_BINDING_TVM_FFI;
    add_build(out, output, is_ffi ? "solution_ffi" : "solution");
    size_t entry = 0, compiled = 0;
    for (size_t i = 0; i < solution->file_count; i++) {
        if (!is_compiled(solution->files[i].path))
            continue;
        if (strcmp(solution->files[i].path, solution->entry_file) == 0)
            entry = compiled;
        compiled++;
        add_line(out, source_path(unit, i, arena));
    }
    tm_text_add(out, " $\n    |");
    for (size_t i = 0; i < solution->file_count; i++)
        if (!is_compiled(solution->files[i].path)) {
            tm_text_add(out, " ");
            add_path(out, source_path(unit, i, arena));
            tm_text_add(out, " $\n   ");
        }
    tm_text_add(out, " ");
    add_path(out,
             is_ffi ? TM_FFI_LIBRARY : tm_file_join(arena, unit->contract->folder, "contract.h"));
    tm_text_add(out, " build/toolchain.txt build/bin/tm-cc\n");
    if (is_ffi) {
        add_words(out, "signature", &unit->contract->signature, 1, "");
        tm_text_format(out, "  style = %s\n",
                       solution->destination_passing ? "arguments" : "return");
    } else {
        add_words(out, "contract", &unit->contract->folder, 1, "");
    }
    add_words(out, "entry", &solution->entry_symbol, 1, "");
    tm_text_format(out, "  entry_index = %zu\n", entry);
    add_flags(out, unit, arena);
    add_words(out, "links", solution->link_flags, solution->link_flag_count,
              tm_dependencies_flags(solution, true, arena));
    if (solution->arch_specific)
        tm_text_add(out, "  arch = $arch_specific\n");
}

static void add_unit(tm_text *out, const tm_unit *unit, tm_arena *arena) {
    add_compile(out, object_path(unit, arena), unit, arena);
    tm_text_add(out, "\n");
}

/* A solution of a generic source: the same shared object under its own name. */
static void add_copy(tm_text *out, const tm_planned_solution *planned, tm_arena *arena) {
    if (!planned->contract->generic)
        return;
    add_build(out, tm_layout_solution(arena, planned->name, ".so"), "copy");
    add_line(out, object_path(planned->objects->unit, arena));
    tm_text_add(out, "\n");
}

/* A file of an object: "<solution><suffix><end>" in the folder of solutions. */
static const char *object_file(const tm_planned_solution *planned, const tm_object *object,
                               const char *end, tm_arena *arena) {
    const char *suffix =
        *object->suffix ? tm_arena_format(arena, "%s%s", object->suffix, end) : end;
    return tm_layout_solution(arena, planned->name, suffix);
}

/* A definition without cells has no target: to ninja, one without inputs is always out of date, and
 * so would be the report. */
static bool has_cells(const tm_planned_definition *planned) {
    return planned->reference && planned->solution_count && planned->row_count;
}

static const char *blobs_path(const tm_planned_definition *planned, size_t row, tm_arena *arena) {
    return tm_layout_gen(arena, planned->definition->name,
                         tm_arena_format(arena, "%s.blobs", planned->rows[row].workload->uuid));
}

static const char *recipe_path(const tm_planned_definition *planned, size_t row, tm_arena *arena) {
    return tm_layout_gen(
        arena, planned->definition->name,
        tm_arena_format(arena, "%s.recipe.json", planned->rows[row].workload->uuid));
}

static const char *made_path(const tm_planned_definition *planned, size_t row, tm_arena *arena) {
    return tm_layout_blob(arena, planned->definition->op_type, planned->definition->name,
                          planned->rows[row].workload->uuid);
}

/* The edge that makes the blob of a row, for its cells alone. */
static void add_made_blob(tm_text *out, const tm_planned_definition *planned, size_t row,
                          tm_arena *arena) {
    add_build(out, made_path(planned, row, arena), "blob");
    add_line(out, recipe_path(planned, row, arena));
    tm_text_add(out, " | build/bin/tm-blobs || tools\n");
}

/* Blob files of one row, each once, and what identifies them. */
static void add_blobs(tm_text *out, const tm_planned_definition *planned, size_t row,
                      tm_arena *arena) {
    const tm_workload *workload = planned->rows[row].workload;
    if (planned->rows[row].recipe) {
        add_line(out, made_path(planned, row, arena));
        return;
    }
    for (size_t i = 0; i < planned->definition->input_count; i++) {
        const tm_input *input = &workload->inputs[i];
        bool seen = input->kind != TM_INPUT_SAFETENSORS;
        for (size_t j = 0; j < i && !seen; j++)
            seen = workload->inputs[j].kind == TM_INPUT_SAFETENSORS &&
                   strcmp(workload->inputs[j].path, input->path) == 0;
        if (!seen)
            add_line(out, tm_arena_format(arena, "$dataset%zu/%s", planned->rows[row].dataset,
                                          input->path));
    }
    if (tm_plan_has_blobs(planned, row))
        add_line(out, blobs_path(planned, row, arena));
}

static void add_harness(tm_text *out, const char *definition, const char *uuid, tm_arena *arena) {
    add_build(out, tm_layout_harness(arena, definition, uuid, ""), "harness");
    add_line(out, tm_layout_gen(arena, definition, tm_arena_format(arena, "%s.c", uuid)));
    tm_text_add(out, " $\n    | build/lib/libharness.a || tools\n");
}

/* What a cell with baked axes has instead of the object of its solution. */
static void add_own_object(tm_text *out, const tm_planned_solution *solution, size_t row,
                           tm_arena *arena) {
    const tm_object *object = tm_plan_object(solution, row);
    add_line(out, object_file(solution, object, ".so", arena));
    add_line(out, object_file(solution, object, ".json", arena));
}

/* The cells of one solution, and the target that runs them. */
static void add_cells(tm_text *out, const tm_planned_definition *planned,
                      const tm_planned_solution *solution, const char *judged, tm_arena *arena) {
    const char *name = planned->definition->name;
    /* One word for what all cells of a solution have in common: ninja starts the sooner the less it
     * has to read. The harness knows the shared object from the trace's path. */
    const char *common = target("cells", solution->name, arena);
    bool is_baked = solution->row_objects != NULL;
    add_build(out, common, "phony");
    if (!is_baked) {
        add_line(out, object_file(solution, solution->objects, ".so", arena));
        add_line(out, object_file(solution, solution->objects, ".json", arena));
    }
    if (solution->solution->binding == TM_BINDING_TVM_FFI)
        add_line(out, TM_FFI_LIBRARY);
    add_line(out, judged);
    tm_text_add(out, "\n");
    const char **traces = tm_arena_array(arena, planned->row_count, sizeof *traces);
    for (size_t row = 0; row < planned->row_count; row++) {
        const char *uuid = planned->rows[row].workload->uuid;
        traces[row] = tm_layout_trace(arena, solution->solution->author,
                                      planned->definition->op_type, name, solution->name, uuid);
        add_build(out, traces[row], "cell");
        add_line(out, tm_layout_harness(arena, name, uuid, ""));
        tm_text_add(out, " | ");
        add_path(out, common);
        if (is_baked)
            add_own_object(out, solution, row, arena);
        add_blobs(out, planned, row, arena);
        tm_text_add(out, "\n");
        if (is_baked) {
            const char *object =
                tm_arena_format(arena, "--solution=%s",
                                object_file(solution, tm_plan_object(solution, row), ".so", arena));
            add_words(out, "object", &object, 1, "");
        }
    }
    add_build(out, target("bench", solution->name, arena), "phony");
    for (size_t row = 0; row < planned->row_count; row++)
        add_line(out, traces[row]);
    tm_text_add(out, "\n\n");
}

/* "bench/<base>": the cells of all its variants. */
static void add_bases(tm_text *out, const tm_planned_definition *planned, tm_arena *arena) {
    for (size_t s = 0; s < planned->solution_count; s++) {
        const char *base = planned->solutions[s]->base; /* one string for all its variants */
        size_t first = 0;
        while (planned->solutions[first]->base != base)
            first++;
        if (!base || first < s)
            continue;
        add_build(out, target("bench", base, arena), "phony");
        for (size_t i = s; i < planned->solution_count; i++)
            if (planned->solutions[i]->base == base)
                add_line(out, target("bench", planned->solutions[i]->name, arena));
        tm_text_add(out, "\n\n");
    }
}

static void add_definition(tm_text *out, const tm_planned_definition *planned, tm_arena *arena) {
    const char *name = planned->definition->name;
    const char *judged = target("judged-with", name, arena);
    size_t solutions = planned->solution_count, workloads = planned->row_count;
    tm_text_format(out, "# %s: %zu solution%s, %zu workload%s\n\n", name, solutions,
                   solutions == 1 ? "" : "s", workloads, workloads == 1 ? "" : "s");
    add_copy(out, planned->reference, arena);
    for (size_t s = 0; s < planned->solution_count; s++)
        add_copy(out, planned->solutions[s], arena);
    for (size_t row = 0; row < planned->row_count; row++)
        add_harness(out, name, planned->rows[row].workload->uuid, arena);
    for (size_t row = 0; has_cells(planned) && row < planned->row_count; row++)
        if (planned->rows[row].recipe)
            add_made_blob(out, planned, row, arena);
    add_build(out, judged, "phony");
    add_line(out, tm_layout_gen(arena, name, "config.json"));
    add_line(out, tm_layout_solution(arena, planned->reference->name, ".so"));
    add_line(out, tm_layout_solution(arena, planned->reference->name, ".json"));
    tm_text_add(out, " $\n    bench-tools\n\n");
    for (size_t s = 0; has_cells(planned) && s < planned->solution_count; s++) {
        tm_text_format(out, "# %s: %s\n\n", name, planned->solutions[s]->name);
        add_cells(out, planned, planned->solutions[s], judged, arena);
    }
    if (!has_cells(planned))
        return;
    add_bases(out, planned, arena);
    add_build(out, target("bench", name, arena), "phony");
    for (size_t s = 0; s < planned->solution_count; s++)
        add_line(out, target("bench", planned->solutions[s]->name, arena));
    tm_text_add(out, "\n\n");
}

static void push_facts(path_list *list, const tm_planned_solution *planned) {
    for (size_t i = 0; i < planned->object_count; i++)
        push(list, object_file(planned, &planned->objects[i], ".json", list->arena));
}

/* The edge that writes again what tm-gen wrote beside matrix.ninja, when some of it is lost: it has
 * no inputs. */
static void add_written(tm_text *out, const tm_plan *plan, tm_arena *arena) {
    path_list list = {.arena = arena};
    push(&list, DEBUG_NINJA);
    push_sources(&list, plan, true);
    for (size_t i = 0; i < plan->contract_count; i++)
        push(&list, tm_file_join(arena, plan->contracts[i]->folder, "contract.h"));
    for (size_t i = 0; i < plan->definition_count; i++) {
        const tm_planned_definition *planned = &plan->definitions[i];
        const char *name = planned->definition->name;
        if (!planned->reference)
            continue;
        push(&list, tm_layout_gen(arena, name, "config.json"));
        for (size_t row = 0; row < planned->row_count; row++) {
            const char *uuid = planned->rows[row].workload->uuid;
            push(&list, tm_layout_gen(arena, name, tm_arena_format(arena, "%s.c", uuid)));
            if (tm_plan_has_blobs(planned, row))
                push(&list, blobs_path(planned, row, arena));
            if (planned->rows[row].recipe)
                push(&list, recipe_path(planned, row, arena));
        }
        push(&list, tm_layout_solution(arena, planned->reference->name, ".json"));
        for (size_t s = 0; s < planned->solution_count; s++)
            push_facts(&list, planned->solutions[s]);
    }
    sort(&list);
    tm_text_add(out, "# what was written with this plan, and is written again when it is lost\n\n"
                     "build build/plan.json");
    for (size_t i = 0; i < list.count; i++)
        add_line(out, list.paths[i]);
    tm_text_add(out, ": restore || build/matrix.ninja\n\n");
}

/* What the report edge writes beside the summary. */
static const char *const reports[] = {
    "build/report/report.html",
    "build/report/report.md",
    "build/report/report.json",
    "build/report/report.csv",
    "build/report/junit.xml",
    "build/report/bencher.json",
    "build/report/github-action-benchmark.json",
};

static void add_targets(tm_text *out, const tm_plan *plan, tm_arena *arena) {
    tm_text_add(out, "# what there is to build, and the report\n\nbuild matrix: phony");
    for (size_t i = 0; i < plan->unit_count; i++)
        add_line(out, object_path(plan->units[i], arena));
    for (size_t i = 0; i < plan->definition_count; i++) {
        const tm_planned_definition *planned = &plan->definitions[i];
        for (size_t row = 0; planned->reference && row < planned->row_count; row++)
            add_line(out, tm_layout_harness(arena, planned->definition->name,
                                            planned->rows[row].workload->uuid, ""));
        if (planned->reference && planned->reference->contract->generic)
            add_line(out, tm_layout_solution(arena, planned->reference->name, ".so"));
        for (size_t s = 0; s < planned->solution_count; s++)
            if (planned->reference && planned->solutions[s]->contract->generic)
                add_line(out, tm_layout_solution(arena, planned->solutions[s]->name, ".so"));
    }
    tm_text_add(out, "\n\nbuild build/report/summary.txt |");
    for (size_t i = 0; i < sizeof reports / sizeof *reports; i++)
        add_line(out, reports[i]);
    tm_text_add(out, ": report $\n    build/plan.json $\n    | build/bin/tm-report");
    for (size_t i = 0; i < plan->definition_count; i++)
        if (has_cells(&plan->definitions[i]))
            add_line(out, target("bench", plan->definitions[i].definition->name, arena));
    tm_text_add(out,
                "\n\nbuild build/artifact/index.txt: artifact $\n    build/report/summary.txt");
    for (size_t i = 0; i < sizeof reports / sizeof *reports; i++)
        add_line(out, reports[i]);
    tm_text_add(out, " $\n    | $srcdir/reports/artifact.sh $\n    build/configure.args $\n"
                     "    build/host.txt $\n    build/matrix.ninja\n");
}

/* The same solution for debuggers and profilers, which ask for lines. Apart from what is measured,
 * whose bytes must not hang on them, and made on demand. */
static void add_debug(tm_text *out, const tm_planned_solution *planned, const char *definition,
                      tm_arena *arena) {
    tm_text files = {0};
    for (size_t i = 0; i < planned->object_count; i++) {
        const char *suffix = planned->objects[i].suffix;
        const char *object =
            tm_layout_debug(arena, planned->name, tm_arena_format(arena, "%s.so", suffix));
        const char *facts =
            tm_layout_debug(arena, planned->name, tm_arena_format(arena, "%s.json", suffix));
        add_compile(out, object, planned->objects[i].unit, arena);
        tm_text_add(out, "  debug = -g\n  lines = $debug_lines\n  strip =\n");
        add_build(out, facts, "copy");
        add_line(out, object_file(planned, &planned->objects[i], ".json", arena));
        tm_text_add(out, "\n");
        add_line(&files, object);
        add_line(&files, facts);
    }
    add_build(out, target("debug", planned->name, arena), "phony");
    tm_text_add_bytes(out, files.data, files.length);
    tm_text_free(&files);
    add_line(out, target("judged-with", definition, arena));
    tm_text_add(out, "\n\n");
}

/* build/debug.ninja: a file of its own, since Ninja would read it at every start, and nobody wants
 * it at most of them. */
static bool emit_debug(const tm_plan *plan, tm_arena *arena, tm_diag *diag) {
    tm_text out = {0};
    tm_text_add(&out, "# Generated by tm-gen: ninja -f build/debug.ninja debug/<solution>\n\n"
                      "include build.ninja\n\n");
    for (size_t i = 0; i < plan->definition_count; i++) {
        const tm_planned_definition *planned = &plan->definitions[i];
        for (size_t s = 0; has_cells(planned) && s < planned->solution_count; s++)
            add_debug(&out, planned->solutions[s], planned->definition->name, arena);
    }
    bool good = tm_emit_file(DEBUG_NINJA, tm_text_get(&out), out.length, diag);
    tm_text_free(&out);
    return good;
}

bool tm_emit_ninja(const tm_plan *plan, const tm_options *options, tm_arena *arena, tm_diag *diag) {
    tm_text out = {0};
    tm_text_format(&out,
                   "# Generated by tm-gen from the datasets' definitions, solutions and workloads; "
                   "edit those.\n# Backend %s: %zu definitions, %zu shared objects, %zu cells. The "
                   "rules are in build.ninja.\n\n",
                   options->backend, plan->definition_count, plan->unit_count, plan->cell_count);
    add_sources(&out, plan, arena);
    tm_text_add(&out, "# shared objects\n\n");
    for (size_t i = 0; i < plan->unit_count; i++)
        add_unit(&out, plan->units[i], arena);
    for (size_t i = 0; i < plan->definition_count; i++)
        if (plan->definitions[i].reference)
            add_definition(&out, &plan->definitions[i], arena);
    add_written(&out, plan, arena);
    add_targets(&out, plan, arena);
    bool good = emit_debug(plan, arena, diag) &&
                tm_emit_file("build/matrix.ninja", tm_text_get(&out), out.length, diag);
    tm_text_free(&out);
    return good;
}
