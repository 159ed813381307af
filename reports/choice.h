/* choice: the cells that somebody means by a few words.
 *
 * Words are parts of what names a cell anywhere: its lines in `ninja bench`, the path of its trace,
 * "definition/solution/uuid", "solution[batch_size=7/98773f58-...]", the first digits of a uuid, a
 * glob, "axis=value", a status. Deliberately does not ask for an order. */
#ifndef TM_REPORTS_CHOICE_H
#define TM_REPORTS_CHOICE_H

#include <stddef.h>

#include "lib/arena.h"
#include "reports/model.h"

typedef struct {
    const tm_model_definition *definition;
    const tm_model_solution *solution;
    size_t workload; /* index */
    const tm_model_cell *cell;
} tm_choice;

/* The cells that every word is about, in the order of the model; of those only the ones that have
 * most words in full: "vec" means the solution vec, although there is vec_fast. In the arena. */
const tm_choice *tm_choice_find(tm_arena *arena, const tm_model *model, const char *text,
                                size_t *count);
/* The name of a definition, solution or workload that is nearly a word of the text, or NULL. */
const char *tm_choice_nearest(tm_arena *arena, const tm_model *model, const char *text);

#endif
