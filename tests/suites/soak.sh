#!/bin/sh
# soak.sh: a hundred cells with every tenth one crashing, hanging or corrupting memory, on the CPU;
# tests/proofs/soak.sh does a thousand.
set -u
exec sh "$(dirname "$0")/../proofs/soak.sh" --arch=cpu --solutions=2 --rows=50
