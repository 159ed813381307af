#include "harness/ceilings_cublaslt.h"

#include <stdio.h>

/* A toolkit may come without it. */
#if !__has_include(<cublasLt.h>)

tm_cublaslt *tm_cublaslt_open(char *error, size_t size) {
    snprintf(error, size, "the CUDA Toolkit that compiled this has no cublasLt.h");
    return NULL;
}

void tm_cublaslt_close(tm_cublaslt *lt) {
    (void)lt;
}

bool tm_cublaslt_prepare(tm_cublaslt *lt, tm_dtype dtype, int order, size_t workspace_bytes) {
    (void)lt, (void)dtype, (void)order, (void)workspace_bytes;
    return false;
}

bool tm_cublaslt_multiply(tm_cublaslt *lt, const void *a, const void *b, void *c, void *workspace,
                          void *stream) {
    (void)lt, (void)a, (void)b, (void)c, (void)workspace, (void)stream;
    return false;
}

#else

#include <cublasLt.h>
#include <dlfcn.h>
#include <stdlib.h>

struct tm_cublaslt {
    void *library;
    cublasLtHandle_t handle;
    /* What is prepared; NULL: nothing. */
    cublasLtMatmulDesc_t product;
    cublasLtMatrixLayout_t operand, result;
    cublasLtMatmulHeuristicResult_t chosen;
    size_t workspace_bytes;
    /* The library's functions, by the names that they have there. */
    __typeof__(&cublasLtCreate) create;
    __typeof__(&cublasLtDestroy) destroy;
    __typeof__(&cublasLtMatmulDescCreate) product_create;
    __typeof__(&cublasLtMatmulDescDestroy) product_destroy;
    __typeof__(&cublasLtMatmulDescSetAttribute) product_set;
    __typeof__(&cublasLtMatrixLayoutCreate) layout_create;
    __typeof__(&cublasLtMatrixLayoutDestroy) layout_destroy;
    __typeof__(&cublasLtMatmulPreferenceCreate) preference_create;
    __typeof__(&cublasLtMatmulPreferenceDestroy) preference_destroy;
    __typeof__(&cublasLtMatmulPreferenceSetAttribute) preference_set;
    __typeof__(&cublasLtMatmulAlgoGetHeuristic) get_heuristic;
    __typeof__(&cublasLtMatmul) multiply;
};

static bool find_functions(tm_cublaslt *lt) {
    const struct {
        const char *name;
        void **function;
    } wanted[] = {
        {"cublasLtCreate", (void **)&lt->create},
        {"cublasLtDestroy", (void **)&lt->destroy},
        {"cublasLtMatmulDescCreate", (void **)&lt->product_create},
        {"cublasLtMatmulDescDestroy", (void **)&lt->product_destroy},
        {"cublasLtMatmulDescSetAttribute", (void **)&lt->product_set},
        {"cublasLtMatrixLayoutCreate", (void **)&lt->layout_create},
        {"cublasLtMatrixLayoutDestroy", (void **)&lt->layout_destroy},
        {"cublasLtMatmulPreferenceCreate", (void **)&lt->preference_create},
        {"cublasLtMatmulPreferenceDestroy", (void **)&lt->preference_destroy},
        {"cublasLtMatmulPreferenceSetAttribute", (void **)&lt->preference_set},
        {"cublasLtMatmulAlgoGetHeuristic", (void **)&lt->get_heuristic},
        {"cublasLtMatmul", (void **)&lt->multiply},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!(*wanted[i].function = dlsym(lt->library, wanted[i].name)))
            return false;
    return true;
}

tm_cublaslt *tm_cublaslt_open(char *error, size_t size) {
    tm_cublaslt *lt = calloc(1, sizeof *lt);
    if (!lt)
        abort();
    /* Of the toolkit whose header this was compiled with: the structures are that one's. */
    char name[64];
    snprintf(name, sizeof name, "libcublasLt.so.%d", CUBLAS_VER_MAJOR);
    lt->library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!lt->library)
        snprintf(error, size, "%s", dlerror());
    else if (!find_functions(lt))
        snprintf(error, size, "%s: a function is missing", name);
    else if (lt->create(&lt->handle) != CUBLAS_STATUS_SUCCESS)
        snprintf(error, size, "%s: cublasLtCreate failed", name);
    else
        return lt;
    tm_cublaslt_close(lt);
    return NULL;
}

