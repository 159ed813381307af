#include "harness/reply.h"

#include <stdarg.h>
#include <stdio.h>

bool tm_reply_fail(tm_reply *reply, tm_reply_kind kind, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reply->message, sizeof reply->message, format, arguments);
    va_end(arguments);
    reply->kind = kind;
    return false;
}
