/* make_traces: a plan and its traces as a benchmark would leave them, for reports of any size.
 *
 *     make_traces DEFINITIONS SOLUTIONS WORKLOADS [SAMPLES]
 *
 * writes plan.json and build/traces/ into the current folder. Same arguments, same bytes. Solution
 * 0 of each definition is by "baseline"; in one cell of 50 something failed; SAMPLES (default 50)
 * for each of three trials, 0 for no files of samples. */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static uint64_t state = 1;

/* xorshift64*: uniform in [0, 1). */
static double draw(void) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (double)((state * UINT64_C(2685821657736338717)) >> 11) * 0x1p-53;
}

static FILE *create(const char *path) {
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        fprintf(stderr, "make_traces: %s: %s\n", path, strerror(errno));
        exit(3);
    }
    return file;
}

static void make_folders(char *path) {
    for (char *at = path; (at = strchr(at + 1, '/')) != NULL;) {
        *at = '\0';
        mkdir(path, 0777);
        *at = '/';
    }
}

static const char *author(int solution) {
    static const char *const authors[] = {"tiled", "ada", "grace", "edsger"};
    return solution == 0 ? "baseline" : authors[solution % 4];
}

static void write_samples(const char *path, double latency_ns, int samples) {
    FILE *file = create(path);
    fputs("{\"unit\":\"ns\",\"trials\":[\n", file);
    for (int trial = 0; trial < 3; trial++) {
        fputs("{\"device\":[", file);
        for (int i = 0; i < samples; i++) {
            double slow = draw() < 0.02 ? 1.0 + 3.0 * draw() : 1.0 + 0.02 * draw() * draw();
            fprintf(file, "%s%.0f", i > 0 ? "," : "", latency_ns * slow);
        }
        fputs("],\"wall\":[", file);
        for (int i = 0; i < samples; i++)
            fprintf(file, "%s%.0f", i > 0 ? "," : "", latency_ns + 7000 + 500 * draw());
        fprintf(file, "],\"activities\":1}%s\n", trial < 2 ? "," : "");
    }
    fputs("]}\n", file);
    fclose(file);
}

static void write_passed(FILE *file, double latency_ns, double reference_ns, double limit_ns) {
    fprintf(file,
            "\"PASSED\", \"environment\": {\"hardware\": \"a device\", \"libs\": {\"driver\": "
            "\"580.1\", \"compiler\": \"13.0\"}}, \"timestamp\": \"2026-01-01T00:00:00Z\", "
            "\"log\": \"\", \"correctness\": {\"max_relative_error\": %.6f, "
            "\"max_absolute_error\": %.6f, \"extra\": {\"evaluator\": \"default\", "
            "\"matched_ratio\": 1, \"relative_l2\": {\"y\": %.8f}}}, \"performance\": "
            "{\"latency_ms\": %.9f, \"reference_latency_ms\": %.9f, \"speedup_factor\": %.9f}}, "
            "\"tracemill\": {\"author\": \"x\", \"op_type\": \"x\", \"reason\": null, \"seed\": "
            "%.0f, \"limit_ns\": %.3f, \"limited_by\": \"memory\", \"percent_of_limit\": %.4f, "
            "\"median_low_ns\": %.1f, \"median_high_ns\": %.1f, \"judging_ms\": 180.5, "
            "\"protocol_ms\": 90.25, \"trials\": [",
            draw(), draw() / 100, draw() / 1000, latency_ns / 1e6, reference_ns / 1e6,
            reference_ns / latency_ns, floor(draw() * 9e15), limit_ns, 100 * limit_ns / latency_ns,
            latency_ns * 0.999, latency_ns * 1.001);
    for (int trial = 0; trial < 3; trial++)
        fprintf(file,
                "%s{\"samples\": 50, \"min_ns\": %.1f, \"p10_ns\": %.1f, \"median_ns\": %.1f, "
                "\"p90_ns\": %.1f, \"mean_ns\": %.1f, \"standard_deviation_ns\": %.3f, "
                "\"wall_median_ns\": %.1f, \"capped\": false}",
                trial > 0 ? ", " : "", latency_ns * 0.99, latency_ns * 0.995, latency_ns,
                latency_ns * 1.01, latency_ns * 1.002, latency_ns * 0.01, latency_ns + 7000);
    fputs("]}}\n", file);
}

