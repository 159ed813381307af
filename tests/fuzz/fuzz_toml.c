/* fuzz_toml: any bytes as TOML; what was read can be written as JSON and reads back the same. */
#include "tests/fuzz/fuzz.h"

#include "lib/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_input input = fuzz_begin(data, size);
    const tm_node *node = tm_toml_parse(input.reader.arena, &input.source, input.reader.diag);
    FUZZ_EXPECT((node == NULL) == (fuzz_errors(&input) > 0));
    FUZZ_EXPECT(fuzz_errors(&input) <= 1);
    if (node != NULL)
        fuzz_round_trip(&input, node);
    fuzz_end(&input);
    return 0;
}
