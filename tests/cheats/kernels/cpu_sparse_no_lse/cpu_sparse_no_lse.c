/* Leaves the log-sum-exp out. */
#define NO_LSE
#include "../sparse.h"
