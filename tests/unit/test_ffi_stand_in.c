/* Values that a solution keeps, as our library of tvm-ffi makes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/tvm_ffi_stand_in.h"

int TVMFFIAnyViewToOwnedAny(const tm_ffi_any *view, tm_ffi_any *out);

static void test_bytes_are_copied(void **state) {
    (void)state;
    char text[] = "longer than a value", few[] = "few";
    tm_ffi_bytes bytes = {text, strlen(text)};
    tm_ffi_any owned, view = {.type = TM_FFI_BYTE_ARRAY_PTR, .pointer = &bytes};
    assert_int_equal(TVMFFIAnyViewToOwnedAny(&view, &owned), 0);
    assert_int_equal(owned.type, TM_FFI_BYTES);
    const tm_ffi_string *made = (const tm_ffi_string *)owned.object;
    text[0] = 'L';
    assert_int_equal(made->bytes.size, strlen(text));
    assert_memory_equal(made->bytes.data, "longer than a value", strlen(text));
    TVMFFIObjectDecRef(owned.object);
    bytes = (tm_ffi_bytes){few, strlen(few)};
    assert_int_equal(TVMFFIAnyViewToOwnedAny(&view, &owned), 0);
    assert_int_equal(owned.type, TM_FFI_SMALL_BYTES);
    assert_memory_equal(owned.small, "few", 3);
}

static void test_a_moved_object_has_one_owner(void **state) {
    (void)state;
    tm_ffi_bytes text = {"longer than a value", 19};
    tm_ffi_any made, owned, again;
    assert_int_equal(TVMFFIStringFromByteArray(&text, &made), 0);
    tm_ffi_object *place = made.object;
    const tm_ffi_any view = {.type = TM_FFI_RVALUE_REF, .pointer = &place};
    assert_int_equal(TVMFFIAnyViewToOwnedAny(&view, &owned), 0);
    assert_int_equal(owned.type, TM_FFI_STR);
    assert_ptr_equal(owned.object, made.object);
    assert_int_equal(owned.object->counts, TM_FFI_ONE_STRONG | TM_FFI_ONE_WEAK);
    assert_null(place);
    assert_int_equal(TVMFFIAnyViewToOwnedAny(&view, &again), -1);
    TVMFFIObjectDecRef(owned.object);
}

static void test_a_view_of_an_object_shares_it(void **state) {
    (void)state;
    tm_ffi_bytes text = {"longer than a value", 19};
    tm_ffi_any made, owned;
    assert_int_equal(TVMFFIStringFromByteArray(&text, &made), 0);
    assert_int_equal(TVMFFIAnyViewToOwnedAny(&made, &owned), 0);
    assert_int_equal(owned.object->counts, 2 * TM_FFI_ONE_STRONG + TM_FFI_ONE_WEAK);
    TVMFFIObjectDecRef(made.object);
    TVMFFIObjectDecRef(owned.object);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_are_copied),
        cmocka_unit_test(test_a_moved_object_has_one_owner),
        cmocka_unit_test(test_a_view_of_an_object_shares_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
