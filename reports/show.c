#include "reports/show.h"

#include <string.h>

#include "lib/file.h"
#include "lib/text.h"
#include "reports/code.h"
#include "reports/doubt.h"
#include "reports/figure.h"
#include "reports/histogram.h"
#include "reports/ranking.h"
#include "reports/score.h"
#include "reports/timing.h"

#define LABEL_WIDTH 11
#define LOG_LINES 12

typedef struct {
    tm_arena *arena;
    tm_text *text;
    const tm_terminal *terminal;
    const tm_choice *choice;
    const tm_model_cell *cell;
} page;

static void add_label(page *out, const char *label) {
    const char *padded = tm_arena_format(out->arena, "%-*s", LABEL_WIDTH, label);
    tm_text_add(out->text, tm_terminal_paint(out->arena, out->terminal, TM_STYLE_FAINT, padded));
}

/* Prose, on as many lines as it takes. */
static void add_prose(page *out, const char *label, tm_style style, const char *raw) {
    const char *rest = tm_figure_line(out->arena, raw);
    size_t room = out->terminal->width - LABEL_WIDTH;
    do {
        size_t length = tm_figure_break(rest, room);
        const char *line = tm_arena_copy(out->arena, rest, length);
        add_label(out, label);
        tm_text_format(out->text, "%s\n",
                       tm_terminal_paint(out->arena, out->terminal, style, line));
        rest += length;
        rest += strspn(rest, " ");
        label = "";
    } while (*rest != '\0');
}

/* What is to be copied, on one line. */
static void add_whole(page *out, const char *label, const char *raw) {
    if (raw == NULL)
        return;
    add_label(out, label);
    tm_text_format(out->text, "%s\n", tm_figure_line(out->arena, raw));
}

/* "a, b" of a list of strings. */
static const char *list_of(tm_arena *arena, const tm_node *list) {
    const char *text = "";
    for (const tm_node *item = list != NULL ? list->child : NULL; item != NULL; item = item->next)
        if (item->type == TM_NODE_STRING)
            text = tm_arena_format(arena, "%s%s%s", text, text[0] ? ", " : "", item->string);
    return text;
}

/* ---- what it is ---- */

static void add_names(page *out) {
    const tm_model_solution *solution = out->choice->solution;
    const tm_model_workload *workload = &out->choice->definition->workloads[out->choice->workload];
    const char *title =
        tm_arena_format(out->arena, "%s / %s", out->choice->definition->name, solution->name);
    tm_text_format(out->text, "%s  %s\n",
                   tm_terminal_paint(out->arena, out->terminal, tm_figure_style(out->cell),
                                     tm_figure_status(out->cell)),
                   tm_terminal_paint(out->arena, out->terminal, TM_STYLE_STRONG,
                                     tm_figure_line(out->arena, title)));
    if (out->cell->reason[0] != '\0')
        add_prose(out, "why", tm_figure_style(out->cell), out->cell->reason);
    add_prose(out, "workload", TM_STYLE_PLAIN,
              tm_arena_format(out->arena, "%s%s%s%s", workload->uuid, workload->axes[0] ? " (" : "",
                              workload->axes, workload->axes[0] ? ")" : ""));
    const char *author = solution->author[0] ? solution->author : "not known";
    if (solution->language != NULL && solution->language[0] != '\0')
        author = tm_arena_format(out->arena, "%s, in %s%s%s", author, solution->language,
                                 solution->binding != NULL ? ", bound by " : "",
                                 solution->binding != NULL ? solution->binding : "");
    add_prose(out, "author", TM_STYLE_PLAIN, author);
}

/* ---- how fast ---- */

static void add_latency(page *out) {
    const tm_trace *trace = &out->cell->trace;
    const char *text = tm_figure_latency(out->arena, trace->latency_ms);
    double low = tm_node_number_of(trace->details_node, "median_low_ns");
    double high = tm_node_number_of(trace->details_node, "median_high_ns");
    if (low > 0.0 && high > 0.0)
        text = tm_arena_format(out->arena, "%s (median within %s)", text,
                               tm_figure_latency_range(out->arena, low / 1e6, high / 1e6));
    const char *cache = tm_node_text_of(trace->details_node, "cache");
    if (cache[0] != '\0')
        text = tm_arena_format(out->arena, "%s, %s cache", text, cache);
    add_prose(out, "latency", TM_STYLE_STRONG, text);
}

