/* emit_ninja: build/matrix.ninja, which build.ninja includes. Rules stand in build.ninja.in. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gen/emit.h"
#include "lib/file.h"
#include "lib/layout.h"
#include "lib/text.h"

/* Ninja's own escapes in a path; a leading variable ("$srcdir/...") is left as it is. */
static void add_path(tm_text *out, const char *path) {
    if (path[0] == '$') {
        size_t name = strcspn(path, "/");
        tm_text_add_bytes(out, path, name);
        path += name;
    }
    for (; *path; path++)
        if (*path == '$' || *path == ' ' || *path == ':')
            tm_text_format(out, "$%c", *path);
        else
            tm_text_add_bytes(out, path, 1);
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

static void add_source(tm_text *out, const tm_unit *unit, const char *path, tm_arena *arena) {
    tm_text_add(out, " $\n    ");
    add_path(out, tm_file_join(arena, unit->ninja_folder, path));
}

/* The edge that compiles one shared object. */
static void add_unit(tm_text *out, const tm_unit *unit, tm_arena *arena) {
    const tm_solution *solution = unit->source->solution;
    tm_text_add(out, "build ");
    add_path(out, unit->stem);
    tm_text_add(out, ".so: solution");
    for (size_t i = 0; i < solution->file_count; i++)
        if (is_compiled(solution->files[i].path))
            add_source(out, unit, solution->files[i].path, arena);
    tm_text_add(out, " $\n    | ");
    add_path(out, tm_file_join(arena, unit->contract->folder, "contract.h"));
    for (size_t i = 0; i < solution->file_count; i++)
        if (!is_compiled(solution->files[i].path))
            add_source(out, unit, solution->files[i].path, arena);
    tm_text_add(out, " toolchain build/bin/tm-cc\n  contract = ");
    add_word(out, unit->contract->folder);
    tm_text_add(out, "\n  entry = ");
    add_word(out, solution->entry_symbol);
    size_t entry = 0; /* among the compiled sources */
    for (size_t i = 0; i < solution->file_count; i++) {
        if (strcmp(solution->files[i].path, solution->entry_file) == 0)
            break;
        entry += is_compiled(solution->files[i].path);
    }
    tm_text_format(out, "\n  entry_index = %zu\n", entry);
    const tm_constants_row *row =
        tm_solution_constants(solution, unit->contract->definition->name);
    bool own_constants = row && !unit->contract->generic && solution->role == TM_ROLE_SOLUTION;
    if (solution->compile_flag_count || own_constants) {
        tm_text_add(out, "  flags =");
        for (size_t i = 0; i < solution->compile_flag_count; i++) {
            tm_text_add(out, " ");
            add_word(out, solution->compile_flags[i]);
        }
        for (size_t i = 0; own_constants && i < row->count; i++) {
            tm_text flag = {0};
            tm_text_add(&flag, "-DTM_");
            for (const char *c = row->constants[i].name; *c; c++) {
                char upper = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
                tm_text_add_bytes(&flag, &upper, 1);
            }
            tm_text_format(&flag, "=%.17g", row->constants[i].value);
            tm_text_add(out, " ");
            add_word(out, tm_text_get(&flag));
            tm_text_free(&flag);
        }
        tm_text_add(out, "\n");
    }
    if (solution->link_flag_count) {
        tm_text_add(out, "  links =");
        for (size_t i = 0; i < solution->link_flag_count; i++) {
            tm_text_add(out, " ");
            add_word(out, solution->link_flags[i]);
        }
        tm_text_add(out, "\n");
    }
    if (solution->arch_specific)
        tm_text_add(out, "  arch = $arch_specific\n");
    tm_text_add(out, "\n");
}

/* A solution of a generic source: the same shared object under its own name. */
static void add_copy(tm_text *out, const tm_planned_solution *planned, tm_arena *arena) {
    if (!planned->unit->contract->generic)
        return;
    tm_text_add(out, "build ");
    add_path(out, tm_layout_solution(arena, planned->name, ".so"));
    tm_text_add(out, ": copy ");
    add_path(out, planned->unit->stem);
    tm_text_add(out, ".so\n");
}

/* Blob files of one row, each once. */
static void add_blobs(tm_text *out, const tm_planned_definition *planned, size_t row,
                      tm_arena *arena) {
    const tm_workload *workload = planned->workloads[row];
    for (size_t i = 0; i < planned->definition->input_count; i++) {
        const tm_input *input = &workload->inputs[i];
        bool seen = input->kind != TM_INPUT_SAFETENSORS;
        for (size_t j = 0; j < i && !seen; j++)
            seen = workload->inputs[j].kind == TM_INPUT_SAFETENSORS &&
                   strcmp(workload->inputs[j].path, input->path) == 0;
        if (seen)
            continue;
        tm_text_add(out, " ");
        add_path(out, tm_arena_format(arena, "$dataset%zu/%s", planned->workload_datasets[row],
                                      input->path));
    }
}

static void add_definition(tm_text *out, const tm_planned_definition *planned, tm_arena *arena) {
    const char *name = planned->definition->name;
    tm_text_format(out, "# %s\n\n", name);
    add_copy(out, planned->reference, arena);
    for (size_t s = 0; s < planned->solution_count; s++)
        add_copy(out, planned->solutions[s], arena);
    for (size_t row = 0; row < planned->workload_count; row++) {
        const char *uuid = planned->workloads[row]->uuid;
        tm_text_add(out, "build ");
        add_path(out, tm_layout_harness(arena, name, uuid, ""));
        tm_text_add(out, ": harness ");
        add_path(out, tm_layout_gen(arena, name, tm_arena_format(arena, "%s.c", uuid)));
        tm_text_add(out, " | build/lib/libharness.a build/bin/tm-cc || tools\n");
    }
    tm_text judged = {0}; /* what every cell of this definition is judged with */
    tm_text_add(&judged, "judged-with/");
    tm_text_add_component(&judged, name);
    tm_text_add(out, "build ");
    add_path(out, tm_text_get(&judged));
    tm_text_add(out, ": phony ");
    add_path(out, tm_layout_gen(arena, name, "config.json"));
    tm_text_add(out, " ");
    add_path(out, tm_layout_solution(arena, planned->reference->name, ".so"));
    tm_text_add(out, " ");
    add_path(out, tm_layout_solution(arena, planned->reference->name, ".json"));
    tm_text_add(out, " bench-tools\n");
    for (size_t s = 0; s < planned->solution_count; s++) {
        const tm_planned_solution *solution = planned->solutions[s];
        const char *object = tm_layout_solution(arena, solution->name, ".so");
        const char *facts = tm_layout_solution(arena, solution->name, ".json");
        tm_text traces = {0};
        for (size_t row = 0; row < planned->workload_count; row++) {
            const char *uuid = planned->workloads[row]->uuid;
            const char *trace = tm_layout_trace(arena, solution->solution->author,
                                                planned->definition->op_type, name,
                                                solution->name, uuid);
            tm_text_add(out, "build ");
            add_path(out, trace);
            tm_text_add(out, ": cell ");
            add_path(out, tm_layout_harness(arena, name, uuid, ""));
            tm_text_add(out, " ");
            add_path(out, object);
            tm_text_add(out, " | ");
            add_path(out, facts);
            tm_text_add(out, " ");
            add_path(out, tm_text_get(&judged));
            add_blobs(out, planned, row, arena);
            tm_text_add(out, "\n");
            tm_text_add(&traces, " $\n    ");
            add_path(&traces, trace);
        }
        tm_text target = {0};
        tm_text_add(&target, "bench/");
        tm_text_add_component(&target, solution->name);
        tm_text_add(out, "build ");
        add_path(out, tm_text_get(&target));
        tm_text_format(out, ": phony%s\n", tm_text_get(&traces));
        tm_text_free(&target);
        tm_text_free(&traces);
    }
    tm_text_free(&judged);
    tm_text_add(out, "build bench/");
    tm_text_add_component(out, name);
    tm_text_add(out, ": phony");
    for (size_t s = 0; s < planned->solution_count; s++) {
        tm_text_add(out, " $\n    bench/");
        tm_text_add_component(out, planned->solutions[s]->name);
    }
    tm_text_add(out, "\n\n");
}

static void add_targets(tm_text *out, const tm_plan *plan, tm_arena *arena) {
    tm_text_add(out, "# what there is to build, and the report\n\nbuild matrix: phony");
    for (size_t i = 0; i < plan->unit_count; i++) {
        tm_text_add(out, " $\n    ");
        add_path(out, plan->units[i]->stem);
        tm_text_add(out, ".so");
    }
    for (size_t i = 0; i < plan->definition_count; i++) {
        const tm_planned_definition *planned = &plan->definitions[i];
        for (size_t row = 0; planned->reference && row < planned->workload_count; row++) {
            tm_text_add(out, " $\n    ");
            add_path(out, tm_layout_harness(arena, planned->definition->name,
                                            planned->workloads[row]->uuid, ""));
        }
        for (size_t s = 0; s < planned->solution_count; s++)
            if (planned->reference && planned->solutions[s]->unit->contract->generic) {
                tm_text_add(out, " $\n    ");
                add_path(out, tm_layout_solution(arena, planned->solutions[s]->name, ".so"));
            }
    }
    tm_text_add(out, "\nbuild build/report/summary.txt $\n    | build/report/report.md build/report/report.json build/report/junit.xml: $\n    report build/plan.json | build/bin/tm-report");
    for (size_t i = 0; i < plan->definition_count; i++)
        if (plan->definitions[i].reference) {
            tm_text_add(out, " $\n    bench/");
            tm_text_add_component(out, plan->definitions[i].definition->name);
        }
    tm_text_add(out, "\n");
}

bool tm_emit_ninja(const tm_plan *plan, const tm_options *options, tm_arena *arena,
                   tm_diag *diag) {
    tm_text out = {0};
    tm_text_format(&out,
                   "# Generated by tm-gen from the datasets' definitions, solutions and workloads; "
                   "edit those.\n# backend %s, %zu definitions, %zu shared objects, %zu cells\n\n"
                   "# shared objects\n\n",
                   options->backend, plan->definition_count, plan->unit_count, plan->cell_count);
    for (size_t i = 0; i < plan->unit_count; i++)
        add_unit(&out, plan->units[i], arena);
    for (size_t i = 0; i < plan->definition_count; i++)
        if (plan->definitions[i].reference)
            add_definition(&out, &plan->definitions[i], arena);
    add_targets(&out, plan, arena);
    bool good = tm_file_write("build/matrix.ninja", tm_text_get(&out), out.length, NULL);
    if (!good)
        tm_diag_error(diag, ((tm_place){NULL, TM_WHOLE_FILE}), NULL,
                      "build/matrix.ninja: cannot be written: %s", strerror(errno));
    tm_text_free(&out);
    return good;
}
