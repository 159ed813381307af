#include <math.h>

#define PLAIN_EDITION 500
