/* fuzz_jsonl: any bytes as the rows of a workload file, and each row as a workload of one
 * definition that has every kind of input, and as a trace. */
#include "tests/fuzz/fuzz.h"

#include "lib/definition.h"
#include "lib/trace.h"
#include "lib/workload.h"

static const char definition_text[] =
    "{\"name\": \"d\", \"op_type\": \"o\", \"reference\": \"def run(x):\\n    return x\","
    " \"axes\": {\"n\": {\"type\": \"var\"}, \"m\": {\"type\": \"var\"},"
    "            \"k\": {\"type\": \"const\", \"value\": 8}},"
    " \"inputs\": {\"x\": {\"shape\": [\"n\", \"k\"], \"dtype\": \"bfloat16\"},"
    "  \"t\": {\"shape\": [\"m\", \"n\"], \"dtype\": \"float4_e2m1\", \"optional\": true},"
    "  \"e\": {\"shape\": [], \"dtype\": \"float32\"},"
    "  \"f\": {\"shape\": null, \"dtype\": \"float32\"},"
    "  \"i\": {\"shape\": null, \"dtype\": \"int8\"},"
    "  \"l\": {\"shape\": null, \"dtype\": \"int64\"},"
    "  \"b\": {\"shape\": null, \"dtype\": \"bool\"}},"
    " \"outputs\": {\"y\": {\"shape\": [\"n\", \"m\", \"k\"], \"dtype\": \"float32\"}}}";

/* Read once, and never freed: a process runs millions of inputs. */
static const tm_definition *the_definition(void) {
    static const tm_definition *definition = NULL;
    static fuzz_input input;
    if (definition == NULL) {
        input = fuzz_begin((const uint8_t *)definition_text, sizeof definition_text - 1);
        const tm_node *node =
            tm_json_parse_all(input.reader.arena, &input.source, input.reader.diag);
        definition = tm_definition_parse(&input.reader, node);
    }
    return definition;
}

static void read_row(fuzz_input *input, const tm_node *row) {
    tm_trace trace;
    tm_trace_parse(&input->reader, row, &trace);
    if (tm_workload_row_definition(&input->reader, row) == NULL)
        return;
    size_t before = fuzz_errors(input), bytes;
    const tm_workload *workload = tm_workload_parse(&input->reader, row, the_definition());
    FUZZ_EXPECT((workload == NULL) == (fuzz_errors(input) > before));
    if (workload == NULL)
        return;
    FUZZ_EXPECT(tm_workload_bytes(workload, &bytes));
    for (size_t i = 0; i < the_definition()->input_count; i++)
        FUZZ_EXPECT(workload->inputs[i].kind != TM_INPUT_SAFETENSORS ||
                    workload->inputs[i].path[0] != '/');
    fuzz_round_trip(input, workload->node);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_input input = fuzz_begin(data, size);
    size_t begin, end;
    for (size_t at = 0; tm_json_next_row(&input.source, &at, &begin, &end);) {
        size_t before = fuzz_errors(&input);
        const tm_node *row =
            tm_json_parse(input.reader.arena, &input.source, begin, end, input.reader.diag);
        FUZZ_EXPECT((row == NULL) == (fuzz_errors(&input) > before));
        if (row != NULL)
            read_row(&input, row);
    }
    fuzz_end(&input);
    return 0;
}
