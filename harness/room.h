/* room: the memory that the processes of a build may use: the machine's, or what a control group (a
 * container, a batch system's job) leaves of it. */
#ifndef TM_ROOM_H
#define TM_ROOM_H

#include <stdint.h>

/* In bytes; 0 when nothing is known. */
uint64_t tm_room_bytes(void);
/* The same with /proc and /sys looked for below the folder `root`, of a machine with `bytes`. */
uint64_t tm_room_below(const char *root, uint64_t bytes);

#endif
