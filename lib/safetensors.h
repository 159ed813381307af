/* safetensors: named tensors in one file, read through a memory map, or laid out to be written.
 *
 * Format: u64 little-endian header length, a JSON header {name: {dtype, shape, data_offsets}},
 * then the data. Hostile files are expected: every offset is checked before it is used.
 * Deliberately does not know definitions. */
#ifndef TM_SAFETENSORS_H
#define TM_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/dtype.h"

#define TM_SAFETENSORS_MAX_RANK 16

typedef struct {
    const char *name;
    const char *dtype_name; /* as written in the file, also when we do not know it */
    bool dtype_known;
    tm_dtype dtype;
    int rank;
    int64_t shape[TM_SAFETENSORS_MAX_RANK];
    const void *data; /* in the map, maybe unaligned; borrows until tm_safetensors_close */
    size_t bytes;
} tm_safetensor;

typedef struct tm_safetensors tm_safetensors;

/* Maps a file and checks its header: length, JSON, offsets in range, without overlap or hole, bytes
 * equal to shape x dtype (when we know the dtype). NULL after appending an error that names the
 * file; a git-lfs pointer gets a message of its own ("run `git lfs pull`"). Columns count from the
 * header's `{`, the ninth byte of the file. A file that is cut short while it is open raises SIGBUS
 * on access. Caller closes. */
tm_safetensors *tm_safetensors_open(tm_arena *arena, const char *path, tm_diag *diag);
void tm_safetensors_close(tm_safetensors *file);
/* NULL when there is none of that name; borrows until close. */
const tm_safetensor *tm_safetensors_find(const tm_safetensors *file, const char *name);
/* Where a tensor's data starts, in bytes from the start of the file. */
size_t tm_safetensors_offset(const tm_safetensors *file, const tm_safetensor *tensor);
/* All tensors in header order. */
size_t tm_safetensors_list(const tm_safetensors *file, const tm_safetensor **tensors);

/* The bytes of a new file for tensors that have name, dtype, rank and shape: the header in place,
 * zeros as data; sets `data`, `bytes` and `dtype_name` of each tensor. Names are distinct. Whoever
 * fills the data reaches it through tm_safetensors_data; tm_file_write makes a file of it. NULL
 * with errno (EOVERFLOW, ENOMEM). Caller frees. */
char *tm_safetensors_lay_out(tm_safetensor *tensors, size_t count, size_t *length);
/* Where a laid-out tensor is to be filled, aligned to its elements. */
void *tm_safetensors_data(char *file, const tm_safetensor *tensor);

#endif
