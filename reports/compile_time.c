#include "reports/compile_time.h"

#include <stdlib.h>
#include <string.h>

#include "reports/figure.h"

static int compare_objects(const void *left_pointer, const void *right_pointer) {
    const tm_model_solution *left = *(const tm_model_solution *const *)left_pointer;
    const tm_model_solution *right = *(const tm_model_solution *const *)right_pointer;
    int order = strcmp(left->language, right->language);
    if (order == 0)
        order = strcmp(left->binding, right->binding);
    if (order == 0)
        order = (left->compile_ms > right->compile_ms) - (left->compile_ms < right->compile_ms);
    return order != 0 ? order : strcmp(left->compiled, right->compiled);
}

/* The solutions whose compile was timed, one of each object, in groups from short to long. */
static size_t list_objects(tm_arena *arena, const tm_model *model, const tm_model_solution ***out) {
    size_t most = 0, count = 0, kept = 0;
    for (size_t i = 0; i < model->definition_count; i++)
        most += model->definitions[i].solution_count;
    const tm_model_solution **objects = tm_arena_array(arena, most, sizeof(*objects));
    for (size_t i = 0; i < model->definition_count; i++)
        for (size_t j = 0; j < model->definitions[i].solution_count; j++) {
            const tm_model_solution *one = &model->definitions[i].solutions[j];
            if (one->compile_ms > 0.0 && one->binding != NULL)
                objects[count++] = one;
        }
    if (count > 0)
        qsort(objects, count, sizeof(*objects), compare_objects);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || strcmp(objects[kept - 1]->compiled, objects[i]->compiled) != 0)
            objects[kept++] = objects[i];
    *out = objects;
    return kept;
}

static bool is_alike(const tm_model_solution *left, const tm_model_solution *right) {
    return strcmp(left->language, right->language) == 0 &&
           strcmp(left->binding, right->binding) == 0;
}

void tm_compile_time_add(tm_arena *arena, tm_text *text, const tm_model *model) {
    const tm_model_solution **objects;
    size_t count = list_objects(arena, model, &objects);
    if (count == 0)
        return;
    tm_text_add(text,
                "\n## Compile time\n\n| language | binding | shared objects | shortest | median "
                "| longest | sum |\n|---|---|--:|--:|--:|--:|--:|\n");
    for (size_t begin = 0, end; begin < count; begin = end) {
        double sum = 0.0;
        for (end = begin; end < count && is_alike(objects[begin], objects[end]); end++)
            sum += objects[end]->compile_ms;
        tm_text_format(text, "| %s | %s | %zu | %s | %s | %s | %s |\n", objects[begin]->language,
                       objects[begin]->binding, end - begin,
                       tm_figure_latency(arena, objects[begin]->compile_ms),
                       tm_figure_latency(arena, objects[begin + (end - begin) / 2]->compile_ms),
                       tm_figure_latency(arena, objects[end - 1]->compile_ms),
                       tm_figure_latency(arena, sum));
    }
}
