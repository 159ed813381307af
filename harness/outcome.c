/* outcome: what a judged cell leaves behind: the trace, the log beside it, a line on the terminal.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "harness/identity.h"
#include "harness/judge.h"
#include "harness/remeasure.h"
#include "lib/file.h"
#include "lib/json.h"

/* Of the limit: two measurements of it may differ by so much. */
#define DOUBTFUL_PERCENT 105

/* "61.50 us", in the unit that fits. */
static const char *format_time(char *out, size_t size, double ns) {
    if (ns < 1e3)
        snprintf(out, size, "%.0f ns", ns);
    else if (ns < 1e6)
        snprintf(out, size, "%.2f us", ns / 1e3);
    else
        snprintf(out, size, "%.3f ms", ns / 1e6);
    return out;
}

/* Of what is possible; 0: not known. */
static double percent_of_limit(const tm_outcome *outcome) {
    bool known = outcome->has_floor && outcome->latency_ns > 0;
    return known ? 100 * outcome->floor.limit_ns / outcome->latency_ns : 0;
}

/* By hand the file may not be there, or be of a run that was interrupted: no limit is known. */
static bool read_floor(const tm_cell *cell, tm_inputs *inputs, tm_floor *floor, tm_arena *arena) {
    const tm_source *source = tm_file_read(arena, tm_cell_path(cell, arena, "build/ceilings.json"));
    const tm_node *ceilings =
        source ? tm_json_parse_all(arena, source, tm_diag_create(arena)) : NULL;
    return tm_floor_of(cell->table, inputs, ceilings, cell->device_index, floor);
}

/* Faster than the limit, by more than two measurements differ: the limit is to be looked at. */
static bool is_beyond(const tm_outcome *outcome) {
    return outcome->has_floor && (outcome->latency_ns < outcome->floor.floor_ns ||
                                  percent_of_limit(outcome) > DOUBTFUL_PERCENT);
}

bool tm_outcome_is_possible(const tm_cell *cell, tm_inputs *inputs, tm_outcome *outcome,
                            tm_arena *arena) {
    if (outcome->status != TM_STATUS_PASSED || cell->in_process)
        return true;
    tm_floor *floor = &outcome->floor;
    outcome->has_floor = read_floor(cell, inputs, floor, arena);
    if (is_beyond(outcome) && tm_remeasure_ceilings(cell, arena))
        outcome->has_floor = read_floor(cell, inputs, floor, arena);
    if (!outcome->has_floor || outcome->latency_ns >= floor->floor_ns)
        return true;
    char latency[32], least[32], operations[64] = "";
    if (floor->operations > 0)
        snprintf(operations, sizeof operations, " and %.4g operations", floor->operations);
    snprintf(outcome->reason, sizeof outcome->reason,
             "IMPOSSIBLE: %s is below the %s that %.4g bytes%s need on this device at least "
             "(build/ceilings.json)",
             format_time(latency, sizeof latency, outcome->latency_ns),
             format_time(least, sizeof least, floor->floor_ns), floor->least_bytes, operations);
    outcome->status = TM_STATUS_RUNTIME_ERROR;
    tm_outcome_flag(outcome, "IMPOSSIBLE");
    return false;
}

static void set_floor(tm_json *details, const tm_outcome *outcome) {
    const tm_floor *floor = &outcome->floor;
    tm_json_set_number(details, "least_bytes", floor->least_bytes);
    tm_json_set_number(details, "operations", floor->operations);
    tm_json_set_number(details, "floor_ns", floor->floor_ns);
    if (floor->limit_ns <= 0)
        return;
    tm_json_set_number(details, "limit_ns", floor->limit_ns);
    tm_json_set_string(details, "limited_by", tm_bound_name(floor->bound));
    if (outcome->status == TM_STATUS_PASSED)
        tm_json_set_number(details, "percent_of_limit", percent_of_limit(outcome));
}

static tm_json *trials_json(const tm_outcome *outcome) {
    tm_json *trials = tm_json_array();
    for (size_t i = 0; i < outcome->trial_count; i++) {
        const tm_trial *trial = &outcome->trials[i];
        tm_json *row = tm_json_object();
        tm_json_set_int(row, "samples", (int64_t)trial->device_ns.count);
        tm_json_set_number(row, "min_ns", trial->device_ns.min);
        tm_json_set_number(row, "p10_ns", trial->device_ns.p10);
        tm_json_set_number(row, "median_ns", trial->device_ns.median);
        tm_json_set_number(row, "p90_ns", trial->device_ns.p90);
        tm_json_set_number(row, "mean_ns", trial->device_ns.mean);
        tm_json_set_number(row, "standard_deviation_ns", trial->device_ns.standard_deviation);
        tm_json_set_number(row, "wall_median_ns", trial->wall_median_ns);
        if (trial->samples.activities) {
            tm_json_set_number(row, "events_median_ns", trial->marks_median_ns);
            tm_json_set_int(row, "activities", trial->samples.activities);
        }
        tm_json_set_bool(row, "capped", trial->capped);
        tm_json_push(trials, row);
    }
    return trials;
}

