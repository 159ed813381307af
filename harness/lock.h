/* lock: one timed cell per device at a time, and no compiler beside a timed CPU cell. */
#ifndef TM_LOCK_H
#define TM_LOCK_H

#include <stdbool.h>

#include "harness/cell.h"

/* Waits until this process may use a device and sets `*device` to its index. The lock is held until
 * the process ends. False after appending an error. */
bool tm_lock_device(const tm_cell *cell, int *device, tm_arena *arena, tm_diag *diag);
/* The same for one device of build/device.json (`described`), below the folder `root`: a descriptor
 * that holds the lock until it is closed, or -1 after appending an error. */
int tm_lock_this_device(const tm_node *described, const tm_node *device, const char *root,
                        tm_arena *arena, tm_diag *diag);
/* The lock file of a device: by its identity, so that all build folders of a machine meet there;
 * for the CPU the file that compiles of this build share. In the arena. */
const char *tm_lock_path(const tm_node *described, const tm_node *device, const char *root,
                         tm_arena *arena);

#endif
