/* entry_memory: device memory that a solution asks the harness for when it runs.
 *
 * Blocks stay from call to call, so that in a timed call one is found and none is made. Any thread
 * may ask. Deliberately does not know tensors. */
#ifndef TM_ENTRY_MEMORY_H
#define TM_ENTRY_MEMORY_H

#include "harness/entry.h"

typedef struct tm_entry_memory tm_entry_memory;

/* Lives as long as the process: a solution may hold on to memory for as long. */
tm_entry_memory *tm_entry_memory_create(tm_backend *backend);
/* `bytes` between guards, filled with the last pattern; NULL with a message. */
void *tm_entry_memory_take(tm_entry_memory *memory, size_t bytes, char *error);
void tm_entry_memory_return(tm_entry_memory *memory, void *data);
/* Fills every block that nobody holds, so that nothing is found there again. */
bool tm_entry_memory_poison(tm_entry_memory *memory, uint32_t pattern, char *error);
/* Fills these bytes with the last pattern, if they lie in a block, held or not. */
bool tm_entry_memory_spoil(tm_entry_memory *memory, char *data, size_t bytes, char *error);
/* Frees what nobody holds. */
void tm_entry_memory_trim(tm_entry_memory *memory);
/* All blocks, held or not, as tm_entry_ops.blocks. */
size_t tm_entry_memory_blocks(tm_entry_memory *memory, tm_entry_block *blocks, size_t room);

#endif
