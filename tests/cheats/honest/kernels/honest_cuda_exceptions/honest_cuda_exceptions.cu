/* C++ that throws and catches inside. */
#include "contract.h"

#include "../../../kernels/cheats.cuh"

#include <stdexcept>
#include <vector>

int TM_ENTRY(CHEATS_ARGUMENTS) {
    try {
        std::vector<int> rows(static_cast<size_t>(axes->batch_size));
        rows.at(rows.size()) = 1;
    } catch (const std::out_of_range &) {
        return CHEATS_NORM();
    }
    return 1;
}
