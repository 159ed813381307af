/* random_fill: whole buffers of the values that random.h and random_rows.h define, on the host,
 * with all cores. */
#ifndef TM_RANDOM_FILL_H
#define TM_RANDOM_FILL_H

#include <stdint.h>

#include "harness/random_form.h"

/* Writes those units of `form` whose index is `phase` modulo `stride`, where phase < stride; the
 * spare half of an odd float4 tail is 0. */
void tm_random_fill(uint64_t seed, uint32_t tensor, const tm_random_form *form, void *data,
                    uint32_t phase, uint32_t stride);

#endif
