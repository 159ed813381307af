#include "reports/hardware.h"

#include <string.h>

void tm_hardware_add(tm_hardware *hardware, const char *name) {
    if (name[0] == '\0' || hardware->count == TM_HARDWARE_MOST)
        return;
    for (size_t i = 0; i < hardware->count; i++)
        if (strcmp(hardware->names[i], name) == 0)
            return;
    hardware->names[hardware->count++] = name;
}

const char *const *tm_hardware_list(tm_arena *arena, const tm_hardware *hardware) {
    const char **names = tm_arena_array(arena, hardware->count + 1, sizeof(*names));
    for (size_t i = 0; i < hardware->count; i++)
        names[i] = hardware->names[i];
    return names;
}
