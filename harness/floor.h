/* floor: the least time that a workload takes on a device whose ceilings are measured.
 *
 * Knows: the bytes of a table, and per family which inputs are surely read, which part of a cache
 * its indices reach (reach.h), which experts its tokens have (routing.h), and how many operations
 * are needed. Deliberately does not know: clocks, verdicts, how ceilings are measured. */
#ifndef TM_FLOOR_H
#define TM_FLOOR_H

#include <stdbool.h>

#include "harness/inputs.h"
#include "harness/table.h"
#include "lib/node.h"

typedef enum { TM_BOUND_MEMORY, TM_BOUND_COMPUTE } tm_bound;

typedef struct {
    double least_bytes; /* inputs that are read as a rule, once; outputs, once */
    double operations;  /* 0: few beside the bytes, or no formula */
    double limit_ns;    /* at the measured rates; 0: bytes or operations of the row are not known */
    double floor_ns;    /* no honest call takes less; 0: nothing can be said */
    tm_bound bound;     /* what makes limit_ns, else floor_ns */
} tm_floor;

/* "memory", "compute". Static. */
const char *tm_bound_name(tm_bound bound);

/* `inputs`: for what indices reach and choices name; NULL: that is not known. `ceilings`:
 * build/ceilings.json, or NULL; `device_index` counts its devices. False when it says nothing about
 * the device. */
bool tm_floor_of(const tm_table *table, tm_inputs *inputs, const tm_node *ceilings,
                 int device_index, tm_floor *out);

#endif
