/* backend_cuda_describe: which GPUs and which CUDA libraries there are. Deliberately does not know:
 * open backends. */
#ifndef TM_BACKEND_CUDA_DESCRIBE_H
#define TM_BACKEND_CUDA_DESCRIBE_H

#include <stdbool.h>

#include "lib/json.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The number of devices, at least 1. The message begins with "no CUDA device: " where the machine
 * simply has none. */
bool tm_cuda_describe_count(int *count, char *error);
/* `describe` of harness/backend.h. */
tm_json *tm_cuda_describe(char *error);
/* The name of the clock with and without CUPTI; static. */
const char *tm_cuda_describe_clock(bool has_cupti);

#ifdef __cplusplus
}
#endif

#endif
