/* solution: one implementation of a definition (FlashInfer-Trace Solution), or of a family of them
 * (our `tracemill` key).
 *
 * Deliberately does not know: compilers, build paths. */
#ifndef TM_SOLUTION_H
#define TM_SOLUTION_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/definition.h"
#include "lib/diag.h"
#include "lib/match.h"
#include "lib/node.h"
#include "lib/variants.h"

#define TM_MAX_FILES 1000 /* sources of one solution; more is an error with position */

typedef enum {
    TM_LANGUAGE_C,
    TM_LANGUAGE_CPP,
    TM_LANGUAGE_CUDA,
    TM_LANGUAGE_PYTHON,
    TM_LANGUAGE_TRITON,
    TM_LANGUAGE_TILELANG,
    TM_LANGUAGE_OTHER /* reported as unsupported, never an error */
} tm_language;

typedef enum { TM_BINDING_C, TM_BINDING_TVM_FFI, TM_BINDING_TORCH } tm_binding;
typedef enum { TM_ROLE_SOLUTION, TM_ROLE_REFERENCE } tm_role;

typedef struct {
    const char *path;    /* relative, no "..", unique */
    const char *content; /* NULL: the file lies beside solution.json */
} tm_solution_file;

/* Constants of one definition as a family source knows them. */
typedef struct {
    const char *definition; /* full name, no glob: a table, not a guess */
    tm_constant constants[TM_MAX_CONSTANTS];
    size_t count;
} tm_constants_row;

typedef struct {
    const char *name;       /* may contain "{definition}" when `definitions` or `match` is given */
    const char *definition; /* the one it names */
    const char *author;
    const char *description; /* or NULL */
    tm_language language;
    const char *language_name;  /* as written */
    const char *const *targets; /* target_hardware, at least one */
    size_t target_count;
    bool runs_on_cpu, runs_on_gpu;
    const char *entry_file, *entry_symbol;
    bool destination_passing;
    tm_binding binding;
    const char *const *dependencies; /* as written */
    size_t dependency_count;
    const tm_solution_file *files;
    size_t file_count;

    /* the `tracemill` key */
    const char *const *compile_flags;
    size_t compile_flag_count;
    const char *const *link_flags;
    size_t link_flag_count;
    const char *const *definitions; /* globs; count 0: only `definition` */
    size_t definition_glob_count;
    bool generic;       /* const axes and constants at run time: compiled once per signature */
    bool arch_specific; /* sm_90a rather than sm_90 */
    const char *const *overwrites; /* inputs that a call may change; restored before the next */
    size_t overwrite_count;
    const char *const *baked; /* compile_time_axes: var axes that are macros, each once */
    size_t baked_count;
    const tm_variant *variants; /* each a solution of its own; NULL: this is the only one */
    size_t variant_count;
    tm_role role;
    const tm_match *match; /* or NULL */
    const tm_constants_row *constants;
    size_t constants_count;

    const char *folder; /* where solution.json lies; relative source paths start here */
    const tm_node *node;
    const tm_source *source;
} tm_solution;

/* Validates a parsed solution.json. NULL after appending at least one error. `folder` as above. */
const tm_solution *tm_solution_parse(tm_node_reader *reader, const tm_node *node,
                                     const char *folder);

/* The constants that `solution` has for a definition: its own row, else NULL. */
const tm_constants_row *tm_solution_constants(const tm_solution *solution, const char *definition);

/* `name` with "{definition}" replaced. In the arena. */
const char *tm_solution_expand_name(tm_arena *arena, const char *name, const char *definition);

#endif