static void add_speedups(page *out) {
    const tm_trace *trace = &out->cell->trace;
    if (trace->reference_latency_ms > 0.0)
        add_prose(out, "reference", TM_STYLE_PLAIN,
                  tm_arena_format(out->arena, "%s: %s over the reference",
                                  tm_figure_latency(out->arena, trace->reference_latency_ms),
                                  tm_figure_speedup(out->arena, trace->speedup_factor)));
    const tm_model_solution *baseline = tm_ranking_baseline(out->choice->definition);
    if (baseline == NULL || baseline == out->choice->solution)
        return;
    double ratio = tm_ranking_ratio(baseline, out->choice->solution, out->choice->workload);
    const tm_model_cell *base = &baseline->cells[out->choice->workload];
    if (ratio > 0.0)
        add_prose(out, "baseline", TM_STYLE_PLAIN,
                  tm_arena_format(out->arena, "%s: %s over %s",
                                  tm_figure_latency(out->arena, tm_ranking_latency_ms(base)),
                                  tm_figure_speedup(out->arena, ratio), baseline->name));
}

static void add_limit(page *out) {
    const tm_node *details = out->cell->trace.details_node;
    double limit = tm_node_number_of(details, "limit_ns"),
           floor = tm_node_number_of(details, "floor_ns");
    if (limit > 0.0)
        add_prose(out, "limit", TM_STYLE_PLAIN,
                  tm_arena_format(out->arena, "%s by %s: %s of it",
                                  tm_figure_latency(out->arena, limit / 1e6),
                                  tm_node_text_of(details, "limited_by"),
                                  tm_figure_percent(out->arena, tm_score_percent(out->cell))));
    else if (floor > 0.0)
        add_prose(out, "floor", TM_STYLE_PLAIN, tm_figure_latency(out->arena, floor / 1e6));
}

static void add_samples(page *out, const tm_timing *timing) {
    if (timing->source == TM_TIMING_SAMPLES || timing->source == TM_TIMING_TRIALS) {
        const char *medians = "";
        size_t samples = 0;
        for (size_t i = 0; i < timing->trial_count; i++) {
            const tm_timing_trial *trial = &timing->trials[i];
            samples += trial->count;
            medians = tm_arena_format(out->arena, "%s%s%s", medians, i > 0 ? ", " : "",
                                      tm_figure_latency(out->arena, trial->median_ns / 1e6));
        }
        add_prose(out, "trials", TM_STYLE_PLAIN,
                  tm_arena_format(out->arena, "%s in %s, medians %s",
                                  tm_figure_count(out->arena, samples, "sample"),
                                  tm_figure_count(out->arena, timing->trial_count, "trial"),
                                  medians));
    }
    tm_histogram_add(out->arena, out->text, timing, LABEL_WIDTH, out->terminal->width);
}

/* ---- how right ---- */

