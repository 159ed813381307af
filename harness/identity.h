/* identity: what a cell's latency was made by: the bytes of its solution, of what measures it and
 * of the device's description, each as a hash. Two traces with the same three differ by noise only.
 *
 * Deliberately does not know what else may change a latency: libraries that a solution loads, the
 * contents of blobs, other programs. */
#ifndef TM_IDENTITY_H
#define TM_IDENTITY_H

#include "harness/cell.h"
#include "lib/json.h"

/* `solution`: of the shared object; `harness`: of this program, of tm-worker and of the resolved
 * configuration; `device`: of build/device.json. What cannot be read is left out. */
tm_json *tm_identity_json(const tm_cell *cell);

#endif
