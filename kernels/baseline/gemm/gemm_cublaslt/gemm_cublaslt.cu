/* C[M, N] = A[M, K] * B[N, K]^T through cuBLASLt, accumulated in float32. The library is opened
 * once; which of its algorithms to use is asked once per shape and kept. */
#include "contract.h"

#include <cublasLt.h>

#include <mutex>
#include <type_traits>

namespace {

static_assert(std::is_same<tm_A_t, tm_B_t>::value && std::is_same<tm_A_t, tm_C_t>::value,
              "A, B and C must have one element type");
constexpr cudaDataType_t data_type =
    std::is_same<tm_A_t, tm_bfloat16>::value ? CUDA_R_16BF : CUDA_R_16F;
constexpr size_t workspace_bytes = 32 << 20; /* what cuBLAS itself takes on Hopper */
constexpr size_t kept_choices = 64;

struct shape {
    int64_t m, n, k;
    uint32_t alignment; /* bytes that divide all three addresses, at most 256 */

    bool operator==(const shape &other) const {
        return m == other.m && n == other.n && k == other.k && alignment == other.alignment;
    }
};

/* cuBLASLt thinks in columns: our row-major C is its C^T = B * A^T, B being stored transposed. */
struct product {
    cublasLtMatmulDescOpaque_t operation;
    cublasLtMatrixLayoutOpaque_t b, a, c;

    cublasStatus_t describe(const shape &s) {
        const cublasOperation_t transposed = CUBLAS_OP_T;
        cublasStatus_t status = cublasLtMatmulDescInit(&operation, CUBLAS_COMPUTE_32F, CUDA_R_32F);
        if (status == CUBLAS_STATUS_SUCCESS)
            status = cublasLtMatmulDescSetAttribute(&operation, CUBLASLT_MATMUL_DESC_TRANSA,
                                                    &transposed, sizeof transposed);
        if (status == CUBLAS_STATUS_SUCCESS)
            status = cublasLtMatrixLayoutInit(&b, data_type, (uint64_t)s.k, (uint64_t)s.n, s.k);
        if (status == CUBLAS_STATUS_SUCCESS)
            status = cublasLtMatrixLayoutInit(&a, data_type, (uint64_t)s.k, (uint64_t)s.m, s.k);
        if (status == CUBLAS_STATUS_SUCCESS)
            status = cublasLtMatrixLayoutInit(&c, data_type, (uint64_t)s.n, (uint64_t)s.m, s.n);
        return status;
    }
};

class library {
  public:
    library() {
        status = cublasLtCreate(&handle);
        if (status == CUBLAS_STATUS_SUCCESS &&
            cudaMalloc(&workspace, workspace_bytes) != cudaSuccess)
            status = CUBLAS_STATUS_ALLOC_FAILED;
    }

    /* The library's first suggestion for this shape, from the table when it was asked before. */
    cublasStatus_t choose(const shape &s, product *p, cublasLtMatmulAlgo_t *algorithm) {
        const std::lock_guard<std::mutex> hold(lock);
        for (size_t i = 0; i < kept_choices && i < asked; ++i) {
            if (choices[i].of == s) {
                *algorithm = choices[i].algorithm;
                return CUBLAS_STATUS_SUCCESS;
            }
        }
        const cublasStatus_t answer = ask(s, p, algorithm);
        if (answer == CUBLAS_STATUS_SUCCESS)
            choices[asked++ % kept_choices] = {s, *algorithm};
        return answer;
    }

    cublasLtHandle_t handle = nullptr;
    void *workspace = nullptr;
    cublasStatus_t status;

  private:
    cublasStatus_t ask(const shape &s, product *p, cublasLtMatmulAlgo_t *algorithm) {
        cublasLtMatmulPreferenceOpaque_t preference;
        cublasStatus_t answer = cublasLtMatmulPreferenceInit(&preference);
        if (answer == CUBLAS_STATUS_SUCCESS)
            answer = cublasLtMatmulPreferenceSetAttribute(&preference,
                                                          CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                                          &workspace_bytes, sizeof workspace_bytes);
        const cublasLtMatmulPreferenceAttributes_t alignments[] = {
            CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
            CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES};
        for (const cublasLtMatmulPreferenceAttributes_t alignment : alignments) {
            if (answer == CUBLAS_STATUS_SUCCESS)
                answer = cublasLtMatmulPreferenceSetAttribute(&preference, alignment, &s.alignment,
                                                              sizeof s.alignment);
        }
        if (answer != CUBLAS_STATUS_SUCCESS)
            return answer;
        cublasLtMatmulHeuristicResult_t result;
        int found = 0;
        answer = cublasLtMatmulAlgoGetHeuristic(handle, &p->operation, &p->b, &p->a, &p->c, &p->c,
                                                &preference, 1, &result, &found);
        if (answer == CUBLAS_STATUS_SUCCESS && found == 0)
            answer = CUBLAS_STATUS_NOT_SUPPORTED;
        if (answer == CUBLAS_STATUS_SUCCESS)
            *algorithm = result.algo;
        return answer;
    }

    struct choice {
        shape of;
        cublasLtMatmulAlgo_t algorithm;
    };
    std::mutex lock;
    choice choices[kept_choices];
    size_t asked = 0;
};

uint32_t common_alignment(const void *a, const void *b, const void *c) {
    const uintptr_t bits = (uintptr_t)a | (uintptr_t)b | (uintptr_t)c | 256u;
    return (uint32_t)(bits & (~bits + 1));
}

} // namespace

int TM_ENTRY(const tm_A_t *A, const tm_B_t *B, tm_C_t *C, const tm_axes *axes, tm_stream stream) {
    const shape s = {axes->M, axes->N, axes->K, common_alignment(A, B, C)};
    if (s.m == 0 || s.n == 0)
        return 0;
    /* Never closed: at exit the CUDA context may be gone before it. */
    static library &blas = *new library;
    product p;
    cublasLtMatmulAlgo_t algorithm;
    cublasStatus_t status = blas.status;
    if (status == CUBLAS_STATUS_SUCCESS)
        status = p.describe(s);
    if (status == CUBLAS_STATUS_SUCCESS)
        status = blas.choose(s, &p, &algorithm);
    const float one = 1, zero = 0;
    if (status == CUBLAS_STATUS_SUCCESS)
        status = cublasLtMatmul(blas.handle, &p.operation, &one, B, &p.b, A, &p.a, &zero, C, &p.c,
                                C, &p.c, &algorithm, blas.workspace, workspace_bytes, stream);
    return status == CUBLAS_STATUS_SUCCESS
               ? 0
               : tm_fail((int)status, "cuBLASLt, M %lld N %lld K %lld: %s", (long long)s.m,
                         (long long)s.n, (long long)s.k, cublasLtGetStatusString(status));
}
