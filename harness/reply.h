/* reply: how a worker says that something failed. */
#ifndef TM_REPLY_H
#define TM_REPLY_H

#include "harness/job.h"

/* Fills kind and message of the reply. Always false. */
bool tm_reply_fail(tm_reply *reply, tm_reply_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
