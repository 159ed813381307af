/* Softmax without subtracting the largest logit. */
#include "../sparse.h"
