#include "reports/gate_figure.h"

#include <math.h>

#include "reports/figure.h"

const char *tm_gate_figure_ratio(tm_arena *arena, double ratio) {
    double percent = (ratio - 1.0) * 100.0;
    if (ratio >= 2.0)
        return tm_arena_format(arena, "x%.3g", ratio);
    return tm_arena_format(arena, "%+.1f%%", percent);
}

tm_style tm_gate_figure_style(tm_gate_verdict verdict) {
    static const tm_style styles[TM_GATE_COUNT] = {
        [TM_GATE_REGRESSED] = TM_STYLE_BAD, [TM_GATE_SLOWER] = TM_STYLE_BAD,
        [TM_GATE_FAILING] = TM_STYLE_BAD,   [TM_GATE_AMBIGUOUS] = TM_STYLE_DOUBTFUL,
        [TM_GATE_FASTER] = TM_STYLE_GOOD,   [TM_GATE_FIXED] = TM_STYLE_GOOD,
        [TM_GATE_NEW] = TM_STYLE_PLAIN,     [TM_GATE_GONE] = TM_STYLE_DOUBTFUL,
        [TM_GATE_SAME] = TM_STYLE_PLAIN};
    return styles[verdict];
}

const char *tm_gate_figure_before(tm_arena *arena, const tm_gate_cell *cell) {
    if (cell->before == NULL || cell->before->trace.status == TM_STATUS_PASSED)
        return tm_figure_latency(arena, cell->before_ms);
    return tm_status_name(cell->before->trace.status);
}

const char *tm_gate_figure_now(tm_arena *arena, const tm_gate_cell *cell) {
    const tm_model_cell *now = cell->cell;
    if (now == NULL || now->state == TM_MODEL_WAITING ||
        (now->state == TM_MODEL_RAN && now->trace.status == TM_STATUS_PASSED))
        return tm_figure_latency(arena, cell->after_ms);
    return tm_figure_status(now);
}

const char *tm_gate_figure_change(tm_arena *arena, const tm_gate_cell *cell) {
    return cell->is_compared ? tm_gate_figure_ratio(arena, cell->comparison.ratio) : "-";
}

const char *tm_gate_figure_interval(tm_arena *arena, const tm_gate_cell *cell) {
    if (!cell->is_compared)
        return "-";
    return tm_arena_format(arena, "%s .. %s",
                           tm_gate_figure_ratio(arena, cell->comparison.interval.low),
                           tm_gate_figure_ratio(arena, cell->comparison.interval.high));
}

const char *tm_gate_figure_note(tm_arena *arena, const tm_gate_cell *cell) {
    if (!cell->is_compared || cell->source == TM_TIMING_SAMPLES)
        return cell->why;
    return tm_arena_format(arena, "by %s, no samples", tm_timing_source_name(cell->source));
}

const char *tm_gate_figure_counts(tm_arena *arena, const tm_gate *gate) {
    const char *text = "";
    for (int i = 0; i < TM_GATE_COUNT; i++)
        if (gate->by_verdict[i] > 0)
            text = tm_arena_format(arena, "%s%s%zu %s", text, text[0] ? ", " : "",
                                   gate->by_verdict[i], tm_gate_name((tm_gate_verdict)i));
    return text[0] ? text : "no cells";
}

const char *const *tm_gate_figure_method(tm_arena *arena, const tm_gate *gate) {
    const char **lines = tm_arena_array(arena, 5, sizeof(*lines));
    size_t count = 0;
    const tm_baseline *baseline = gate->baseline;
    lines[count++] = tm_arena_format(
        arena, "Baseline: %s of %s%s%s%s.", tm_figure_count(arena, baseline->count, "trace"),
        baseline->path, baseline->newest[0] ? ", until " : "", baseline->newest,
        baseline->broken > 0 ? tm_arena_format(arena, "; %zu could not be read", baseline->broken)
                             : "");
    lines[count++] = tm_arena_format(
        arena,
        "SAME by identity (solution, harness, device): %zu; compared: %zu, of these without the "
        "samples of both runs: %zu.",
        gate->identical, gate->compared, gate->without_samples);
    lines[count++] = tm_arena_format(
        arena,
        "Relevant from %.3g%% on; runs of the same code are taken to differ by %.2g%% and %.3g ns "
        "(standard deviation); at most %.0f%% chance of any wrong SLOWER or FASTER; intervals: "
        "%.0f%%.",
        gate->options.threshold * 100.0, gate->options.noise * 100.0, gate->noise_ns,
        TM_GATE_LEVEL * 100.0, TM_GATE_INTERVAL_SHARE * 100.0);
    if (gate->options.scale != 1.0)
        lines[count++] =
            tm_arena_format(arena, "A test: latencies of now are times %.4g.", gate->options.scale);
    return lines;
}