static void forget(tm_cublaslt *lt) {
    if (lt->product)
        (void)lt->product_destroy(lt->product);
    if (lt->operand)
        (void)lt->layout_destroy(lt->operand);
    if (lt->result)
        (void)lt->layout_destroy(lt->result);
    lt->product = NULL;
    lt->operand = lt->result = NULL;
}

void tm_cublaslt_close(tm_cublaslt *lt) {
    if (!lt)
        return;
    forget(lt);
    if (lt->handle)
        (void)lt->destroy(lt->handle);
    if (lt->library)
        (void)dlclose(lt->library);
    free(lt);
}

typedef struct {
    cudaDataType_t operand, result;
    cublasComputeType_t compute;
} product_types;

static bool find_types(tm_dtype dtype, product_types *types) {
    switch (dtype) {
    case TM_DTYPE_FLOAT32:
        *types = (product_types){CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32};
        return true;
    case TM_DTYPE_FLOAT16:
        *types = (product_types){CUDA_R_16F, CUDA_R_16F, CUBLAS_COMPUTE_32F};
        return true;
    case TM_DTYPE_BFLOAT16:
        *types = (product_types){CUDA_R_16BF, CUDA_R_16BF, CUBLAS_COMPUTE_32F};
        return true;
    case TM_DTYPE_FLOAT8_E4M3FN:
        *types = (product_types){CUDA_R_8F_E4M3, CUDA_R_16BF, CUBLAS_COMPUTE_32F};
        return true;
    default:
        return false;
    }
}

/* The library's choice among its kernels for what is described. */
static bool choose(tm_cublaslt *lt) {
    cublasLtMatmulPreference_t preference;
    if (lt->preference_create(&preference) != CUBLAS_STATUS_SUCCESS)
        return false;
    int count = 0;
    bool good =
        lt->preference_set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                           &lt->workspace_bytes,
                           sizeof lt->workspace_bytes) == CUBLAS_STATUS_SUCCESS &&
        lt->get_heuristic(lt->handle, lt->product, lt->operand, lt->operand, lt->result, lt->result,
                          preference, 1, &lt->chosen, &count) == CUBLAS_STATUS_SUCCESS &&
        count == 1 && lt->chosen.state == CUBLAS_STATUS_SUCCESS;
    (void)lt->preference_destroy(preference);
    return good;
}

bool tm_cublaslt_prepare(tm_cublaslt *lt, tm_dtype dtype, int order, size_t workspace_bytes) {
    product_types types;
    /* A is transposed: of 8-bit dtypes there is no other product before Blackwell. */
    const cublasOperation_t transpose = CUBLAS_OP_T;
    const int8_t fast = 1; /* 8-bit products that round their sums less often are slower */
    uint64_t n = (uint64_t)order;
    forget(lt);
    lt->workspace_bytes = workspace_bytes;
    return find_types(dtype, &types) &&
           lt->product_create(&lt->product, types.compute, CUDA_R_32F) == CUBLAS_STATUS_SUCCESS &&
           lt->product_set(lt->product, CUBLASLT_MATMUL_DESC_TRANSA, &transpose,
                           sizeof transpose) == CUBLAS_STATUS_SUCCESS &&
           (dtype != TM_DTYPE_FLOAT8_E4M3FN ||
            lt->product_set(lt->product, CUBLASLT_MATMUL_DESC_FAST_ACCUM, &fast, sizeof fast) ==
                CUBLAS_STATUS_SUCCESS) &&
           lt->layout_create(&lt->operand, types.operand, n, n, order) == CUBLAS_STATUS_SUCCESS &&
           lt->layout_create(&lt->result, types.result, n, n, order) == CUBLAS_STATUS_SUCCESS &&
           choose(lt);
}

bool tm_cublaslt_multiply(tm_cublaslt *lt, const void *a, const void *b, void *c, void *workspace,
                          void *stream) {
    const float one = 1, zero = 0;
    return lt->multiply(lt->handle, lt->product, &one, a, lt->operand, b, lt->operand, &zero, c,
                        lt->result, c, lt->result, &lt->chosen.algo, workspace, lt->workspace_bytes,
                        (cudaStream_t)stream) == CUBLAS_STATUS_SUCCESS;
}

#endif