static void write_cell(int definition, int solution, int workload, int samples) {
    char path[512], stem[400];
    snprintf(stem, sizeof(stem), "build/traces/%s/op_%d/definition_%d/solution_%d/row-%d",
             author(solution), definition % 4, definition, solution, workload);
    snprintf(path, sizeof(path), "%s.json", stem);
    make_folders(path);
    double size = pow(2.0, workload % 14) * (1 + definition % 3);
    double limit_ns = 900 + 40 * size, reference_ns = 5000 + 200 * size;
    double latency_ns = limit_ns * (1.2 + 0.15 * solution + 0.1 * draw());
    FILE *file = create(path);
    fprintf(file,
            "{\"definition\": \"definition_%d\", \"workload\": {\"uuid\": \"row-%d\", \"axes\": "
            "{\"batch_size\": %d, \"seq_len\": %d}, \"inputs\": {}}, \"solution\": "
            "\"solution_%d\", \"evaluation\": {\"status\": ",
            definition, workload, 1 << workload % 14, 128 << workload / 14 % 3, solution);
    bool failed = solution % 5 == 3 && (definition * 7 + solution * 13 + workload) % 10 == 9;
    if (failed)
        fputs("\"RUNTIME_ERROR\", \"environment\": {\"hardware\": \"a device\", \"libs\": {}}, "
              "\"timestamp\": \"2026-01-01T00:00:00Z\", \"log\": \"an illegal memory access was "
              "encountered\", \"correctness\": null, \"performance\": null}, \"tracemill\": "
              "{\"author\": \"x\", \"op_type\": \"x\", \"reason\": \"it did not return\"}}\n",
              file);
    else
        write_passed(file, latency_ns, reference_ns, limit_ns);
    fclose(file);
    snprintf(path, sizeof(path), "%s.samples", stem);
    if (!failed && samples > 0)
        write_samples(path, latency_ns, samples);
}

static void write_plan(int definitions, int solutions, int workloads) {
    FILE *file = create("plan.json");
    fputs("{\"backend\": \"cuda\", \"arch\": [\"sm_90\"], \"errors\": 0, \"diagnostics\": [],\n"
          "\"not_planned\": [], \"definitions\": [\n",
          file);
    for (int d = 0; d < definitions; d++) {
        fprintf(file,
                "{\"name\": \"definition_%d\", \"op_type\": \"op_%d\", \"reference\": \"r\", "
                "\"workloads\": [",
                d, d % 4);
        for (int w = 0; w < workloads; w++)
            fprintf(file, "%s\"row-%d\"", w > 0 ? ", " : "", w);
        fputs("], \"solutions\": [", file);
        for (int s = 0; s < solutions; s++)
            fprintf(file,
                    "%s\n{\"name\": \"solution_%d\", \"author\": \"%s\", \"language\": \"cuda\"}",
                    s > 0 ? "," : "", s, author(s));
        fprintf(file, "]}%s\n", d < definitions - 1 ? "," : "");
    }
    fputs("]}\n", file);
    fclose(file);
}

int main(int count, char **arguments) {
    if (count < 4 || count > 5) {
        fputs("usage: make_traces DEFINITIONS SOLUTIONS WORKLOADS [SAMPLES]\n", stderr);
        return 2;
    }
    int definitions = atoi(arguments[1]), solutions = atoi(arguments[2]);
    int workloads = atoi(arguments[3]), samples = count > 4 ? atoi(arguments[4]) : 50;
    write_plan(definitions, solutions, workloads);
    for (int d = 0; d < definitions; d++)
        for (int s = 0; s < solutions; s++)
            for (int w = 0; w < workloads; w++)
                write_cell(d, s, w, samples);
    return 0;
}
