/* backend_check: what the parts of this program share. */
#ifndef TM_TESTS_BACKEND_CHECK_H
#define TM_TESTS_BACKEND_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/backend.h"

#define MIB ((size_t)1 << 20)
#define GUARD_BYTES 32

typedef struct {
    const tm_backend_ops *ops;
    tm_backend *backend;
    int failures;
    char error[TM_BACKEND_ERROR_BYTES];
} tm_suite;

/* One line of output, counted when it is not good. */
void tm_suite_report(tm_suite *suite, const char *name, bool good, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* At least one byte; ends the program where there is none. Caller frees. */
void *tm_suite_host(size_t bytes);
/* Bytes without a short period, so that a shifted or repeated chunk shows. */
void tm_suite_bytes(unsigned char *bytes, size_t count, uint32_t state);
/* The first index at which the two differ, or `count`. */
size_t tm_suite_difference(const unsigned char *a, const unsigned char *b, size_t count);
double tm_suite_wall_ns(void);

void tm_suite_check_forms(tm_suite *suite);
void tm_suite_check_count(tm_suite *suite);
void tm_suite_check_stride(tm_suite *suite);
void tm_suite_check_hash(tm_suite *suite);
void tm_suite_check_copy(tm_suite *suite);
void tm_suite_check_pin(tm_suite *suite);
void tm_suite_check_pool(tm_suite *suite);
/* Starts this program again with --overrun and the number of a case. */
void tm_suite_check_guard(tm_suite *suite);
/* That child: its exit status. */
int tm_suite_overrun(tm_suite *suite, const char *which);

#endif
