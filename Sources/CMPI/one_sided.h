#ifndef LOCKSTEP_CMPI_ONE_SIDED_H
#define LOCKSTEP_CMPI_ONE_SIDED_H

#include "info.h"

static inline int lockstep_mpi_win_allocate(
    int64_t bytes, int unit, lockstep_mpi_info info, lockstep_mpi_comm c, void **base,
    lockstep_mpi_win *win) {
  return MPI_Win_allocate((MPI_Aint)bytes, unit, info.handle, c.handle, base, &win->handle);
}
// Fences come in pairs. Without the assertions each one would open an epoch, within which no lock may be
// taken.
static inline int lockstep_mpi_win_fence_open(lockstep_mpi_win w) {
  return MPI_Win_fence(MPI_MODE_NOPRECEDE, w.handle);
}
static inline int lockstep_mpi_win_fence_close(lockstep_mpi_win w) {
  return MPI_Win_fence(MPI_MODE_NOSUCCEED, w.handle);
}
static inline int lockstep_mpi_win_lock(lockstep_mpi_win w, int shared, int rank) {
  return MPI_Win_lock(shared ? MPI_LOCK_SHARED : MPI_LOCK_EXCLUSIVE, rank, 0, w.handle);
}
static inline int lockstep_mpi_win_unlock(lockstep_mpi_win w, int rank) {
  return MPI_Win_unlock(rank, w.handle);
}
static inline int lockstep_mpi_win_lock_every(lockstep_mpi_win w) {
  return MPI_Win_lock_all(0, w.handle);
}
static inline int lockstep_mpi_win_flush(lockstep_mpi_win w, int rank) {
  return MPI_Win_flush(rank, w.handle);
}
static inline int lockstep_mpi_win_flush_all(lockstep_mpi_win w) {
  return MPI_Win_flush_all(w.handle);
}
static inline int lockstep_mpi_put(
    const void *b, int n, lockstep_mpi_datatype t, int rank, int64_t at, lockstep_mpi_win w) {
  return MPI_Put(b, n, t.handle, rank, (MPI_Aint)at, n, t.handle, w.handle);
}
static inline int lockstep_mpi_get(
    void *b, int n, lockstep_mpi_datatype t, int rank, int64_t at, lockstep_mpi_win w) {
  return MPI_Get(b, n, t.handle, rank, (MPI_Aint)at, n, t.handle, w.handle);
}
static inline int lockstep_mpi_accumulate(
    const void *b, int n, lockstep_mpi_datatype t, int rank, int64_t at, lockstep_mpi_op op,
    lockstep_mpi_win w) {
  return MPI_Accumulate(b, n, t.handle, rank, (MPI_Aint)at, n, t.handle, op.handle, w.handle);
}
static inline int lockstep_mpi_fetch_and_op(
    const void *value, void *old, lockstep_mpi_datatype t, int rank, int64_t at,
    lockstep_mpi_op op, lockstep_mpi_win w) {
  return MPI_Fetch_and_op(value, old, t.handle, rank, (MPI_Aint)at, op.handle, w.handle);
}
static inline int lockstep_mpi_compare_and_swap(
    const void *value, const void *expected, void *old, lockstep_mpi_datatype t, int rank,
    int64_t at, lockstep_mpi_win w) {
  return MPI_Compare_and_swap(value, expected, old, t.handle, rank, (MPI_Aint)at, w.handle);
}

#endif
