#!/bin/bash
# A study on a SLURM cluster: sbatch slurm.sh STUDY OUT
# Stopped by the time limit, it goes on where it was when it is submitted again.
#SBATCH --job-name=diffbio
#SBATCH --ntasks=32
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=4G
#SBATCH --time=12:00:00
set -euo pipefail
study=$1 out=$2

# One thread for each worker; compiled programs in a folder that all nodes see, so that one compiles.
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
export DIFFBIO_CACHE=${DIFFBIO_CACHE:-$out/.cache}
# Several workers on one GPU share its memory.
export XLA_PYTHON_CLIENT_PREALLOCATE=false

mkdir -p "$out"
address=$out/.scheduler-$SLURM_JOB_ID.json
dask scheduler --scheduler-file "$address" --port 0 --dashboard-address :0 &
until [ -s "$address" ]; do sleep 1; done
# --nanny starts a worker again that dies; a node that is lost takes only its own.
srun --kill-on-bad-exit=0 dask worker --scheduler-file "$address" --nthreads 1 --nworkers 1 --nanny \
    --memory-limit 0 --local-directory "${TMPDIR:-/tmp}" &

scheduler=$(python -c 'import json, sys; print(json.load(open(sys.argv[1]))["address"])' "$address")
diffbio cohort fit "$study" -o "$out" --scheduler "$scheduler"
rm -f "$address"
kill %1 %2
