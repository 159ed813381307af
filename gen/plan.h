/* plan: which cells the matrix has, and what must be compiled for them.
 *
 * From a scan and the options to a plan. Reads no file but the headers of blobs, through
 * gen/blobs.h, and writes none. Everything that is in the dataset and not in the matrix is listed
 * with its reason. */
#ifndef TM_PLAN_H
#define TM_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "gen/options.h"
#include "gen/rows.h"
#include "gen/scan.h"

/* One C contract: for a definition, or for all definitions of one signature. */
typedef struct {
    const char *folder;              /* build/gen/<definition> or build/generic/<hash> */
    const tm_definition *definition; /* the definition, or the first of the signature */
    const char *signature;
    bool generic;
    const tm_constant *constants; /* macros, or members of tm_axes; sorted by name */
    size_t constant_count;
} tm_contract;

/* One shared object to compile. */
typedef struct {
    const tm_scanned_solution *source;
    const tm_contract *contract;
    const char *stem;         /* path without suffix: build/solutions/<name> or build/generic/... */
    const char *ninja_folder; /* where its source files are, as ninja sees it */
    const tm_variant *variant; /* or NULL */
    const tm_workload *baked;  /* one with the values of baked axes, or NULL: it has none */
} tm_unit;

/* A shared object under a solution's name. */
typedef struct {
    const char *suffix; /* of its files: "", or "@batch_size=64" of baked axes */
    const tm_unit *unit;
    size_t row; /* the first that it serves */
} tm_object;

/* A solution for one definition. */
typedef struct {
    const char *name;
    const tm_solution *solution;
    const char *base;          /* of a variant: what all of them are called; or NULL */
    const tm_variant *variant; /* or NULL */
    const tm_contract *contract;
    const tm_constant *constants; /* what this definition gives them, in the contract's order */
    const tm_object *objects; /* one; with baked axes one for each of their values in the rows */
    size_t object_count;
    const size_t *row_objects; /* with baked axes: which object serves a row; else NULL */
} tm_planned_solution;

/* A solution that has a place in the matrix and no cells, for want of something. */
typedef struct {
    const char *name;
    const tm_solution *solution;
    const char *needs, *reason; /* gen/served.h */
} tm_waiting;

typedef struct {
    const tm_definition *definition;
    tm_planned_solution *reference;  /* or NULL: then there are no cells */
    tm_planned_solution **solutions; /* sorted by name */
    size_t solution_count;
    tm_waiting *waiting; /* sorted by name */
    size_t waiting_count;
    const tm_row *rows; /* in the order of the files */
    size_t row_count;
} tm_planned_definition;

typedef enum { TM_SKIPPED_DEFINITION, TM_SKIPPED_SOLUTION, TM_SKIPPED_WORKLOAD } tm_skipped_kind;

/* Something that is in the dataset and not in the matrix. */
typedef struct {
    tm_skipped_kind kind;
    const char *name;
    const char *definition; /* or NULL */
    const char *reason;
} tm_skipped;

typedef struct {
    tm_planned_definition *definitions; /* sorted by name */
    size_t definition_count;
    tm_unit **units; /* sorted by stem */
    size_t unit_count;
    tm_contract **contracts; /* sorted by folder */
    size_t contract_count;
    tm_skipped *skipped;
    size_t skipped_count;
    size_t cell_count;
    const char **blobs; /* blob files and folders that were looked at, for the depfile */
    size_t blob_count;
} tm_plan;

tm_plan *tm_plan_make(const tm_scan *scan, const tm_options *options, tm_arena *arena,
                      tm_diag *diag);
/* The object of a solution that serves a planned row. */
const tm_object *tm_plan_object(const tm_planned_solution *solution, size_t row);
/* Whether a planned row has inputs in blobs of its dataset; made ones do not count. */
bool tm_plan_has_blobs(const tm_planned_definition *planned, size_t row);

#endif
