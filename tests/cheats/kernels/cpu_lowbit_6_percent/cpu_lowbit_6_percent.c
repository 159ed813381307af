/* Six elements of a hundred are wrong. */
#define WRONG 6
#include "../lowbit.h"
