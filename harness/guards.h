/* guards: bytes before and behind a tensor that must stay as they are.
 *
 * Deliberately does not know whose tensor it is. */
#ifndef TM_GUARDS_H
#define TM_GUARDS_H

#include "harness/backend.h"

/* On each side; a multiple of what device memory is aligned to. */
#define TM_GUARDS_BYTES 256

/* Memory for `bytes` between guards, which are set. NULL with a message, and `full` says whether
 * that is for want of memory. Freed as backend.h says, `block` being what this returns; the tensor
 * begins TM_GUARDS_BYTES behind that. */
char *tm_guards_alloc(tm_backend *backend, size_t bytes, bool *full, char *error);

typedef enum { TM_GUARDS_HOLD, TM_GUARDS_BROKEN, TM_GUARDS_UNREAD } tm_guards_state;

/* Whether both are as they were set; waits. BROKEN: `near` is the byte of the tensor that a broken
 * one is near to, negative before it. UNREAD: with a message. */
tm_guards_state tm_guards_look(tm_backend *backend, const char *block, size_t bytes,
                               long long *near, char *error);

#endif
