/* fuzz_json: any bytes as JSON, and what is JSON as each model that is read from a file: a
 * definition, a solution, a trace, a resolved configuration. */
#include "tests/fuzz/fuzz.h"

#include "lib/config.h"
#include "lib/definition.h"
#include "lib/solution.h"
#include "lib/trace.h"

static void read_definition(fuzz_input *input, const tm_node *node) {
    size_t before = fuzz_errors(input);
    const tm_definition *definition = tm_definition_parse(&input->reader, node);
    FUZZ_EXPECT((definition == NULL) == (fuzz_errors(input) > before));
    if (definition == NULL)
        return;
    FUZZ_EXPECT(tm_definition_signature(input->reader.arena, definition)[0] != '\0');
    for (size_t i = 0; i < definition->input_count + definition->output_count; i++)
        FUZZ_EXPECT(tm_definition_tensor(definition, definition->tensors[i].name) == (int)i);
}

static void read_solution(fuzz_input *input, const tm_node *node) {
    size_t before = fuzz_errors(input);
    const tm_solution *solution = tm_solution_parse(&input->reader, node, "folder");
    FUZZ_EXPECT((solution == NULL) == (fuzz_errors(input) > before));
    if (solution == NULL)
        return;
    FUZZ_EXPECT(solution->file_count > 0 && solution->target_count > 0);
    for (size_t i = 0; i < solution->file_count; i++)
        FUZZ_EXPECT(strstr(solution->files[i].path, "/../") == NULL &&
                    strncmp(solution->files[i].path, "../", 3) != 0);
    tm_solution_expand_name(input->reader.arena, solution->name, "a_definition");
}

static void read_config(fuzz_input *input, const tm_node *node) {
    tm_config config;
    if (!tm_config_from_node(&input->reader, node, &config))
        return;
    tm_json *json = tm_config_to_json(&config);
    char *text = tm_json_print(json, true);
    tm_source written = {"written", text, strlen(text)};
    const tm_node *again = tm_json_parse_all(input->reader.arena, &written, input->reader.diag);
    FUZZ_EXPECT(again != NULL && tm_config_from_node(&input->reader, again, &config));
    free(text);
    tm_json_free(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_input input = fuzz_begin(data, size);
    const tm_node *node = tm_json_parse_all(input.reader.arena, &input.source, input.reader.diag);
    FUZZ_EXPECT((node == NULL) == (fuzz_errors(&input) > 0));
    if (node != NULL) {
        tm_trace trace;
        fuzz_round_trip(&input, node);
        read_definition(&input, node);
        read_solution(&input, node);
        read_config(&input, node);
        tm_trace_parse(&input.reader, node, &trace);
    }
    fuzz_end(&input);
    return 0;
}
