/* config: how a cell is measured and judged (docs/FORMATS.md: Configuration).
 *
 * Priority, high to low: command line, definition, op_type, top level, built-in. Each value is
 * optional at every level; `extra` merges key by key. */
#ifndef TM_CONFIG_H
#define TM_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/json.h"
#include "lib/node.h"

typedef struct {
    int64_t warmup_runs;           /* 10 */
    int64_t iterations;            /* 50, per trial */
    int64_t num_trials;            /* 3 */
    double rtol, atol;             /* 1e-2 */
    bool has_matched_ratio;        /* false: null */
    double required_matched_ratio; /* (0, 1] */
    double max_relative_l2;        /* of each output; 0: null, no limit */
    double timeout_seconds;        /* 300, per cell */
    bool profile_baseline;         /* true: measure the reference as well */
    bool isolated;               /* false: workers that stay between cells (use_isolated_runner) */
    const tm_node *const *extra; /* merged members, last wins */
    size_t extra_count;
} tm_config;

/* A whole configuration: file plus command line. */
typedef struct tm_config_file tm_config_file;

/* Built-in values plus the bundled defaults (moe, sampling). Lives in the arena. */
tm_config_file *tm_config_create(tm_arena *arena);
/* Validates and takes a parsed YAML file, which replaces the bundled defaults. An unknown key or a
 * wrong type is an error with position and suggestion. False after appending an error. */
bool tm_config_load(tm_config_file *file, const tm_node *root, tm_diag *diag);
/* One command-line value such as ("rtol", "1e-3"); wins over the file. `option` names it in
 * messages. False after appending an error. */
bool tm_config_override(tm_config_file *file, const char *key, const char *value,
                        const char *option, tm_diag *diag);
/* The `definitions` and `solutions` lists of the file, NULL-terminated, or NULL. */
const char *const *tm_config_definitions(const tm_config_file *file);
const char *const *tm_config_solutions(const tm_config_file *file);

/* What holds for one definition. */
tm_config tm_config_resolve(const tm_config_file *file, const char *op_type,
                            const char *definition);

/* The resolved values as the JSON that a cell reads, and back. */
tm_json *tm_config_to_json(const tm_config *config);
/* A number among the members of `extra`, or `otherwise`. */
double tm_config_extra(const tm_config *config, const char *key, double otherwise);
/* NULL node members keep built-in values; false after appending an error. */
bool tm_config_from_node(tm_node_reader *reader, const tm_node *node, tm_config *config);

#endif
