/* test_signature: gen/signature.c. The messages are what tvm-ffi 0.1 prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gen/signature.h"
#include "lib/arena.h"

static const char definition[] = "n,h;x:bfloat16[n,h],eps:float32,k:int64,on:bool->y:bfloat16[n,h]";

#define SAYS(signature) \
    "Mismatched number of arguments when calling: `" signature "`. Expected 5 but got 0 arguments"

/* The first line for `message`, or "". */
static const char *first_line(tm_arena *arena, bool destination_passing, const char *message) {
    const char *text =
        tm_signature_mismatch(arena, "run", definition, destination_passing, message);
    return text ? tm_arena_copy(arena, text, strcspn(text, "\n")) : "";
}

typedef struct {
    bool destination_passing;
    const char *message, *expected;
} row;

static void check(const row *rows, size_t count) {
    tm_arena *arena = tm_arena_create();
    for (size_t i = 0; i < count; i++)
        assert_string_equal(first_line(arena, rows[i].destination_passing, rows[i].message),
                            rows[i].expected);
    tm_arena_destroy(arena);
}
#define CHECK(rows) check(rows, sizeof rows / sizeof *rows)

static void test_what_agrees(void **state) {
    (void)state;
    static const row rows[] = {
        {true, SAYS("run(0: DLTensor*, 1: float, 2: int, 3: bool, 4: DLTensor*) -> void"), ""},
        {true, SAYS("run(0: ffi.Tensor, 1: float, 2: int, 3: bool, 4: ffi.Tensor) -> void"), ""},
        {true,
         SAYS("run(0: Optional<DLTensor*>, 1: Optional<float>, 2: int, 3: int, 4: DLTensor*) -> "
              "void"),
         ""},
        {true, SAYS("run(0: Any, 1: AnyView, 2: float, 3: float, 4: ffi.Object) -> void"), ""},
        {true,
         SAYS("run(0: Variant<ffi.Tensor, int>, 1: float, 2: bool, 3: bool, 4: my.Own) -> void"),
         ""},
        {true, SAYS("run(0: DLTensor*, 1: float, 2: int, 3: bool, 4: DLTensor*) -> int"), ""},
        {false, SAYS("run(0: DLTensor*, 1: float, 2: int, 3: bool) -> ffi.Tensor"), ""},
        {false, SAYS("run(0: DLTensor*, 1: float, 2: int, 3: bool) -> Tuple<ffi.Tensor, int>"), ""},
    };
    CHECK(rows);
}

static void test_how_many(void **state) {
    (void)state;
    static const row rows[] = {
        {true, SAYS("run(0: DLTensor*, 1: DLTensor*) -> void"),
         "expected 5 arguments (the inputs, then the outputs), got 2; take them in the "
         "definition's "
         "order"},
        {true, SAYS("run() -> void"),
         "expected 5 arguments (the inputs, then the outputs), got 0; take them in the "
         "definition's "
         "order"},
        {true, SAYS("run(0: DLTensor*, 1: float, 2: int, 3: bool) -> ffi.Tensor"),
         "expected 5 arguments (the inputs, then the outputs), got 4; set "
         "destination_passing_style to false, as it returns its outputs"},
        {true, SAYS("run(0: DLTensor*, 1: float, 2: int, 3: bool) -> void"),
         "expected 5 arguments (the inputs, then the outputs), got 4; take them in the "
         "definition's "
         "order"},
        {false, SAYS("run(0: DLTensor*, 1: float, 2: int, 3: bool, 4: DLTensor*) -> void"),
         "expected 4 arguments (the inputs alone), got 5; set destination_passing_style to true, "
         "as "
         "it takes its outputs"},
        {false, SAYS("run(0: DLTensor*, 1: float, 2: int, 3: bool) -> void"),
         "expected the outputs to be returned, as destination_passing_style is false, got a "
         "function of void; return them, or set it to true and take them as arguments"},
        {true, SAYS("run(0: Map<str, Array<int>>, 1: Variant<int, float, str>) -> void"),
         "expected 5 arguments (the inputs, then the outputs), got 2; take them in the "
         "definition's "
         "order"},
    };
    CHECK(rows);
}

static void test_of_what_type(void **state) {
    (void)state;
    static const row rows[] = {
        {true, SAYS("run(0: int, 1: float, 2: int, 3: bool, 4: DLTensor*) -> void"),
         "expected a tensor as argument 0 (x), got int; take what the definition has there"},
        {true, SAYS("run(0: DLTensor*, 1: int, 2: int, 3: bool, 4: DLTensor*) -> void"),
         "expected float as argument 1 (eps), got int; take what the definition has there"},
        {true, SAYS("run(0: DLTensor*, 1: bool, 2: int, 3: bool, 4: DLTensor*) -> void"),
         "expected float as argument 1 (eps), got bool; take what the definition has there"},
        {true, SAYS("run(0: DLTensor*, 1: float, 2: DLTensor*, 3: bool, 4: DLTensor*) -> void"),
         "expected int as argument 2 (k), got DLTensor*; take what the definition has there"},
        {true, SAYS("run(0: DLTensor*, 1: float, 2: int, 3: str, 4: DLTensor*) -> void"),
         "expected bool as argument 3 (on), got str; take what the definition has there"},
        {true, SAYS("run(0: DLTensor*, 1: float, 2: int, 3: bool, 4: Array<ffi.Tensor>) -> void"),
         "expected a tensor as argument 4 (y), got Array<ffi.Tensor>; take what the definition has "
         "there"},
        {true, SAYS("run(0: Optional<int>, 1: float, 2: int, 3: bool, 4: DLTensor*) -> void"),
         "expected a tensor as argument 0 (x), got Optional<int>; take what the definition has "
         "there"},
    };
    CHECK(rows);
}

/* Other messages, cut ones and nonsense say nothing. */
static void test_what_does_not_tell(void **state) {
    (void)state;
    static const row rows[] = {
        {true, "", ""},
        {true, "run: a message of its own", ""},
        {true, "Mismatched number of arguments when calling: `run(0: DLTensor*", ""},
        {true, "Mismatched number of arguments when calling: `run`. Expected 1", ""},
        {true, "Mismatched number of arguments when calling: `) -> (`. Expected 1", ""},
        {true, "Mismatched number of arguments when calling: `run(a, b) -> void`. Expected 2", ""},
        {true, "Mismatched number of arguments when calling: `run(>>>>) -> void`. Expected 2", ""},
    };
    CHECK(rows);
}

static void test_both_signatures_stand_below(void **state) {
    (void)state;
    tm_arena *arena = tm_arena_create();
    const char *text =
        tm_signature_mismatch(arena, "run", definition, true, SAYS("run(0: DLTensor*) -> void"));
    assert_non_null(text);
    assert_string_equal(strchr(text, '\n'),
                        "\n  definition: run(x: bfloat16[n,h], eps: float32, k: int64, on: bool, "
                        "y: bfloat16[n,h]) -> void\n"
                        "  solution:   run(0: DLTensor*) -> void\n");
    assert_string_equal(tm_signature_wanted(arena, "go", definition, false),
                        "go(x: bfloat16[n,h], eps: float32, k: int64, on: bool) -> "
                        "y: bfloat16[n,h]");
    tm_arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_agrees),
        cmocka_unit_test(test_how_many),
        cmocka_unit_test(test_of_what_type),
        cmocka_unit_test(test_what_does_not_tell),
        cmocka_unit_test(test_both_signatures_stand_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