static void add_errors(page *out) {
    const tm_trace *trace = &out->cell->trace;
    if (!trace->has_correctness)
        return;
    const tm_node *extra = trace->correctness_node;
    const tm_node *matched = tm_node_get(extra, "matched_ratio");
    const char *text = tm_arena_format(out->arena, "absolute %s, relative %s",
                                       tm_figure_error(out->arena, trace->max_absolute_error),
                                       tm_figure_error(out->arena, trace->max_relative_error));
    if (matched != NULL && matched->type == TM_NODE_NUMBER)
        text = tm_arena_format(out->arena, "%s, %.4g%% matched", text, matched->number * 100.0);
    if (tm_node_number_of(extra, "compared_elems") > 0.0)
        text = tm_arena_format(out->arena, "%s of %.0f elements", text,
                               tm_node_number_of(extra, "compared_elems"));
    if (tm_node_text_of(extra, "evaluator")[0] != '\0')
        text = tm_arena_format(out->arena, "%s; evaluator %s", text,
                               tm_node_text_of(extra, "evaluator"));
    add_prose(out, "errors", TM_STYLE_PLAIN, text);
    const tm_node *relative = tm_node_get(extra, "relative_l2");
    const char *outputs = "";
    for (const tm_node *item = relative != NULL ? relative->child : NULL; item != NULL;
         item = item->next)
        if (item->key != NULL && item->type == TM_NODE_NUMBER)
            outputs = tm_arena_format(out->arena, "%s%s%s %s", outputs, outputs[0] ? ", " : "",
                                      item->key, tm_figure_error(out->arena, item->number));
    if (outputs[0] != '\0')
        add_prose(out, "", TM_STYLE_PLAIN,
                  tm_arena_format(out->arena, "relative l2 by output: %s", outputs));
}

static void add_flags(page *out) {
    const char *label = "flags";
    for (int i = 0; i < TM_DOUBT_COUNT; i++) {
        tm_doubt doubt = (tm_doubt)i;
        if (!tm_doubt_is_cast(out->cell, doubt))
            continue;
        const char *name =
            doubt != TM_DOUBT_OTHER
                ? tm_doubt_name(doubt)
                : list_of(out->arena, tm_node_get(out->cell->trace.details_node, "flags"));
        add_prose(out, label, TM_STYLE_DOUBTFUL,
                  tm_arena_format(out->arena, "%s: %s", name,
                                  tm_doubt_advice_of(out->arena, doubt, out->cell)));
        label = "";
    }
    const tm_model_workload *workload = &out->choice->definition->workloads[out->choice->workload];
    if (workload->weak != NULL)
        add_prose(out, "weak", TM_STYLE_DOUBTFUL,
                  "a plainly wrong answer would pass on this workload; see report.md");
}

/* ---- where ---- */

static void add_device(page *out) {
    const tm_trace *trace = &out->cell->trace;
    const char *text = trace->hardware[0] != '\0' ? trace->hardware : "not known";
    const char *uuid = tm_node_text_of(trace->details_node, "device_uuid");
    if (uuid[0] != '\0')
        text = tm_arena_format(out->arena, "%s (%s)", text, uuid);
    for (size_t i = 0; i < trace->lib_count; i++)
        text = tm_arena_format(out->arena, "%s, %s %s", text, trace->libs[i].name,
                               trace->libs[i].version);
    add_prose(out, "device", TM_STYLE_PLAIN, text);
}

static const char *describe_clocks(tm_arena *arena, const tm_node *clocks) {
    double mhz = tm_node_number_of(clocks, "clock_mhz"),
           most = tm_node_number_of(clocks, "max_mhz");
    double heat = tm_node_number_of(clocks, "temperature_c"),
           power = tm_node_number_of(clocks, "power_w");
    const char *text = mhz > 0.0 ? tm_arena_format(arena, "%.0f", mhz) : "";
    if (mhz > 0.0)
        text = most > 0.0 ? tm_arena_format(arena, "%s of %.0f MHz", text, most)
                          : tm_arena_format(arena, "%s MHz", text);
    if (heat > 0.0)
        text = tm_arena_format(arena, "%s%s%.0f C", text, text[0] ? ", " : "", heat);
    if (power > 0.0)
        text = tm_arena_format(arena, "%s%s%.0f W", text, text[0] ? ", " : "", power);
    const char *reasons = list_of(arena, tm_node_get(clocks, "throttle_reasons"));
    return reasons[0] != '\0' ? tm_arena_format(arena, "%s%s%s", text, text[0] ? ", " : "", reasons)
                              : text;
}

