/* The reference again. */
#include "../../../kernels/sparse.h"
