/* make_dataset: writes a synthetic FlashInfer-Trace dataset for measurements of scale.
 *
 *   make_dataset DIR DEFINITIONS WORKLOADS SOLUTIONS [variants]
 *
 * Half of the definitions are gemms, half rmsnorms, which the references under kernels/ match; each
 * has as many workload rows and packed C solutions as asked for, in the shape of the public
 * dataset: one file per solution, with its source inside, and one JSON Lines file per definition.
 * With "variants" the solutions of a definition are those of one file with a table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
    char name[64];
    const char *op_type;
    const char *rows_axis; /* the var axis */
    int width;
} shape;

static FILE *create(const char *path) {
    char folder[512];
    snprintf(folder, sizeof folder, "%s", path);
    for (char *slash = folder; (slash = strchr(slash + 1, '/')) != NULL; *slash = '/') {
        *slash = '\0';
        mkdir(folder, 0777);
    }
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        perror(path);
        exit(3);
    }
    return file;
}

static shape shape_of(int index) {
    shape made = {.width = 128 * (index / 2 + 1)};
    made.op_type = index % 2 ? "rmsnorm" : "gemm";
    made.rows_axis = index % 2 ? "batch_size" : "M";
    if (index % 2)
        snprintf(made.name, sizeof made.name, "rmsnorm_h%d", made.width);
    else
        snprintf(made.name, sizeof made.name, "gemm_n%d_k4096", made.width);
    return made;
}

static void write_definition(const char *root, const shape *of) {
    char path[256];
    snprintf(path, sizeof path, "%s/definitions/%s/%s.json", root, of->op_type, of->name);
    FILE *file = create(path);
    fprintf(file,
            "{\n  \"name\": \"%s\",\n  \"op_type\": \"%s\",\n"
            "  \"description\": \"one of many, for a measurement of scale\",\n",
            of->name, of->op_type);
    if (strcmp(of->op_type, "gemm") == 0)
        fprintf(
            file,
            "  \"axes\": {\"M\": {\"type\": \"var\"}, \"N\": {\"type\": \"const\", \"value\": "
            "%d},\n"
            "           \"K\": {\"type\": \"const\", \"value\": 4096}},\n"
            "  \"inputs\": {\"A\": {\"shape\": [\"M\", \"K\"], \"dtype\": \"bfloat16\"},\n"
            "             \"B\": {\"shape\": [\"N\", \"K\"], \"dtype\": \"bfloat16\"}},\n"
            "  \"outputs\": {\"C\": {\"shape\": [\"M\", \"N\"], \"dtype\": \"bfloat16\"}},\n"
            "  \"reference\": \"import torch\\n\\n\\ndef run(A, B):\\n    return A @ B.T\\n\"\n}\n",
            of->width);
    else
        fprintf(
            file,
            "  \"axes\": {\"batch_size\": {\"type\": \"var\"},\n"
            "           \"hidden_size\": {\"type\": \"const\", \"value\": %d}},\n"
            "  \"inputs\": {\"hidden_states\": {\"shape\": [\"batch_size\", \"hidden_size\"], "
            "\"dtype\": \"bfloat16\"},\n"
            "             \"weight\": {\"shape\": [\"hidden_size\"], \"dtype\": \"bfloat16\"}},\n"
            "  \"outputs\": {\"output\": {\"shape\": [\"batch_size\", \"hidden_size\"], "
            "\"dtype\": \"bfloat16\"}},\n"
            "  \"reference\": \"import torch\\n\\n\\ndef run(hidden_states, weight):\\n"
            "    return torch.nn.functional.rms_norm(hidden_states, weight.shape, weight, 1e-6)"
            "\\n\",\n"
            "  \"tracemill\": {\"constants\": {\"eps\": 1e-6}}\n}\n",
            of->width);
    fclose(file);
}

static void write_workloads(const char *root, const shape *of, int index, int count) {
    char path[256];
    snprintf(path, sizeof path, "%s/workloads/%s/%s.jsonl", root, of->op_type, of->name);
    FILE *file = create(path);
    int is_gemm = strcmp(of->op_type, "gemm") == 0;
    for (int row = 0; row < count; row++)
        fprintf(file,
                "{\"definition\": \"%s\", \"workload\": {\"uuid\": \"%08x-%04x-4000-8000-%012x\", "
                "\"axes\": {\"%s\": %d}, \"inputs\": {\"%s\": {\"type\": \"random\"}, "
                "\"%s\": {\"type\": \"random\"}}}, \"solution\": null, \"evaluation\": null}\n",
                of->name, (unsigned)(row * 2654435761u), (unsigned)index & 0xffff, (unsigned)row,
                of->rows_axis, row + 1, is_gemm ? "A" : "hidden_states", is_gemm ? "B" : "weight");
    fclose(file);
}

/* `variants`: of a table with so many values; 0: a solution by itself. */
static void write_solution(const char *root, const shape *of, int number, int variants) {
    char path[256];
    int author = number % 5;
    int is_gemm = strcmp(of->op_type, "gemm") == 0;
    snprintf(path, sizeof path, "%s/solutions/author_%d/%s/%s/%s_tiled_v%d.json", root, author,
             of->op_type, of->name, of->name, number);
    FILE *file = create(path);
    fprintf(file,
            "{\n  \"name\": \"%s_tiled_v%d\",\n  \"definition\": \"%s\",\n"
            "  \"author\": \"author_%d\",\n"
            "  \"spec\": {\"language\": \"c\", \"target_hardware\": [\"cpu\"],\n"
            "           \"entry_point\": \"kernel.c::run\", \"dependencies\": []},\n"
            "  \"sources\": [{\"path\": \"kernel.c\", \"content\": \"#include \\\"contract.h\\\"\\n"
            "int run(const tm_bfloat16 *%s, const tm_bfloat16 *%s, tm_bfloat16 *%s,\\n"
            "        const tm_axes *axes, tm_stream stream) {\\n"
            "    (void)%s;\\n    (void)%s;\\n    (void)axes;\\n    (void)stream;\\n"
            "    *%s = (tm_bfloat16){%d};\\n    return 0;\\n}\\n\"}],\n"
            "  \"tracemill\": {\"binding\": \"c\", \"compile_flags\": [\"-DVARIANT=%d\"]",
            of->name, number, of->name, author, is_gemm ? "A" : "hidden_states",
            is_gemm ? "B" : "weight", is_gemm ? "C" : "output", is_gemm ? "A" : "hidden_states",
            is_gemm ? "B" : "weight", is_gemm ? "C" : "output", number, number);
    for (int value = 0; value < variants; value++)
        fprintf(file, "%s%d", value ? ", " : ", \"variants\": {\"TILED\": [", value);
    fprintf(file, "%s}\n}\n", variants ? "]}" : "");
    fclose(file);
}

int main(int argc, char **argv) {
    int variants = argc == 6 && strcmp(argv[5], "variants") == 0;
    if (argc != 5 && !variants) {
        fprintf(stderr, "usage: %s DIR DEFINITIONS WORKLOADS SOLUTIONS [variants]\n", argv[0]);
        return 2;
    }
    int definitions = atoi(argv[2]), workloads = atoi(argv[3]), solutions = atoi(argv[4]);
    for (int i = 0; i < definitions; i++) {
        shape of = shape_of(i);
        write_definition(argv[1], &of);
        write_workloads(argv[1], &of, i, workloads);
        for (int s = 0; s < (variants ? 1 : solutions); s++)
            write_solution(argv[1], &of, s, variants ? solutions : 0);
    }
    return 0;
}