static void add_clock(page *out) {
    const tm_node *details = out->cell->trace.details_node;
    const tm_node *clocks = tm_node_get(details, "clocks");
    const char *text = tm_node_text_of(details, "clock");
    const char *before = describe_clocks(out->arena, tm_node_get(clocks, "before"));
    const char *after = describe_clocks(out->arena, tm_node_get(clocks, "after"));
    if (before[0] != '\0')
        text = tm_arena_format(out->arena, "%s%sdevice at %s", text, text[0] ? "; " : "", before);
    if (after[0] != '\0' && strcmp(before, after) != 0)
        text = tm_arena_format(out->arena, "%s, then %s", text, after);
    double wait = tm_node_number_of(clocks, "cpu_wait_percent");
    if (wait > 0.0)
        text = tm_arena_format(out->arena, "%s; programs waited for the CPU %.3g%% of the time",
                               text, wait);
    if (text[0] != '\0')
        add_prose(out, "clock", TM_STYLE_PLAIN, text);
}

static void add_time(page *out) {
    const char *text = out->cell->trace.timestamp;
    double judging = tm_doubt_ms(out->cell, "judging_ms");
    if (judging > 0.0)
        text = tm_arena_format(out->arena, "%s%sjudged in %s", text, text[0] ? ", " : "",
                               tm_figure_latency(out->arena, judging));
    if (text[0] != '\0')
        add_prose(out, "ran", TM_STYLE_PLAIN, text);
}

/* The last lines; what was printed may be 5 MiB. */
static void add_log(page *out) {
    const char *log = out->cell->trace.log;
    size_t end = strlen(log), begin;
    while (end > 0 && strchr(" \r\n", log[end - 1]) != NULL)
        end--;
    if (end == 0)
        return;
    size_t lines = 0;
    for (begin = end; begin > 0; begin--)
        if (log[begin - 1] == '\n' && ++lines == LOG_LINES)
            break;
    add_whole(out, "log", begin > 0 ? "its last lines:" : "what it printed:");
    while (begin < end) {
        size_t length = strcspn(log + begin, "\n");
        length = begin + length > end ? end - begin : length;
        const char *line =
            tm_figure_line(out->arena, tm_arena_copy(out->arena, log + begin, length));
        tm_text_format(out->text, "  %s\n",
                       tm_figure_cut(out->arena, line, out->terminal->width - 2));
        begin += length + 1;
    }
}

static void add_paths(page *out, const tm_show_origin *origin) {
    const char *source = out->choice->solution->source;
    if (source != NULL) {
        const char *path = tm_code_path(out->arena, source, origin->build, origin->srcdir);
        add_whole(out, "source", path != NULL ? path : source);
    }
    if (strcmp(origin->build, ".") != 0 && out->cell->trace_path != NULL)
        add_whole(out, "folder", origin->build);
    add_whole(out, "trace", out->cell->trace_path);
    add_whole(out, "log file", out->cell->log_path);
    add_whole(out, "repeat", out->cell->command);
}

tm_timing tm_show_timing(tm_arena *arena, const tm_model_cell *cell, const tm_show_origin *origin) {
    const char *samples = tm_trace_beside(arena, cell->trace_path, ".samples");
    if (samples != NULL)
        samples = tm_file_join(arena, origin->build, samples);
    return tm_timing_read(arena, &cell->trace, samples);
}

const char *tm_show_format(tm_arena *arena, const tm_choice *choice, const tm_show_origin *origin,
                           const tm_terminal *terminal) {
    tm_text text = {0};
    page out = {arena, &text, terminal, choice, choice->cell};
    add_names(&out);
    if (choice->cell->state == TM_MODEL_RAN) {
        if (choice->cell->trace.has_performance) {
            const tm_timing timing = tm_show_timing(arena, choice->cell, origin);
            add_latency(&out);
            add_speedups(&out);
            add_limit(&out);
            add_samples(&out, &timing);
        }
        add_errors(&out);
        add_flags(&out);
        add_device(&out);
        add_clock(&out);
        add_time(&out);
    }
    add_paths(&out, origin);
    if (choice->cell->state == TM_MODEL_RAN)
        add_log(&out);
    const char *result = tm_arena_copy(arena, tm_text_get(&text), text.length);
    tm_text_free(&text);
    return result;
}
