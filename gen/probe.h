/* probe: asks the function of a compiled tvm-ffi solution what it takes, without a device.
 *
 * A solution is strangers' code: it is loaded and called with no arguments in a process of its own,
 * without the environment, that may not take longer than PROBE_SECONDS and leaves none behind. One
 * that crashes, hangs, cannot be loaded or would be refused by a judge says nothing here; its cells
 * find out. */
#ifndef TM_PROBE_H
#define TM_PROBE_H

#include <stdbool.h>

#include "lib/arena.h"

typedef struct {
    const char *library;   /* the one that serves tvm-ffi */
    const char *driver;    /* stands in for libcuda.so.1 where there is no driver, or NULL */
    const char *entry;     /* "run" */
    const char *signature; /* of the definition: tm_definition_signature() */
    bool destination_passing;
} tm_probe;

/* What is wrong with `object`: lines as a compiler has them, but for the file; or NULL. */
const char *tm_probe_ask(const tm_probe *probe, const char *object, tm_arena *arena);

/* The process of its own: PROGRAM --probe LIBRARY DRIVER OBJECT ENTRY, answer to descriptor 3. */
int tm_probe_child(char **words);

#endif
