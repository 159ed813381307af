/* hardware: the devices that some traces name, each once. */
#ifndef TM_REPORTS_HARDWARE_H
#define TM_REPORTS_HARDWARE_H

#include <stddef.h>

#include "lib/arena.h"

#define TM_HARDWARE_MOST 8 /* further ones are left out */

typedef struct {
    const char *names[TM_HARDWARE_MOST + 1];
    size_t count;
} tm_hardware;

/* Adds a name, unless it is "" or there already. Borrows it. */
void tm_hardware_add(tm_hardware *hardware, const char *name);
/* The names, NULL-terminated. In the arena. */
const char *const *tm_hardware_list(tm_arena *arena, const tm_hardware *hardware);

#endif
