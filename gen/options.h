/* options: what configure tells tm-gen, one `--key=value` each, on the command line or one a line
 * in a file given as `@FILE`. Deliberately does not know datasets. */
#ifndef TM_OPTIONS_H
#define TM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/config.h"
#include "lib/diag.h"

#define TM_MAX_DATASETS 16

typedef struct {
    const char *srcdir;                    /* the source tree, for its kernels/ */
    const char *datasets[TM_MAX_DATASETS]; /* roots, in the order given */
    size_t dataset_count;
    bool dataset_is_srcdir;  /* no --dataset was given: the source tree is the only one */
    const char *config_path; /* or NULL */
    const char *backend;     /* "cpu" or "cuda" */
    const char *arch;        /* as configured, such as "sm_90,sm_100" */
    const char *definitions, *solutions, *op_types, *authors; /* comma lists of globs, or NULL */
    const char *workloads; /* "smoke", "all", or a comma list of UUIDs */
    const char *found;     /* comma list of what solutions may depend on and is here, or NULL */
    bool check;            /* validate only */
    bool synthesize_blobs; /* make those that are not on disk, with default recipes */
    tm_config_file *config;
} tm_options;

/* False after appending an error. The configuration file is read and merged; every file that was
 * read is appended to `inputs` by the caller (config_path). */
bool tm_options_parse(tm_options *options, tm_arena *arena, int argc, char **argv, tm_diag *diag);

#endif
