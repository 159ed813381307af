#include "harness/routing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Scores that differ by less, of 1 or of what they are, an honest kernel may rank in another order:
 * rounded to bfloat16 two of them move by 2^-8 each. */
#define SLACK 1e-2
/* Sigmoids of logits above round to 1 sooner or later: their order is open. */
#define MOST_LOGIT 8
/* exp(-20) is 2e-9: what has such a weight may be left out. */
#define LIGHT_LOGIT (-20)

typedef struct {
    int64_t tokens, experts, top_k, groups, kept_groups;
    int64_t offset, here; /* experts [offset, offset + here) are on this device */
    const tm_table_tensor *logits, *bias;
    const void *logit_data, *bias_data; /* the bias: of DeepSeek's routing, else NULL */
    /* Of one token. */
    float *logit, *score, *running, *group; /* -INFINITY: not in the running */
    int64_t *best;
    bool *is_sure_group;
    /* Of all of them. */
    bool *is_used[2];
} choice;

static int64_t axis_value(const tm_table *table, const char *name) {
    for (size_t i = 0; i < table->axis_count; i++)
        if (strcmp(table->axes[i].name, name) == 0)
            return table->axes[i].value;
    return -1;
}

/* "_topk8_ng8_kg4_": of the groups the tensors say nothing, and not always how many are chosen. */
static bool read_name(const tm_table *table, int *top_k, int *groups, int *kept) {
    const char *at = table->definition ? strstr(table->definition, "_topk") : NULL;
    return at && sscanf(at, "_topk%d_ng%d_kg%d_", top_k, groups, kept) == 3;
}

int64_t tm_routing_top_k(const tm_table *table) {
    int64_t axis = axis_value(table, "top_k");
    int top_k, groups, kept;
    return axis >= 0 ? axis : read_name(table, &top_k, &groups, &kept) ? top_k : -1;
}

/* A blob of as many dimensions, or NULL. */
static const void *read_blob(tm_inputs *inputs, const char *name, int rank,
                             const tm_table_tensor **tensor) {
    *tensor = tm_inputs_tensor(inputs, name);
    bool good = *tensor && (*tensor)->fill == TM_FILL_BLOB && (*tensor)->rank == rank;
    return good ? tm_inputs_get(inputs, name) : NULL;
}

/* Experts whose weights are on this device; -1: not known. */
static int64_t experts_here(tm_inputs *inputs) {
    const tm_table_tensor *weights = tm_inputs_tensor(inputs, "gemm1_weights");
    return weights && weights->rank > 0 ? weights->shape[0] : -1;
}

/* The indices of the `most` largest of `count` scores, largest first; returns how many there are.
 */
static int64_t find_best(const float *scores, int64_t count, int64_t most, int64_t *best) {
    int64_t found = 0;
    for (int64_t i = 0; i < count; i++) {
        if (scores[i] == -INFINITY || (found == most && scores[i] <= scores[best[most - 1]]))
            continue;
        int64_t at = found < most ? found++ : most - 1;
        for (; at > 0 && scores[i] > scores[best[at - 1]]; at--)
            best[at] = best[at - 1];
        best[at] = i;
    }
    return found;
}

/* False when a score is not finite. */
static bool score_token(choice *x, int64_t token) {
    tm_dtype_read_floats(x->logits->dtype, x->logit_data, token * x->experts, x->experts, x->logit);
    if (x->bias_data)
        tm_dtype_read_floats(x->bias->dtype, x->bias_data, 0, x->experts, x->score);
    bool good = true;
    for (int64_t i = 0; i < x->experts; i++) {
        double sigmoid = 1 / (1 + exp(-(double)x->logit[i]));
        x->score[i] = x->bias_data ? (float)sigmoid + x->score[i] : x->logit[i];
        good = good && isfinite(x->logit[i]) && isfinite(x->score[i]);
    }
    return good;
}

static double slack_at(double score, bool surely) {
    return surely ? SLACK * fmax(1, fabs(score)) : 0;
}

/* Takes experts out of the running whose groups, by the sum of their two best, are not kept; or, to
 * see what is sure, are not nearly kept. */
static void keep_groups(choice *x, bool surely) {
    int64_t size = x->experts / x->groups, kept = x->kept_groups;
    for (int64_t g = 0; g < x->groups; g++) {
        const float *scores = x->score + g * size;
        find_best(scores, size, 2, x->best);
        x->group[g] = scores[x->best[0]] + scores[x->best[1]];
        x->is_sure_group[g] = false;
    }
    int64_t found = find_best(x->group, x->groups, kept + 1, x->best);
    double least = x->group[x->best[kept - 1]], slack = 2 * slack_at(least, surely);
    double next = found > kept ? x->group[x->best[kept]] : -INFINITY;
    for (int64_t i = 0; i < kept; i++)
        x->is_sure_group[x->best[i]] = x->group[x->best[i]] - next >= slack;
    for (int64_t g = 0; g < x->groups; g++) {
        bool is_near = surely && x->group[g] >= least - slack;
        for (int64_t i = g * size; i < (g + 1) * size && !x->is_sure_group[g] && !is_near; i++)
            x->running[i] = -INFINITY;
    }
}

