#include "reports/choice.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/text.h"
#include "reports/figure.h"

#define BETWEEN " \t\n/,()[]"

typedef struct {
    const char **words;
    size_t count;
} word_list;

/* In a path every byte that is not plain is written as %XX. */
static const char *decode(tm_arena *arena, const char *word) {
    char *plain = tm_arena_copy(arena, word, strlen(word)), *to = plain;
    for (const char *at = plain; *at != '\0'; at++) {
        const char digits[] = {at[1], at[1] != '\0' ? at[2] : '\0', '\0'};
        bool is_code =
            *at == '%' && isxdigit((unsigned char)digits[0]) && isxdigit((unsigned char)digits[1]);
        *to++ = is_code ? (char)strtol(digits, NULL, 16) : *at;
        at += is_code ? 2 : 0;
    }
    *to = '\0';
    return plain;
}

static void cut_ending(char *text, const char *ending) {
    if (tm_text_ends_with(text, ending))
        text[strlen(text) - strlen(ending)] = '\0';
}

/* What stands behind the last folder "traces" of a path; NULL of what is none. */
static const char *behind_traces(const char *text) {
    static const char folder[] = "traces/";
    const char *behind = NULL;
    for (const char *at = text; (at = strstr(at, folder)) != NULL; at += strlen(folder))
        if (at == text || at[-1] == '/')
            behind = at + strlen(folder);
    return behind;
}

/* The names in "PASSED name [axis=value]: 1.47 us", a line of ninja bench: the verdict may be
 * another by now, and a reason may hold anything. NULL of another text. */
static const char *names_of_line(tm_arena *arena, const char *text) {
    size_t length = strcspn(text, " ");
    const char *end = strstr(text, ": ");
    for (int i = 0; i < TM_STATUS_COUNT && end != NULL; i++) {
        const char *status = tm_status_name((tm_status)i);
        if (strlen(status) == length && strncmp(status, text, length) == 0)
            return tm_arena_copy(arena, text + length, (size_t)(end - text) - length);
    }
    return NULL;
}

static word_list split(tm_arena *arena, const char *text) {
    const char *names = names_of_line(arena, text);
    const char *behind = names != NULL ? NULL : behind_traces(text);
    bool is_path = behind != NULL;
    char *rest = tm_arena_format(arena, "%s", is_path ? behind : names != NULL ? names : text);
    char *figures = strstr(rest, ": ");
    if (figures != NULL)
        *figures = '\0'; /* the rest of a line without its verdict */
    if (is_path) {
        cut_ending(rest, ".json");
        cut_ending(rest, ".log");
        cut_ending(rest, ".samples");
    }
    word_list list = {tm_arena_array(arena, strlen(rest) / 2 + 1, sizeof(*list.words)), 0};
    char *word, *kept = NULL;
    for (; (word = strtok_r(rest, BETWEEN, &kept)) != NULL; rest = NULL)
        if (strcmp(word, "CELL") != 0)
            list.words[list.count++] = is_path ? decode(arena, word) : word;
    return list;
}

/* "axis=value" of the workload. */
static bool is_axis(const tm_model_workload *workload, const char *word) {
    const char *equal = strchr(word, '=');
    const tm_node *axes = workload->axes_node;
    if (equal == NULL || axes == NULL)
        return false;
    for (const tm_node *axis = axes->child; axis != NULL; axis = axis->next) {
        char value[32] = "";
        if (axis->is_integer)
            snprintf(value, sizeof(value), "%" PRId64, axis->integer);
        if (strlen(axis->key) == (size_t)(equal - word) &&
            strncmp(axis->key, word, (size_t)(equal - word)) == 0)
            return strcmp(value, equal + 1) == 0;
    }
    return false;
}

static bool is_part(const char *name, const char *word, bool is_glob) {
    return is_glob ? tm_text_matches(word, name) : strstr(name, word) != NULL;
}

/* 0: the word is not about this cell; 1: a part of its names; 2: one of them in full. */
static int match_word(const tm_choice *choice, const char *word) {
    const tm_model_workload *workload = &choice->definition->workloads[choice->workload];
    const char *const names[] = {
        choice->definition->name, choice->solution->name,      workload->uuid,
        choice->solution->author, choice->definition->op_type, tm_figure_status_key(choice->cell)};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(names[i], word) == 0)
            return 2;
    if (is_axis(workload, word))
        return 2;
    bool is_glob = strpbrk(word, "*?") != NULL;
    if (is_part(choice->definition->name, word, is_glob) ||
        is_part(choice->solution->name, word, is_glob))
        return 1;
    return is_glob ? tm_text_matches(word, workload->uuid)
                   : strncmp(workload->uuid, word, strlen(word)) == 0;
}

/* Words in full; -1 when one of them is not about this cell. */
static int match(const tm_choice *choice, const word_list *list) {
    int full = 0;
    for (size_t i = 0; i < list->count; i++) {
        int how = match_word(choice, list->words[i]);
        if (how == 0)
            return -1;
        full += how == 2;
    }
    return full;
}

const tm_choice *tm_choice_find(tm_arena *arena, const tm_model *model, const char *text,
                                size_t *count) {
    word_list list = split(arena, text);
    tm_choice *found = NULL;
    size_t capacity = 0;
    int most = 0;
    *count = 0;
    for (size_t i = 0; i < model->definition_count; i++) {
        const tm_model_definition *definition = &model->definitions[i];
        for (size_t j = 0; j < definition->solution_count; j++)
            for (size_t k = 0; k < definition->workload_count; k++) {
                const tm_model_solution *solution = &definition->solutions[j];
                const tm_choice choice = {definition, solution, k, &solution->cells[k]};
                int full = match(&choice, &list);
                if (full < most)
                    continue;
                if (full > most)
                    *count = 0;
                most = full;
                found = tm_arena_grow(arena, found, *count, &capacity, sizeof(*found));
                found[(*count)++] = choice;
            }
    }
    return found;
}

const char *tm_choice_nearest(tm_arena *arena, const tm_model *model, const char *text) {
    size_t most = 0, count = 0;
    for (size_t i = 0; i < model->definition_count; i++)
        most += 1 + model->definitions[i].solution_count + model->definitions[i].workload_count;
    const char **names = tm_arena_array(arena, most, sizeof(*names));
    for (size_t i = 0; i < model->definition_count; i++) {
        const tm_model_definition *definition = &model->definitions[i];
        names[count++] = definition->name;
        for (size_t j = 0; j < definition->solution_count; j++)
            names[count++] = definition->solutions[j].name;
        for (size_t j = 0; j < definition->workload_count; j++)
            names[count++] = definition->workloads[j].uuid;
    }
    word_list list = split(arena, text);
    for (size_t i = 0; i < list.count; i++) {
        const char *nearest = tm_text_nearest(list.words[i], names, count);
        if (nearest != NULL && strcmp(nearest, list.words[i]) != 0)
            return nearest;
    }
    return NULL;
}
