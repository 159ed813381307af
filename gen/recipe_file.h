/* recipe_file: a recipe as the JSON file that lies between the plan and tm-blobs (docs/FORMATS.md).
 * It holds exactly what can change the made tensors. Deliberately does not know rules. */
#ifndef TM_RECIPE_FILE_H
#define TM_RECIPE_FILE_H

#include "gen/recipe.h"
#include "lib/workload.h"

/* The recipe of a row: every tensor of its blobs is to be made. */
tm_recipe *tm_recipe_of_row(tm_arena *arena, const tm_workload *workload,
                            tm_recipe_options options);
/* The file's text. Caller frees. */
char *tm_recipe_print(const tm_recipe *recipe);
/* NULL after appending an error. */
tm_recipe *tm_recipe_read(tm_node_reader *reader, const tm_node *root);

#endif