static void choose(choice *x, bool surely, tm_routing_count *count) {
    float most = -INFINITY;
    for (int64_t i = 0; i < x->experts; i++) {
        bool is_cut = surely && !x->bias_data && x->score[i] > MOST_LOGIT;
        x->running[i] = is_cut ? MOST_LOGIT : x->score[i];
        most = fmaxf(most, x->logit[i]);
    }
    x->is_sure_group[0] = true;
    if (x->groups > 1)
        keep_groups(x, surely);
    int64_t found = find_best(x->running, x->experts, x->top_k + 1, x->best), before = count->pairs;
    double next = found > x->top_k ? x->running[x->best[x->top_k]] : -INFINITY;
    for (int64_t i = 0; i < x->top_k; i++) {
        int64_t expert = x->best[i], here = expert - x->offset;
        double score = x->running[expert], logit = x->logit[expert];
        bool is_light = logit < LIGHT_LOGIT || logit < (double)most + LIGHT_LOGIT;
        bool is_open = !x->is_sure_group[expert / (x->experts / x->groups)] ||
                       score - next < slack_at(score, surely);
        if (here < 0 || here >= x->here || (surely && (is_open || is_light)))
            continue;
        count->pairs++;
        count->experts += !x->is_used[surely][here];
        x->is_used[surely][here] = true;
    }
    count->tokens += count->pairs > before;
}

/* What the reference asks of a rule. */
static bool is_rule(const choice *x) {
    if (x->here < 1 || x->experts < 1 || x->groups < 1 || x->experts % x->groups != 0)
        return false;
    int64_t size = x->experts / x->groups;
    return x->kept_groups >= 1 && x->kept_groups <= x->groups && (x->groups == 1 || size >= 2) &&
           x->top_k >= 1 && x->top_k <= x->kept_groups * size;
}

static bool read_choice(const tm_table *table, tm_inputs *inputs, choice *x) {
    const tm_table_tensor *offset = tm_inputs_tensor(inputs, "local_expert_offset");
    int top_k = 0, groups = 1, kept = 1;
    x->logit_data = read_blob(inputs, "routing_logits", 2, &x->logits);
    if (!x->logit_data || !tm_dtype_is_float(x->logits->dtype))
        return false;
    x->tokens = x->logits->shape[0];
    x->experts = x->logits->shape[1];
    x->here = experts_here(inputs);
    x->top_k = tm_routing_top_k(table);
    if (offset) { /* Llama 4's routing has a bias that it does not read, and all experts here */
        x->bias_data = read_blob(inputs, "routing_bias", 1, &x->bias);
        if (offset->fill != TM_FILL_SCALAR || !x->bias_data || x->bias->shape[0] != x->experts ||
            !tm_dtype_is_float(x->bias->dtype) || !read_name(table, &top_k, &groups, &kept))
            return false;
        x->offset = offset->integer;
    }
    x->groups = groups;
    x->kept_groups = kept;
    return is_rule(x);
}

static bool route_logits(const tm_table *table, tm_inputs *inputs, tm_routing *out) {
    choice x = {0};
    if (!read_choice(table, inputs, &x))
        return false;
    size_t experts = (size_t)x.experts, here = (size_t)x.here;
    float *floats = malloc(4 * experts * sizeof *floats);
    bool *flags = calloc(experts + 2 * here, sizeof *flags);
    x.best = malloc((experts + 1) * sizeof *x.best);
    bool good = floats && flags && x.best;
    if (good) {
        x.logit = floats;
        x.score = floats + experts;
        x.running = floats + 2 * experts;
        x.group = floats + 3 * experts;
        x.is_sure_group = flags;
        x.is_used[0] = flags + experts;
        x.is_used[1] = flags + experts + here;
    }
    for (int64_t token = 0; good && token < x.tokens; token++) {
        good = score_token(&x, token);
        if (good) {
            choose(&x, false, &out->chosen);
            choose(&x, true, &out->sure);
        }
    }
    free(floats);
    free(flags);
    free(x.best);
    return good;
}

/* The expert in the upper half of a packed id; -1: none of these, or of no weight (a bfloat16, the
 * lower half). */
static int64_t unpack(int64_t packed, int64_t here) {
    uint32_t bits = (uint32_t)packed;
    int64_t expert = (int16_t)(uint16_t)(bits >> 16);
    return expert < here && (bits & 0x7fff) != 0 ? expert : -1;
}

/* An expert that a token has twice is multiplied once. */
static bool route_ids(tm_inputs *inputs, tm_routing_count *count) {
    const tm_table_tensor *tensor;
    const void *data = read_blob(inputs, "topk_ids", 2, &tensor);
    int64_t here = experts_here(inputs);
    if (!data || tensor->dtype != TM_DTYPE_INT32 || here < 1)
        return false;
    int64_t *last = calloc((size_t)here, sizeof *last); /* token that had it, and 1 */
    for (int64_t token = 0; last && token < tensor->shape[0]; token++) {
        int64_t before = count->pairs;
        for (int64_t slot = 0; slot < tensor->shape[1]; slot++) {
            int64_t packed;
            tm_dtype_read_ints(tensor->dtype, data, token * tensor->shape[1] + slot, 1, &packed);
            int64_t expert = unpack(packed, here);
            if (expert < 0 || last[expert] == token + 1)
                continue;
            count->experts += last[expert] == 0;
            count->pairs++;
            last[expert] = token + 1;
        }
        count->tokens += count->pairs > before;
    }
    bool good = last != NULL;
    free(last);
    return good;
}

bool tm_routing_of(const tm_table *table, tm_inputs *inputs, tm_routing *out) {
    *out = (tm_routing){0};
    if (!inputs)
        return false;
    if (!tm_inputs_tensor(inputs, "topk_ids"))
        return route_logits(table, inputs, out);
    bool good = route_ids(inputs, &out->chosen);
    out->sure = out->chosen;
    return good;
}
