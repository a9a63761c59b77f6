#ifndef LOCKSTEP_CMPI_PERSISTENT_COLLECTIVES_H
#define LOCKSTEP_CMPI_PERSISTENT_COLLECTIVES_H

#include "handles.h"

// Persistent collectives came with MPI 4. Open MPI 5.0 calls itself 3.1 and has them all the same. In MPICH
// (seen in 5.0.2) MPI_Testall reports an error of them where no status has one, so that they cannot be told
// from those that failed.
#if (MPI_VERSION >= 4 && !defined(MPICH_VERSION)) || \
    (defined(OMPI_MAJOR_VERSION) && OMPI_MAJOR_VERSION >= 5)
#define LOCKSTEP_MPI_PERSISTENT_COLLECTIVES 1
#define LOCKSTEP_MPI_IF_PERSISTENT(call) return call
#else
#define LOCKSTEP_MPI_PERSISTENT_COLLECTIVES 0
#define LOCKSTEP_MPI_IF_PERSISTENT(call) return MPI_ERR_OTHER
#endif

static inline int lockstep_mpi_has_persistent_collectives(void) {
  return LOCKSTEP_MPI_PERSISTENT_COLLECTIVES;
}
static inline int lockstep_mpi_barrier_init(lockstep_mpi_comm c, lockstep_mpi_request *q) {
  LOCKSTEP_MPI_IF_PERSISTENT(MPI_Barrier_init(c.handle, MPI_INFO_NULL, &q->handle));
}
static inline int lockstep_mpi_bcast_init(
    void *b, int n, lockstep_mpi_datatype t, int root, lockstep_mpi_comm c,
    lockstep_mpi_request *q) {
  LOCKSTEP_MPI_IF_PERSISTENT(
      MPI_Bcast_init(b, n, t.handle, root, c.handle, MPI_INFO_NULL, &q->handle));
}
static inline int lockstep_mpi_allreduce_init(
    const void *s, void *r, int n, lockstep_mpi_datatype t, lockstep_mpi_op op, lockstep_mpi_comm c,
    lockstep_mpi_request *q) {
  LOCKSTEP_MPI_IF_PERSISTENT(
      MPI_Allreduce_init(s, r, n, t.handle, op.handle, c.handle, MPI_INFO_NULL, &q->handle));
}
static inline int lockstep_mpi_allgather_init(
    const void *s, int sn, lockstep_mpi_datatype st, void *r, int rn, lockstep_mpi_datatype rt,
    lockstep_mpi_comm c, lockstep_mpi_request *q) {
  LOCKSTEP_MPI_IF_PERSISTENT(MPI_Allgather_init(
      s, sn, st.handle, r, rn, rt.handle, c.handle, MPI_INFO_NULL, &q->handle));
}
static inline int lockstep_mpi_alltoall_init(
    const void *s, int sn, lockstep_mpi_datatype st, void *r, int rn, lockstep_mpi_datatype rt,
    lockstep_mpi_comm c, lockstep_mpi_request *q) {
  LOCKSTEP_MPI_IF_PERSISTENT(MPI_Alltoall_init(
      s, sn, st.handle, r, rn, rt.handle, c.handle, MPI_INFO_NULL, &q->handle));
}

#undef LOCKSTEP_MPI_IF_PERSISTENT

#endif
