#include "reports/select.h"

/* Hoare's FIND. */
double tm_select_value(double *values, size_t count, size_t rank_wanted) {
    ptrdiff_t left = 0, right = (ptrdiff_t)count - 1, rank = (ptrdiff_t)rank_wanted;
    while (left < right) {
        double pivot = values[rank];
        ptrdiff_t low = left, high = right;
        while (low <= high) {
            while (values[low] < pivot)
                low++;
            while (values[high] > pivot)
                high--;
            if (low > high)
                break;
            double kept = values[low];
            values[low++] = values[high];
            values[high--] = kept;
        }
        if (high < rank)
            left = low;
        if (rank < low)
            right = high;
    }
    return values[rank];
}
