/* COMPILE_ERROR: the file of the entry point does not define it. */
#include "contract.h"

TM_SOLUTION int another_function(void) {
    return 0;
}
