/* Four elements of a hundred are wrong, which few bits may be. */
#define WRONG 4
#include "../../../kernels/lowbit.h"