static const char *runner_name(const tm_outcome *outcome) {
    return outcome->is_persistent ? "persistent" : "isolated";
}

static tm_json *flags_json(const tm_outcome *outcome) {
    tm_json *flags = tm_json_array();
    for (size_t i = 0; i < outcome->flag_count; i++)
        tm_json_push_string(flags, outcome->flags[i]);
    return flags;
}

/* What a reader of the number must know, where other tools keep it too: they lose `tracemill`. */
static void set_essentials(tm_json *extra, const tm_outcome *outcome) {
    tm_json_set_string(extra, "clock", outcome->clock);
    tm_json_set_string(extra, "runner", runner_name(outcome));
    tm_json_set_int(extra, "checked_timed_calls", outcome->checked_timed_calls);
    tm_json_set(extra, "flags", flags_json(outcome));
    if (outcome->weak)
        tm_json_set_bool(extra, "weak", outcome->weak->child != NULL);
}

/* Where the time of judging went. */
static tm_json *spent_json(const tm_outcome *outcome) {
    static const char *const names[TM_REQUEST_QUIT] = {
        [TM_REQUEST_OPEN] = "open",   [TM_REQUEST_LOAD] = "load",
        [TM_REQUEST_RUN] = "run",     [TM_REQUEST_TIME] = "time",
        [TM_REQUEST_FETCH] = "fetch", [TM_REQUEST_CLOSE] = "close",
        [TM_REQUEST_COUNT] = "count", [TM_REQUEST_COUNTED] = "counted",
    };
    tm_json *spent = tm_json_object();
    tm_json_set_number(spent, "start", outcome->starting_ns / 1e6);
    for (int kind = 0; kind < TM_REQUEST_QUIT; kind++)
        tm_json_set_number(spent, names[kind], outcome->asking_ns[kind] / 1e6);
    tm_json_set_number(spent, "compare", outcome->comparing_ns / 1e6);
    return spent;
}

static tm_json *details_json(const tm_cell *cell, const tm_outcome *outcome) {
    tm_json *details = tm_json_object();
    tm_json_set_int(details, "seed", (int64_t)outcome->seed);
    const tm_node *device = tm_cell_device(cell), *uuid = tm_node_get(device, "uuid");
    if (uuid && uuid->string)
        tm_json_set_string(details, "device_uuid", uuid->string);
    tm_json_set(details, "identity", tm_identity_json(cell));
    if (cell->table->synthesized)
        tm_json_set_bool(details, "synthesized", true);
    tm_json_set_string(details, "runner", runner_name(outcome));
    if (outcome->clock[0])
        tm_json_set_string(details, "clock", outcome->clock);
    /* Each worker finds its own; a speedup of two clocks is to be known as one. */
    if (outcome->clock[0] && strcmp(outcome->clock, outcome->reference_clock) != 0)
        tm_json_set_string(details, "reference_clock", outcome->reference_clock);
    tm_json_set_string(details, "cache", "cold");
    if (outcome->flag_count)
        tm_json_set(details, "flags", flags_json(outcome));
    if (outcome->has_floor)
        set_floor(details, outcome);
    if (outcome->weak && outcome->weak->child)
        tm_json_set_node(details, "weak", outcome->weak);
    tm_json *clocks = tm_gauge_to_json(&outcome->before, &outcome->after);
    if (clocks)
        tm_json_set(details, "clocks", clocks);
    if (outcome->retakes)
        tm_json_set_int(details, "retaken_samples", outcome->retakes);
    tm_json_set_number(details, "judging_ms", outcome->judging_ns / 1e6);
    tm_json_set(details, "spent_ms", spent_json(outcome));
    tm_json_set_number(details, "protocol_ms", outcome->protocol_ns / 1e6);
    if (outcome->status == TM_STATUS_PASSED) {
        tm_json_set_number(details, "median_low_ns", outcome->interval_low_ns);
        tm_json_set_number(details, "median_high_ns", outcome->interval_high_ns);
        tm_json_set_int(details, "checked_timed_calls", outcome->checked_timed_calls);
        tm_json_set(details, "trials", trials_json(outcome));
    }
    return details;
}

/* Name of the device and versions of what the numbers depend on. */
static void fill_environment(const tm_cell *cell, tm_trace *trace) {
    const tm_node *name = tm_node_get(tm_cell_device(cell), "name");
    const tm_node *libs = tm_node_get(cell->device, "libs");
    trace->hardware = name && name->string ? name->string : "unknown";
    for (const tm_node *lib = libs ? libs->child : NULL; lib; lib = lib->next)
        if (lib->type == TM_NODE_STRING &&
            trace->lib_count < sizeof trace->libs / sizeof *trace->libs)
            trace->libs[trace->lib_count++] = (tm_trace_lib){lib->key, lib->string};
}

