/* A copy. */
#define WRONG 0
#include "../lowbit.h"
