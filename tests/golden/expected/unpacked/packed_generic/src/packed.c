#include "packed.h"