static bool write_log(const tm_cell *cell, const tm_outcome *outcome, tm_arena *arena,
                      tm_diag *diag) {
    size_t stem = strlen(cell->trace_path);
    if (stem > 5 && strcmp(cell->trace_path + stem - 5, ".json") == 0)
        stem -= 5;
    const char *path = tm_arena_format(arena, "%.*s.log", (int)stem, cell->trace_path);
    if (outcome->log.length == 0) {
        unlink(path); /* of an earlier run */
        return true;
    }
    if (tm_file_write(path, outcome->log.data, outcome->log.length, NULL))
        return true;
    tm_diag_error(diag, tm_diag_command_line, NULL,
                  "%s: cannot be written: %s; make room, or make it writable", path,
                  strerror(errno));
    return false;
}

bool tm_outcome_write(const tm_cell *cell, const tm_evaluator *evaluator, tm_outcome *outcome,
                      tm_arena *arena, tm_diag *diag) {
    char timestamp[64];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(timestamp, sizeof timestamp, "%Y-%m-%dT%H:%M:%SZ", &utc);
    tm_trace trace = {.definition = cell->table->definition,
                      .op_type = cell->table->op_type,
                      .solution = cell->solution.name,
                      .author = cell->solution.author,
                      .workload = cell->workload,
                      .status = outcome->status,
                      .reason = outcome->reason,
                      .timestamp = timestamp,
                      .log = tm_text_get(&outcome->log)};
    fill_environment(cell, &trace);
    trace.has_correctness =
        outcome->status == TM_STATUS_PASSED || outcome->status == TM_STATUS_INCORRECT_NUMERICAL;
    trace.has_performance = outcome->status == TM_STATUS_PASSED;
    if (trace.has_correctness) {
        trace.max_relative_error = outcome->verdict.max_relative_error;
        trace.max_absolute_error = outcome->verdict.max_absolute_error;
        trace.correctness_extra = tm_verdict_extra(&outcome->verdict, cell->table, evaluator);
        set_essentials(trace.correctness_extra, outcome);
    }
    if (trace.has_performance) {
        trace.latency_ms = outcome->latency_ns / 1e6;
        trace.reference_latency_ms = outcome->reference_latency_ns / 1e6;
        trace.speedup_factor = outcome->reference_latency_ns / outcome->latency_ns;
    }
    trace.details = details_json(cell, outcome);
    tm_samples samples[TM_ANSWERS_MAX_TRIALS];
    size_t count = outcome->status == TM_STATUS_PASSED ? outcome->trial_count : 0;
    for (size_t i = 0; i < count; i++)
        samples[i] = outcome->trials[i].samples;
    if (!tm_sidecar_write(cell->trace_path, samples, count, arena, diag))
        return false;
    if (!write_log(cell, outcome, arena, diag))
        return false;
    /* To ninja an output that is older than its inputs is one to make again. */
    const struct timespec old[2] = {{.tv_sec = 946684800}, {.tv_sec = 946684800}};
    if (tm_trace_write(cell->trace_path, &trace) &&
        (!outcome->is_transient || utimensat(AT_FDCWD, cell->trace_path, old, 0) == 0))
        return true;
    tm_diag_error(diag, tm_diag_command_line, NULL,
                  "%s: cannot be written: %s; make room, or make it writable", cell->trace_path,
                  strerror(errno));
    return false;
}

void tm_outcome_print(const tm_cell *cell, const tm_outcome *outcome) {
    printf("%s %s", tm_status_name(outcome->status), cell->solution.name);
    const char *separator = " [";
    for (size_t i = 0; i < cell->table->axis_count; i++)
        if (!cell->table->axes[i].is_const) {
            printf("%s%s=%lld", separator, cell->table->axes[i].name,
                   (long long)cell->table->axes[i].value);
            separator = " ";
        }
    printf("%s: ", separator[1] == '[' ? "" : "]");
    if (outcome->status == TM_STATUS_PASSED && cell->in_process)
        printf("right, and not timed (in process)");
    else if (outcome->status == TM_STATUS_PASSED) {
        char latency[32];
        fputs(format_time(latency, sizeof latency, outcome->latency_ns), stdout);
        if (outcome->reference_latency_ns > 0)
            printf(", %.4gx the reference", outcome->reference_latency_ns / outcome->latency_ns);
        if (percent_of_limit(outcome) > 0)
            printf(", %.3g%% of the limit", percent_of_limit(outcome));
    } else
        printf("%s", outcome->reason);
    printf("\n");
}
