/* make_traces: a plan and its traces as a benchmark would leave them, for reports of any size.
 *
 *     make_traces DEFINITIONS SOLUTIONS WORKLOADS [SAMPLES]
 *
 * writes plan.json and build/traces/ into the current folder. Same arguments, same bytes. Solution
 * 0 of each definition is by "baseline"; in one cell of 50 something failed; SAMPLES (default 50)
 * for each of three trials, 0 for no files of samples. Traces and samples have the layout, the
 * members and (within a tenth) the bytes that the harness writes on a GPU. */
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

/* The fewest digits that read back equal, as the harness prints. */
static const char *number(double value) {
    static char digits[8][32];
    static int next;
    char *text = digits[next++ % 8];
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(text, sizeof(digits[0]), "%.*g", precision, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return text;
}

#define TRIALS 3
#define MAX_SAMPLES 1000

typedef struct {
    double ns[MAX_SAMPLES], sorted[MAX_SAMPLES];
    double mean_ns, median_ns, deviation_ns;
} trial;

static int compare_doubles(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void draw_trial(trial *one, double latency_ns, int samples) {
    double sum = 0.0, squares = 0.0;
    for (int i = 0; i < samples; i++) {
        double slow = draw() < 0.02 ? 1.0 + 3.0 * draw() : 1.0 + 0.02 * draw() * draw();
        one->ns[i] = one->sorted[i] = round(latency_ns * slow);
        sum += one->ns[i];
        squares += one->ns[i] * one->ns[i];
    }
    qsort(one->sorted, (size_t)samples, sizeof(double), compare_doubles);
    one->median_ns = (one->sorted[(samples - 1) / 2] + one->sorted[samples / 2]) / 2.0;
    one->mean_ns = sum / samples;
    one->deviation_ns = sqrt(fmax(0.0, squares / samples - one->mean_ns * one->mean_ns));
}

static void write_clock(FILE *file, const char *name, const trial *one, int samples,
                        double extra_ns) {
    fprintf(file, "\"%s\":[", name);
    for (int i = 0; i < samples; i++)
        fprintf(file, "%s%s", i > 0 ? "," : "", number(one->ns[i] + extra_ns));
    fputs("],", file);
}

static void write_samples(const char *path, const trial *trials, int samples) {
    FILE *file = create(path);
    fputs("{\"unit\":\"ns\",\"trials\":[\n", file);
    for (int i = 0; i < TRIALS; i++) {
        fputs("{", file);
        write_clock(file, "device", &trials[i], samples, 0.0);
        write_clock(file, "events", &trials[i], samples, 20000.0 * (1.0 + draw() / 100.0));
        write_clock(file, "wall", &trials[i], samples, 27000.0);
        fprintf(file, "\"activities\":1}%s\n", i < TRIALS - 1 ? "," : "");
    }
    fputs("]}\n", file);
    fclose(file);
}

static void write_environment(FILE *file) {
    fputs("    \"environment\": {\n"
          "      \"hardware\": \"a device\",\n"
          "      \"libs\": {\n"
          "        \"cuda_runtime\": \"13.0\",\n"
          "        \"cuda_driver\": \"13.0\",\n"
          "        \"nvidia_driver\": \"580.159.04\",\n"
          "        \"cupti\": \"130001\"\n"
          "      }\n    },\n"
          "    \"timestamp\": \"2026-01-01T00:00:00Z\",\n",
          file);
}

static void write_own(FILE *file, const char *reason) {
    fprintf(file,
            "  },\n  \"tracemill\": {\n"
            "    \"author\": \"tiled\",\n    \"op_type\": \"rmsnorm\",\n    \"reason\": %s,\n"
            "    \"seed\": %.0f,\n"
            "    \"device_uuid\": \"GPU-00000000-0000-0000-0000-000000000000\",\n"
            "    \"runner\": \"persistent\",\n    \"clock\": \"cupti\",\n    \"cache\": \"cold\"",
            reason, floor(draw() * 9e15));
}

static void write_clocks(FILE *file, const char *name, const char *end) {
    fprintf(file,
            "      \"%s\": {\n"
            "        \"clock_mhz\": 1980,\n        \"default_mhz\": 1980,\n"
            "        \"max_mhz\": 1980,\n        \"memory_mhz\": 3201,\n"
            "        \"temperature_c\": %s,\n        \"power_w\": %s,\n"
            "        \"throttle_reasons\": []\n      }%s\n",
            name, number(35 + floor(10 * draw())), number(round(1e6 + 1e6 * draw()) / 1e4), end);
}

static void write_trial(FILE *file, const trial *one, int samples, const char *end) {
    fprintf(file,
            "      {\n        \"samples\": %d,\n        \"min_ns\": %s,\n"
            "        \"p10_ns\": %s,\n        \"median_ns\": %s,\n        \"p90_ns\": %s,\n",
            samples, number(one->sorted[0]), number(one->sorted[samples / 10]),
            number(one->median_ns), number(one->sorted[samples - 1 - samples / 10]));
    fprintf(file,
            "        \"mean_ns\": %s,\n        \"standard_deviation_ns\": %s,\n"
            "        \"wall_median_ns\": %s,\n        \"events_median_ns\": %s,\n"
            "        \"activities\": 1,\n        \"capped\": false\n      }%s\n",
            number(one->mean_ns), number(one->deviation_ns), number(one->median_ns + 27000),
            number(one->median_ns + 20000 * (1 + draw() / 100)), end);
}

static void write_passed(FILE *file, const trial *trials, int samples, double reference_ns,
                         double limit_ns) {
    double latency_ns = 0.0;
    for (int i = 0; i < TRIALS; i++)
        latency_ns += trials[i].median_ns / TRIALS;
    fputs("    \"status\": \"PASSED\",\n", file);
    write_environment(file);
    fprintf(file,
            "    \"log\": \"\",\n    \"correctness\": {\n"
            "      \"max_relative_error\": %s,\n      \"max_absolute_error\": %s,\n"
            "      \"extra\": {\n        \"evaluator\": \"default\",\n"
            "        \"matched_ratio\": 1,\n        \"compared_elems\": 49152,\n"
            "        \"relative_l2\": {\n          \"output\": %s\n        },\n"
            "        \"clock\": \"cupti\",\n        \"runner\": \"persistent\",\n"
            "        \"checked_timed_calls\": 9,\n        \"flags\": [],\n"
            "        \"weak\": false\n      }\n    },\n",
            number(draw()), number(draw() / 100), number(draw() / 1000));
    fprintf(file,
            "    \"performance\": {\n      \"latency_ms\": %s,\n"
            "      \"reference_latency_ms\": %s,\n      \"speedup_factor\": %s\n    }\n",
            number(latency_ns / 1e6), number(round(reference_ns) / 1e6),
            number(reference_ns / latency_ns));
    write_own(file, "null");
    fprintf(file,
            ",\n    \"least_bytes\": 32768,\n    \"operations\": 0,\n    \"floor_ns\": %s,\n"
            "    \"limit_ns\": %s,\n    \"limited_by\": \"memory\",\n"
            "    \"percent_of_limit\": %s,\n    \"clocks\": {\n",
            number(limit_ns * 0.7), number(limit_ns), number(100 * limit_ns / latency_ns));
    write_clocks(file, "before", ",");
    write_clocks(file, "after", "");
    fprintf(file, "    },\n    \"judging_ms\": 180.5,\n    \"spent_ms\": {\n");
    static const char *const parts[] = {"start", "open",  "load",  "run",
                                        "time",  "fetch", "close", "compare"};
    for (int i = 0; i < 8; i++)
        fprintf(file, "      \"%s\": %s%s\n", parts[i], number(round(1e7 * draw()) / 1e6),
                i < 7 ? "," : "");
    fprintf(file,
            "    },\n    \"protocol_ms\": 90.25,\n    \"median_low_ns\": %s,\n"
            "    \"median_high_ns\": %s,\n    \"checked_timed_calls\": 9,\n    \"trials\": [\n",
            number(round(latency_ns * 0.999)), number(round(latency_ns * 1.001)));
    for (int i = 0; i < TRIALS; i++)
        write_trial(file, &trials[i], samples, i < TRIALS - 1 ? "," : "");
    fputs("    ]\n  }\n}\n", file);
}

static void write_failed(FILE *file) {
    fputs("    \"status\": \"RUNTIME_ERROR\",\n", file);
    write_environment(file);
    fputs("    \"log\": \"an illegal memory access was encountered\",\n"
          "    \"correctness\": null,\n    \"performance\": null\n",
          file);
    write_own(file, "\"it did not return\"");
    fputs("\n  }\n}\n", file);
}

static void write_cell(int definition, int solution, int workload, int samples) {
    char path[512], stem[400];
    snprintf(stem, sizeof(stem), "build/traces/%s/op_%d/definition_%d/solution_%d/row-%d",
             author(solution), definition % 4, definition, solution, workload);
    snprintf(path, sizeof(path), "%s.json", stem);
    make_folders(path);
    double size = pow(2.0, workload % 14) * (1 + definition % 3);
    double limit_ns = 900 + 40 * size, reference_ns = 5000 + 200 * size;
    double latency_ns = round(limit_ns * (1.2 + 0.15 * solution + 0.1 * draw()));
    static trial trials[TRIALS];
    int drawn = samples > 0 ? samples : 50;
    for (int i = 0; i < TRIALS; i++)
        draw_trial(&trials[i], latency_ns, drawn);
    FILE *file = create(path);
    fprintf(file,
            "{\n  \"definition\": \"definition_%d\",\n  \"workload\": {\n"
            "    \"uuid\": \"row-%d\",\n    \"axes\": {\n      \"batch_size\": %d,\n"
            "      \"seq_len\": %d\n    },\n    \"inputs\": {\n",
            definition, workload, 1 << workload % 14, 128 << workload / 14 % 3);
    static const char *const inputs[] = {"hidden_states", "residual", "weight"};
    for (int i = 0; i < 3; i++)
        fprintf(file, "      \"%s\": {\n        \"type\": \"random\"\n      }%s\n", inputs[i],
                i < 2 ? "," : "");
    fprintf(file, "    }\n  },\n  \"solution\": \"solution_%d\",\n  \"evaluation\": {\n", solution);
    bool failed = solution % 5 == 3 && (definition * 7 + solution * 13 + workload) % 10 == 9;
    if (failed)
        write_failed(file);
    else
        write_passed(file, trials, drawn, reference_ns, limit_ns);
    fclose(file);
    snprintf(path, sizeof(path), "%s.samples", stem);
    if (!failed && samples > 0)
        write_samples(path, trials, samples);
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
    if (samples < 0 || samples > MAX_SAMPLES) {
        fprintf(stderr, "make_traces: expected 0 to %d samples, got %s\n", MAX_SAMPLES,
                arguments[4]);
        return 2;
    }
    write_plan(definitions, solutions, workloads);
    for (int d = 0; d < definitions; d++)
        for (int s = 0; s < solutions; s++)
            for (int w = 0; w < workloads; w++)
                write_cell(d, s, w, samples);
    return 0;
}
