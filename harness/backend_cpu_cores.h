/* backend_cpu_cores: which cores this process may use, and that its threads stay on them. OpenMP
 * binds its threads, the one of main() first, when it is loaded and told so by the environment. */
#ifndef TM_BACKEND_CPU_CORES_H
#define TM_BACKEND_CPU_CORES_H

#include "lib/json.h"

/* The environment, and a new start of the program for OpenMP to read it; what the user has set
 * there already stays. Returns where nothing is missing or the start fails. */
void tm_cores_prepare(char *const *argv);
/* Threads that a solution starts by itself begin on all cores of the process and not, as they
 * would by inheritance, on the one core that the thread of main() is bound to. */
void tm_cores_free_new_threads(void);
/* Sets cores, pinned and, where /sys has them, governor and max_mhz of the first core. */
void tm_cores_describe(tm_json *device);

#endif
