#ifndef LOCKSTEP_CMPI_WINDOW_H
#define LOCKSTEP_CMPI_WINDOW_H

#include "handles.h"

// A window whose segments each start on a page of their own, so that each rank's first touch
// places its pages.
static inline int lockstep_mpi_win_allocate_shared(
    int64_t bytes, lockstep_mpi_comm c, void **base, lockstep_mpi_win *win) {
  MPI_Info info;
  int code = MPI_Info_create(&info);
  if (code != MPI_SUCCESS) return code;
  code = MPI_Info_set(info, "alloc_shared_noncontig", "true");
  if (code == MPI_SUCCESS)
    code = MPI_Win_allocate_shared((MPI_Aint)bytes, 1, info, c.handle, base, &win->handle);
  MPI_Info_free(&info);
  return code;
}
static inline int lockstep_mpi_win_return_errors(lockstep_mpi_win w) {
  return MPI_Win_set_errhandler(w.handle, MPI_ERRORS_RETURN);
}
static inline int lockstep_mpi_win_shared_query(
    lockstep_mpi_win w, int rank, int64_t *bytes, void **base) {
  MPI_Aint size = 0;
  int unit = 0;
  int code = MPI_Win_shared_query(w.handle, rank, &size, &unit, base);
  *bytes = (int64_t)size;
  return code;
}
static inline int lockstep_mpi_win_lock_all(lockstep_mpi_win w) {
  return MPI_Win_lock_all(MPI_MODE_NOCHECK, w.handle);
}
static inline int lockstep_mpi_win_unlock_all(lockstep_mpi_win w) {
  return MPI_Win_unlock_all(w.handle);
}
static inline int lockstep_mpi_win_sync(lockstep_mpi_win w) { return MPI_Win_sync(w.handle); }
static inline int lockstep_mpi_win_free(lockstep_mpi_win *w) { return MPI_Win_free(&w->handle); }

#endif
