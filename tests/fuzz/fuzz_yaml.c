/* fuzz_yaml: any bytes as YAML, as a configuration, and that resolved as tm-gen does it. */
#include "tests/fuzz/fuzz.h"

#include "lib/config.h"
#include "lib/yaml.h"

/* What tm-gen writes for a definition has to be what the harness reads. */
static void resolve(fuzz_input *input, const tm_config_file *file, const char *op_type,
                    const char *definition) {
    tm_config config = tm_config_resolve(file, op_type, definition);
    FUZZ_EXPECT(config.iterations >= 1 && config.num_trials >= 1 && config.timeout_seconds > 0);
    tm_json *json = tm_config_to_json(&config);
    char *text = tm_json_print(json, true);
    tm_source written = {"written", text, strlen(text)};
    const tm_node *node = tm_json_parse_all(input->reader.arena, &written, input->reader.diag);
    FUZZ_EXPECT(node != NULL && tm_config_from_node(&input->reader, node, &config));
    free(text);
    tm_json_free(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_input input = fuzz_begin(data, size);
    const tm_node *node = tm_yaml_parse(input.reader.arena, &input.source, input.reader.diag);
    FUZZ_EXPECT((node == NULL) == (fuzz_errors(&input) > 0));
    if (node != NULL) {
        tm_config_file *file = tm_config_create(input.reader.arena);
        bool good = tm_config_load(file, node, input.reader.diag);
        FUZZ_EXPECT(good == (fuzz_errors(&input) == 0));
        if (good) {
            resolve(&input, file, "moe", "d");
            resolve(&input, file, "o", "d");
        }
        tm_config_override(file, "rtol", input.source.text, "--rtol", input.reader.diag);
    }
    fuzz_end(&input);
    return 0;
}
