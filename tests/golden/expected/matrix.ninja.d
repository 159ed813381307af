build/matrix.ninja: \
  input/definitions \
  input/definitions/norm \
  input/definitions/norm/norm_h8.json \
  input/definitions/norm/scaled_norm_h64.json \
  input/workloads \
  input/workloads/norm \
  input/workloads/norm/norms.jsonl \
  input/kernels \
  input/kernels/reference \
  input/kernels/reference/norm/solution.json \
  input/kernels/someone \
  input/kernels/someone/family/solution.json \
  input/kernels/someone/packed/solution.json \
  input/kernels/someone/rows/solution.json \
  input/blob/weights\ of\ a\ layer.safetensors \
  input/blob
