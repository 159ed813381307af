/* instant: points in time as traces write them, RFC 3339 or ISO 8601.
 *
 * "2026-01-02T03:04:05Z", with a fraction of seconds, a space for the T, and an offset ("+02:00",
 * "+0200", "+02") or nothing, which is UTC. Deliberately does not know clocks. */
#ifndef TM_INSTANT_H
#define TM_INSTANT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t seconds; /* since 1970 in UTC, without leap seconds */
    int nanoseconds; /* further digits are dropped */
} tm_instant;

/* False when the text is none. */
bool tm_instant_parse(const char *text, tm_instant *instant);
/* < 0, 0 or > 0, like strcmp, by time. A text that is no instant is older than any that is; two of
 * them compare as text. */
int tm_instant_compare(const char *left, const char *right);

#endif
