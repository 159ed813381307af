/* Pins its inputs in the L2, so that they survive the flush. */
#include "contract.h"

#include "../cheats.cuh"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    static bool pinned;
    if (!pinned) {
        pinned = true;
        cudaDeviceSetLimit(cudaLimitPersistingL2CacheSize, CHEATS_BYTES);
        cudaStreamAttrValue value = {};
        value.accessPolicyWindow.base_ptr = (void *)hidden_states;
        value.accessPolicyWindow.num_bytes = CHEATS_BYTES;
        value.accessPolicyWindow.hitRatio = 1;
        value.accessPolicyWindow.hitProp = cudaAccessPropertyPersisting;
        value.accessPolicyWindow.missProp = cudaAccessPropertyStreaming;
        cudaStreamSetAttribute(stream, cudaStreamAttributeAccessPolicyWindow, &value);
    }
    return CHEATS_NORM();
}
