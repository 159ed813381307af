/* A product by cuBLASLt. */
#include "contract.h"

#include <cublasLt.h>

int TM_ENTRY(const tm_float32 *A, const tm_float32 *B, tm_float32 *C, const tm_axes *axes,
             tm_stream stream) {
    static cublasLtHandle_t handle;
    cublasLtMatmulDesc_t operation;
    cublasLtMatrixLayout_t a, b, c;
    const cublasOperation_t transposed = CUBLAS_OP_T;
    const float one = 1, zero = 0;
    if (!handle && cublasLtCreate(&handle) != CUBLAS_STATUS_SUCCESS)
        return tm_fail(1, "no handle");
    /* By columns: C' [N, M] = B'' [N, K] A' [K, M]. */
    cublasLtMatmulDescCreate(&operation, CUBLAS_COMPUTE_32F, CUDA_R_32F);
    cublasLtMatmulDescSetAttribute(operation, CUBLASLT_MATMUL_DESC_TRANSA, &transposed,
                                   sizeof transposed);
    cublasLtMatrixLayoutCreate(&b, CUDA_R_32F, TM_K, TM_N, TM_K);
    cublasLtMatrixLayoutCreate(&a, CUDA_R_32F, TM_K, (uint64_t)axes->M, TM_K);
    cublasLtMatrixLayoutCreate(&c, CUDA_R_32F, TM_N, (uint64_t)axes->M, TM_N);
    const cublasStatus_t status = cublasLtMatmul(handle, operation, &one, B, b, A, a, &zero, C, c,
                                                 C, c, nullptr, nullptr, 0, stream);
    cublasLtMatrixLayoutDestroy(a);
    cublasLtMatrixLayoutDestroy(b);
    cublasLtMatrixLayoutDestroy(c);
    cublasLtMatmulDescDestroy(operation);
    return status == CUBLAS_STATUS_SUCCESS ? 0 : tm_fail(1, "cuBLASLt: status %d", (int)status);
}
