/* random_fill: whole buffers of the values that random.h defines, on the host, with all cores. */
#ifndef TM_RANDOM_FILL_H
#define TM_RANDOM_FILL_H

#include <stdint.h>

#include "lib/dtype.h"

/* Of `elems` elements from element 0 writes the blocks whose index is `phase` modulo `stride`,
 * where phase < stride; the spare half of an odd float4 tail is 0. */
void tm_random_fill(uint64_t seed, uint32_t tensor, tm_dtype dtype, void *data, int64_t elems,
                    uint32_t phase, uint32_t stride);

#endif
