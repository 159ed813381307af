/* cell: everything a judge was asked to do: command line, files, configuration.
 *
 * Deliberately does not know workers. */
#ifndef TM_CELL_H
#define TM_CELL_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/job.h"
#include "harness/table.h"
#include "lib/arena.h"
#include "lib/config.h"
#include "lib/diag.h"
#include "lib/node.h"

typedef struct {
    const tm_table *table;
    const char *root;          /* the folder that holds build/ */
    const char *solution_path; /* the shared object to judge */
    const char *trace_path;    /* where the trace goes, or NULL: by hand */
    bool in_process;           /* the solution in this process: in_process.h */
    bool has_seed;
    uint64_t seed;
    int device_index;
    tm_config config;
    tm_facts solution;
    tm_facts reference;
    const char *reference_path;
    const tm_node *device;   /* build/device.json */
    const tm_node *workload; /* the table's workload, parsed */
} tm_cell;

/* Fills a cell from the command line. Returns -1 to go on, or an exit status (0 after --help, 2
 * bad usage, 3 missing build outputs) with errors appended. */
int tm_cell_open(tm_cell *cell, const tm_table *table, int argc, char **argv, tm_arena *arena,
                 tm_diag *diag);

/* The device that the cell runs on, of device.json; NULL when that has none. */
const tm_node *tm_cell_device(const tm_cell *cell);
/* A file below the root. In the arena. */
char *tm_cell_path(const tm_cell *cell, tm_arena *arena, const char *path);

#endif
