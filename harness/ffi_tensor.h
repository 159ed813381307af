/* ffi_tensor: tensors of a job as tvm-ffi objects, and what a solution returns held against a job.
 *
 * Deliberately does not know devices' functions: contents are copied elsewhere. */
#ifndef TM_FFI_TENSOR_H
#define TM_FFI_TENSOR_H

#include "harness/job.h"
#include "lib/tvm_ffi.h"

/* Releases what a value owns, and makes it none. */
void tm_ffi_any_clear(tm_ffi_any *value);

/* An object around the data of a tensor, which it borrows; its caller is the first owner. NULL when
 * the dtype cannot be passed so: four bits, of which an odd number stand in the last axis. */
tm_ffi_tensor *tm_ffi_tensor_make(const tm_job_tensor *tensor, void *data, tm_dl_device device);

/* Bytes of a dense tensor; false on overflow or a negative extent. */
bool tm_ffi_tensor_bytes(const tm_dl_tensor *tensor, size_t *bytes);

/* Whether a returned tensor is what the output should be: its shape, its dtype, its device, and
 * that it is dense. False after filling the reply. */
bool tm_ffi_tensor_fits(const tm_dl_tensor *got, const tm_job_tensor *output, tm_dl_device device,
                        tm_reply *reply);

#endif
