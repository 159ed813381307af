/* Instants: what is one, against GNU date, and how they are ordered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/instant.h"

static void assert_instant(const char *text, int64_t seconds, int nanoseconds) {
    tm_instant got;
    if (!tm_instant_parse(text, &got))
        fail_msg("%s: not read", text);
    if (got.seconds != seconds || got.nanoseconds != nanoseconds)
        fail_msg("%s: %lld.%09d", text, (long long)got.seconds, got.nanoseconds);
}

/* date -u -d TEXT +%s */
static void test_parse(void **state) {
    (void)state;
    assert_instant("1970-01-01T00:00:00Z", 0, 0);
    assert_instant("2026-11-22T01:05:24Z", 1795309524, 0);
    assert_instant("2000-02-29T23:59:59+00:00", 951868799, 0);
    assert_instant("1969-12-31T23:59:59Z", -1, 0);
    assert_instant("2100-03-01 00:00:00", 4107542400, 0);
    assert_instant("2026-01-01T10:00:00+02:00", 1767254400, 0);
    assert_instant("2026-01-01t00:30:00-0730", 1767254400, 0);
    assert_instant("2026-01-01T10:00:00+02", 1767254400, 0);
    /* As datetime.now().isoformat() writes it. */
    assert_instant("2026-01-01T08:00:00.123456", 1767254400, 123456000);
    assert_instant("2026-01-01T08:00:00.1234567891Z", 1767254400, 123456789);
}

static void test_refuse(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "now",
        "2026-01-01",
        "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+2",
        "2026-01-01T00:00:00+02:",
        "2026-01-01T00:00:00+02:61",
        "2026-01-01T00:00:00Z and more",
        "1767254400",
    };
    tm_instant unused;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (tm_instant_parse(texts[i], &unused))
            fail_msg("%s: read", texts[i]);
}

static void test_compare(void **state) {
    (void)state;
    /* The oldest first; what is none is older than all that is. */
    static const char *const texts[] = {
        "",
        "9999",
        "tomorrow",
        "1969-07-20T20:17:40Z",
        "2026-01-01T10:00:00+02:00",
        "2026-01-01T08:00:00.000001",
        "2026-01-01T08:00:00.5Z",
        "2026-01-01T09:00:00Z",
        "2026-01-01T09:00:00-01:00",
    };
    size_t count = sizeof texts / sizeof *texts;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            int order = tm_instant_compare(texts[i], texts[j]);
            if ((order > 0) - (order < 0) != (i > j) - (i < j))
                fail_msg("%s, %s: %d", texts[i], texts[j], order);
        }
    assert_int_equal(tm_instant_compare("2026-01-01T08:00:00Z", "2026-01-01T10:00:00.000+02:00"),
                     0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_refuse),
        cmocka_unit_test(test_compare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
