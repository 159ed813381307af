/* recipe_check: whether made tensors make sense, written down again and apart from the rules that
 * make them. */
#ifndef TM_RECIPE_CHECK_H
#define TM_RECIPE_CHECK_H

#include <stddef.h>

#include "gen/recipe.h"

/* Makes every tensor of the recipe that is `made` and checks it. NULL, or the first thing that is
 * wrong, in the recipe's arena. `bytes` grows by what was made. */
const char *recipe_check(const tm_recipe *recipe, size_t *bytes);

#endif
