#include "reports/score.h"

#include <math.h>

#include "reports/doubt.h"

static bool is_figure(double value) {
    return isfinite(value) && value > 0.0;
}

double tm_score_percent(const tm_model_cell *cell) {
    const tm_node *percent = tm_node_get(cell->trace.details_node, "percent_of_limit");
    bool is_known = cell->state == TM_MODEL_RAN && percent != NULL &&
                    percent->type == TM_NODE_NUMBER && is_figure(percent->number);
    return is_known ? percent->number : 0.0;
}

static tm_score score_cell(const tm_model_cell *cell) {
    if (cell->state == TM_MODEL_WAITING)
        return (tm_score){.waiting = 1};
    tm_score score = {.cells = 1};
    score.not_run = cell->state == TM_MODEL_NOT_RUN;
    score.broken = cell->state == TM_MODEL_BROKEN;
    if (cell->state != TM_MODEL_RAN)
        return score;
    const tm_trace *trace = &cell->trace;
    score.by_status[trace->status] = 1;
    for (int i = 0; i < TM_DOUBT_COUNT; i++)
        score.doubts[i] = tm_doubt_is_cast(cell, (tm_doubt)i);
    score.crowded = score.doubts[TM_DOUBT_UNSTABLE] && tm_doubt_is_crowded(cell);
    score.judging_ms = tm_doubt_ms(cell, "judging_ms");
    score.protocol_ms = tm_doubt_ms(cell, "protocol_ms");
    if (trace->status != TM_STATUS_PASSED || !trace->has_performance)
        return score;
    if (is_figure(trace->latency_ms)) {
        score.timed = 1;
        score.min_latency_ms = trace->latency_ms;
        score.max_latency_ms = trace->latency_ms;
        score.log_latency_sum = log(trace->latency_ms);
    }
    if (is_figure(trace->speedup_factor)) {
        score.compared = 1;
        score.min_speedup = trace->speedup_factor;
        score.max_speedup = trace->speedup_factor;
        score.log_speedup_sum = log(trace->speedup_factor);
        score.speedup_sum = trace->speedup_factor;
    }
    double percent = tm_score_percent(cell);
    if (is_figure(percent)) {
        score.limited = 1;
        score.max_percent = percent;
        score.log_percent_sum = log(percent);
    }
    return score;
}

/* The smaller one, where 0 stands for "none". */
static double lesser(double left, double right) {
    if (left == 0.0 || right == 0.0)
        return left == 0.0 ? right : left;
    return left < right ? left : right;
}

static double greater(double left, double right) {
    return left > right ? left : right;
}

void tm_score_add(tm_score *score, const tm_score *more) {
    score->cells += more->cells;
    for (size_t i = 0; i < TM_STATUS_COUNT; i++)
        score->by_status[i] += more->by_status[i];
    score->not_run += more->not_run;
    score->broken += more->broken;
    score->waiting += more->waiting;
    score->timed += more->timed;
    score->min_latency_ms = lesser(score->min_latency_ms, more->min_latency_ms);
    score->max_latency_ms = greater(score->max_latency_ms, more->max_latency_ms);
    score->log_latency_sum += more->log_latency_sum;
    score->compared += more->compared;
    score->min_speedup = lesser(score->min_speedup, more->min_speedup);
    score->max_speedup = greater(score->max_speedup, more->max_speedup);
    score->log_speedup_sum += more->log_speedup_sum;
    score->speedup_sum += more->speedup_sum;
    score->limited += more->limited;
    score->max_percent = greater(score->max_percent, more->max_percent);
    score->log_percent_sum += more->log_percent_sum;
    for (size_t i = 0; i < TM_DOUBT_COUNT; i++)
        score->doubts[i] += more->doubts[i];
    score->crowded += more->crowded;
    score->judging_ms += more->judging_ms;
    score->protocol_ms += more->protocol_ms;
}

tm_score tm_score_cells(const tm_model_cell *cells, size_t count) {
    tm_score score = {0};
    for (size_t i = 0; i < count; i++) {
        tm_score one = score_cell(&cells[i]);
        tm_score_add(&score, &one);
    }
    return score;
}

size_t tm_score_failed(const tm_score *score) {
    size_t good = score->by_status[TM_STATUS_PASSED] + score->by_status[TM_STATUS_VOID];
    return score->cells - good - score->not_run - score->broken;
}

bool tm_score_complete(const tm_score *score) {
    size_t passed = score->by_status[TM_STATUS_PASSED];
    return passed > 0 && passed + score->by_status[TM_STATUS_VOID] == score->cells;
}

double tm_score_latency_ms(const tm_score *score) {
    return score->timed == 0 ? 0.0 : exp(score->log_latency_sum / (double)score->timed);
}

double tm_score_speedup(const tm_score *score) {
    return score->compared == 0 ? 0.0 : exp(score->log_speedup_sum / (double)score->compared);
}

double tm_score_mean_percent(const tm_score *score) {
    return score->limited == 0 ? 0.0 : exp(score->log_percent_sum / (double)score->limited);
}

double tm_score_mean_speedup(const tm_score *score) {
    return score->compared == 0 ? 0.0 : score->speedup_sum / (double)score->compared;
}

static bool is_better(const tm_score *score, const tm_score *best) {
    bool compared = score->compared == score->timed;
    if (compared != (best->compared == best->timed))
        return compared;
    if (compared)
        return tm_score_speedup(score) > tm_score_speedup(best);
    return tm_score_latency_ms(score) < tm_score_latency_ms(best);
}

int tm_score_best(const tm_model_solution *solutions, size_t count) {
    int best = -1;
    for (size_t i = 0; i < count; i++) {
        const tm_score *score = &solutions[i].score;
        bool timed = score->timed > 0 && score->timed == score->by_status[TM_STATUS_PASSED];
        if (timed && tm_score_complete(score) &&
            (best < 0 || is_better(score, &solutions[best].score)))
            best = (int)i;
    }
    return best;
}

static bool qualifies(const tm_trace *trace) {
    return trace->status == TM_STATUS_PASSED && trace->has_correctness && trace->has_performance &&
           trace->max_absolute_error <= TM_SCORE_MAX_ERROR &&
           trace->max_relative_error <= TM_SCORE_MAX_ERROR;
}

tm_model_best_trace tm_score_best_flashinfer(const tm_model_definition *definition) {
    tm_model_best_trace best = {0};
    double best_speedup = 0.0;
    for (size_t i = 0; i < definition->solution_count; i++)
        for (size_t j = 0; j < definition->workload_count; j++) {
            const tm_model_cell *cell = &definition->solutions[i].cells[j];
            for (size_t k = 0; cell->state == TM_MODEL_RAN && k <= cell->repeat_count; k++) {
                const tm_trace *trace = k == 0 ? &cell->trace : &cell->repeats[k - 1];
                if (!qualifies(trace) || !(trace->speedup_factor > best_speedup))
                    continue;
                best_speedup = trace->speedup_factor;
                best = (tm_model_best_trace){&definition->solutions[i], j, trace};
            }
        }
    return best;
}

void tm_score_settle(tm_model_definition *definition) {
    int best = tm_score_best(definition->solutions, definition->solution_count);
    definition->best = best >= 0 ? &definition->solutions[best] : NULL;
    definition->best_flashinfer = tm_score_best_flashinfer(definition);
}
