#ifndef LOCKSTEP_CMPI_COLLECTIVES_H
#define LOCKSTEP_CMPI_COLLECTIVES_H

#include "handles.h"

static inline int lockstep_mpi_barrier(lockstep_mpi_comm c) {
  return MPI_Barrier(c.handle);
}
static inline int lockstep_mpi_bcast(
    void *b, int n, lockstep_mpi_datatype t, int root, lockstep_mpi_comm c) {
  return MPI_Bcast(b, n, t.handle, root, c.handle);
}
static inline int lockstep_mpi_reduce(
    const void *s, void *r, int n, lockstep_mpi_datatype t, lockstep_mpi_op op, int root,
    lockstep_mpi_comm c) {
  return MPI_Reduce(s, r, n, t.handle, op.handle, root, c.handle);
}
static inline int lockstep_mpi_reduce_local(
    const void *left, void *right, int n, lockstep_mpi_datatype t, lockstep_mpi_op op) {
  return MPI_Reduce_local(left, right, n, t.handle, op.handle);
}
static inline int lockstep_mpi_allreduce(
    const void *s, void *r, int n, lockstep_mpi_datatype t, lockstep_mpi_op op,
    lockstep_mpi_comm c) {
  return MPI_Allreduce(s, r, n, t.handle, op.handle, c.handle);
}
static inline int lockstep_mpi_reduce_scatter_block(
    const void *s, void *r, int n, lockstep_mpi_datatype t, lockstep_mpi_op op,
    lockstep_mpi_comm c) {
  return MPI_Reduce_scatter_block(s, r, n, t.handle, op.handle, c.handle);
}
static inline int lockstep_mpi_reduce_scatter(
    const void *s, void *r, const int *n, lockstep_mpi_datatype t, lockstep_mpi_op op,
    lockstep_mpi_comm c) {
  return MPI_Reduce_scatter(s, r, n, t.handle, op.handle, c.handle);
}
static inline int lockstep_mpi_scan(
    const void *s, void *r, int n, lockstep_mpi_datatype t, lockstep_mpi_op op,
    lockstep_mpi_comm c) {
  return MPI_Scan(s, r, n, t.handle, op.handle, c.handle);
}
static inline int lockstep_mpi_exscan(
    const void *s, void *r, int n, lockstep_mpi_datatype t, lockstep_mpi_op op,
    lockstep_mpi_comm c) {
  return MPI_Exscan(s, r, n, t.handle, op.handle, c.handle);
}
static inline int lockstep_mpi_gather(
    const void *s, int sn, lockstep_mpi_datatype st, void *r, int rn, lockstep_mpi_datatype rt,
    int root, lockstep_mpi_comm c) {
  return MPI_Gather(s, sn, st.handle, r, rn, rt.handle, root, c.handle);
}
static inline int lockstep_mpi_gatherv(
    const void *s, int sn, lockstep_mpi_datatype st, void *r, const int *rn, const int *rd,
    lockstep_mpi_datatype rt, int root, lockstep_mpi_comm c) {
  return MPI_Gatherv(s, sn, st.handle, r, rn, rd, rt.handle, root, c.handle);
}
static inline int lockstep_mpi_scatter(
    const void *s, int sn, lockstep_mpi_datatype st, void *r, int rn, lockstep_mpi_datatype rt,
    int root, lockstep_mpi_comm c) {
  return MPI_Scatter(s, sn, st.handle, r, rn, rt.handle, root, c.handle);
}
static inline int lockstep_mpi_scatterv(
    const void *s, const int *sn, const int *sd, lockstep_mpi_datatype st, void *r, int rn,
    lockstep_mpi_datatype rt, int root, lockstep_mpi_comm c) {
  return MPI_Scatterv(s, sn, sd, st.handle, r, rn, rt.handle, root, c.handle);
}
static inline int lockstep_mpi_allgather(
    const void *s, int sn, lockstep_mpi_datatype st, void *r, int rn, lockstep_mpi_datatype rt,
    lockstep_mpi_comm c) {
  return MPI_Allgather(s, sn, st.handle, r, rn, rt.handle, c.handle);
}
static inline int lockstep_mpi_allgatherv(
    const void *s, int sn, lockstep_mpi_datatype st, void *r, const int *rn, const int *rd,
    lockstep_mpi_datatype rt, lockstep_mpi_comm c) {
  return MPI_Allgatherv(s, sn, st.handle, r, rn, rd, rt.handle, c.handle);
}
static inline int lockstep_mpi_alltoall(
    const void *s, int sn, lockstep_mpi_datatype st, void *r, int rn, lockstep_mpi_datatype rt,
    lockstep_mpi_comm c) {
  return MPI_Alltoall(s, sn, st.handle, r, rn, rt.handle, c.handle);
}
static inline int lockstep_mpi_alltoallv(
    const void *s, const int *sn, const int *sd, lockstep_mpi_datatype st, void *r, const int *rn,
    const int *rd, lockstep_mpi_datatype rt, lockstep_mpi_comm c) {
  return MPI_Alltoallv(s, sn, sd, st.handle, r, rn, rd, rt.handle, c.handle);
}

#endif
