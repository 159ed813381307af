/* harness/pool over mappings that are only counted. */
#include "harness/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define GRANULE 4096

/* Memory of which `limit` bytes can be mapped. */
typedef struct {
    size_t limit, mapped;
    int maps, unmaps;
} machine;

static bool map(void *owner, size_t bytes, tm_pool_mapping *mapping) {
    machine *there = owner;
    if (there->mapped + bytes > there->limit)
        return false;
    *mapping = (tm_pool_mapping){aligned_alloc(GRANULE, bytes), bytes};
    there->mapped += bytes;
    there->maps++;
    return true;
}

static void unmap(void *owner, const tm_pool_mapping *mapping) {
    machine *there = owner;
    there->mapped -= mapping->bytes;
    there->unmaps++;
    free(mapping->base);
}

static tm_pool pool_on(machine *there, size_t idle_bytes_max) {
    return (tm_pool){.owner = there,
                     .map = map,
                     .unmap = unmap,
                     .granule = GRANULE,
                     .idle_bytes_max = idle_bytes_max};
}

static void ends_at_the_guard(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 255, 256, 257, 4096, 4097, 100000};
    machine there = {.limit = 1 << 30};
    tm_pool pool = pool_on(&there, 0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *memory = tm_pool_take(&pool, sizes[i]);
        tm_pool_mapping mapping = pool.entries[pool.count - 1].mapping;
        size_t behind = (size_t)(mapping.base + mapping.bytes - memory) - sizes[i];
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % 256, 0);
        assert_true(memory >= mapping.base && mapping.bytes % GRANULE == 0);
        assert_true(behind <= (sizes[i] ? 255 : 256));
    }
    tm_pool_free(&pool);
    assert_int_equal(there.mapped, 0);
}

static void reuses_what_fits_best(void **state) {
    (void)state;
    machine there = {.limit = 1 << 30};
    tm_pool pool = pool_on(&there, 1 << 20);
    void *large = tm_pool_take(&pool, 16 * GRANULE), *medium = tm_pool_take(&pool, 8 * GRANULE);
    void *small = tm_pool_take(&pool, GRANULE);
    tm_pool_give(&pool, large);
    tm_pool_give(&pool, medium);
    tm_pool_give(&pool, small);
    assert_ptr_equal(tm_pool_take(&pool, 8 * GRANULE), medium);
    assert_ptr_equal(tm_pool_take(&pool, 8 * GRANULE), (char *)large + 8 * GRANULE);
    assert_int_equal(there.maps, 3);
    assert_ptr_not_equal(tm_pool_take(&pool, 3 * GRANULE), NULL); /* the small one is too small */
    assert_int_equal(there.maps, 4);
    tm_pool_free(&pool);
    assert_int_equal(there.unmaps, 4);
}

static void wastes_no_large_one(void **state) {
    (void)state;
    machine there = {.limit = 1 << 30};
    tm_pool pool = pool_on(&there, 1 << 20);
    tm_pool_give(&pool, tm_pool_take(&pool, 9 * GRANULE));
    (void)tm_pool_take(&pool, 4 * GRANULE); /* 9 is more than twice 4 */
    assert_int_equal(there.maps, 2);
    tm_pool_free(&pool);
}

static void keeps_no_more_than_allowed(void **state) {
    (void)state;
    machine there = {.limit = 1 << 30};
    tm_pool pool = pool_on(&there, 4 * GRANULE);
    void *taken[6];
    for (int i = 0; i < 6; i++)
        taken[i] = tm_pool_take(&pool, GRANULE);
    for (int i = 0; i < 6; i++)
        tm_pool_give(&pool, taken[i]);
    assert_int_equal(there.mapped, 4 * GRANULE);
    assert_int_equal(pool.idle_bytes, 4 * GRANULE);
    for (int i = 0; i < 4; i++) { /* the oldest two went */
        void *again = tm_pool_take(&pool, GRANULE);
        assert_ptr_not_equal(again, taken[0]);
        assert_ptr_not_equal(again, taken[1]);
    }
    assert_int_equal(there.maps, 6);
    tm_pool_free(&pool);
    assert_int_equal(there.mapped, 0);
}

static void lets_go_when_memory_runs_out(void **state) {
    (void)state;
    machine there = {.limit = 10 * GRANULE};
    tm_pool pool = pool_on(&there, 1 << 20);
    void *kept = tm_pool_take(&pool, 2 * GRANULE);
    tm_pool_give(&pool, tm_pool_take(&pool, 8 * GRANULE));
    assert_non_null(tm_pool_take(&pool, 3 * GRANULE));
    assert_int_equal(there.mapped, 5 * GRANULE);
    assert_null(tm_pool_take(&pool, 6 * GRANULE));
    assert_null(tm_pool_take(&pool, SIZE_MAX - 5));
    tm_pool_give(&pool, kept);
    assert_int_equal(pool.idle_bytes, 2 * GRANULE);
    tm_pool_free(&pool);
}

static void ignores_what_is_not_its_own(void **state) {
    (void)state;
    machine there = {.limit = 1 << 30};
    tm_pool pool = pool_on(&there, 1 << 20);
    char *memory = tm_pool_take(&pool, 1);
    tm_pool_give(&pool, NULL);
    tm_pool_give(&pool, memory + 1);
    assert_int_equal(pool.idle_count, 0);
    tm_pool_give(&pool, memory);
    tm_pool_give(&pool, memory); /* twice is once */
    assert_int_equal(pool.idle_count, 1);
    assert_int_equal(pool.idle_bytes, GRANULE);
    tm_pool_free(&pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_at_the_guard),
        cmocka_unit_test(reuses_what_fits_best),
        cmocka_unit_test(wastes_no_large_one),
        cmocka_unit_test(keeps_no_more_than_allowed),
        cmocka_unit_test(lets_go_when_memory_runs_out),
        cmocka_unit_test(ignores_what_is_not_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
