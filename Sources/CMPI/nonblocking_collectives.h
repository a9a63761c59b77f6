#ifndef LOCKSTEP_CMPI_NONBLOCKING_COLLECTIVES_H
#define LOCKSTEP_CMPI_NONBLOCKING_COLLECTIVES_H

#include "handles.h"

static inline int lockstep_mpi_ibarrier(lockstep_mpi_comm c, lockstep_mpi_request *q) {
  return MPI_Ibarrier(c.handle, &q->handle);
}
static inline int lockstep_mpi_ibcast(
    void *b, int n, lockstep_mpi_datatype t, int root, lockstep_mpi_comm c,
    lockstep_mpi_request *q) {
  return MPI_Ibcast(b, n, t.handle, root, c.handle, &q->handle);
}
static inline int lockstep_mpi_ireduce(
    const void *s, void *r, int n, lockstep_mpi_datatype t, lockstep_mpi_op op, int root,
    lockstep_mpi_comm c, lockstep_mpi_request *q) {
  return MPI_Ireduce(s, r, n, t.handle, op.handle, root, c.handle, &q->handle);
}
static inline int lockstep_mpi_iallreduce(
    const void *s, void *r, int n, lockstep_mpi_datatype t, lockstep_mpi_op op, lockstep_mpi_comm c,
    lockstep_mpi_request *q) {
  return MPI_Iallreduce(s, r, n, t.handle, op.handle, c.handle, &q->handle);
}
static inline int lockstep_mpi_ireduce_scatter_block(
    const void *s, void *r, int n, lockstep_mpi_datatype t, lockstep_mpi_op op, lockstep_mpi_comm c,
    lockstep_mpi_request *q) {
  return MPI_Ireduce_scatter_block(s, r, n, t.handle, op.handle, c.handle, &q->handle);
}
static inline int lockstep_mpi_ireduce_scatter(
    const void *s, void *r, const int *n, lockstep_mpi_datatype t, lockstep_mpi_op op,
    lockstep_mpi_comm c, lockstep_mpi_request *q) {
  return MPI_Ireduce_scatter(s, r, n, t.handle, op.handle, c.handle, &q->handle);
}
static inline int lockstep_mpi_iscan(
    const void *s, void *r, int n, lockstep_mpi_datatype t, lockstep_mpi_op op, lockstep_mpi_comm c,
    lockstep_mpi_request *q) {
  return MPI_Iscan(s, r, n, t.handle, op.handle, c.handle, &q->handle);
}
static inline int lockstep_mpi_iexscan(
    const void *s, void *r, int n, lockstep_mpi_datatype t, lockstep_mpi_op op, lockstep_mpi_comm c,
    lockstep_mpi_request *q) {
  return MPI_Iexscan(s, r, n, t.handle, op.handle, c.handle, &q->handle);
}
static inline int lockstep_mpi_igather(
    const void *s, int sn, lockstep_mpi_datatype st, void *r, int rn, lockstep_mpi_datatype rt,
    int root, lockstep_mpi_comm c, lockstep_mpi_request *q) {
  return MPI_Igather(s, sn, st.handle, r, rn, rt.handle, root, c.handle, &q->handle);
}
static inline int lockstep_mpi_igatherv(
    const void *s, int sn, lockstep_mpi_datatype st, void *r, const int *rn, const int *rd,
    lockstep_mpi_datatype rt, int root, lockstep_mpi_comm c, lockstep_mpi_request *q) {
  return MPI_Igatherv(s, sn, st.handle, r, rn, rd, rt.handle, root, c.handle, &q->handle);
}
static inline int lockstep_mpi_iscatter(
    const void *s, int sn, lockstep_mpi_datatype st, void *r, int rn, lockstep_mpi_datatype rt,
    int root, lockstep_mpi_comm c, lockstep_mpi_request *q) {
  return MPI_Iscatter(s, sn, st.handle, r, rn, rt.handle, root, c.handle, &q->handle);
}
static inline int lockstep_mpi_iscatterv(
    const void *s, const int *sn, const int *sd, lockstep_mpi_datatype st, void *r, int rn,
    lockstep_mpi_datatype rt, int root, lockstep_mpi_comm c, lockstep_mpi_request *q) {
  return MPI_Iscatterv(s, sn, sd, st.handle, r, rn, rt.handle, root, c.handle, &q->handle);
}
static inline int lockstep_mpi_iallgather(
    const void *s, int sn, lockstep_mpi_datatype st, void *r, int rn, lockstep_mpi_datatype rt,
    lockstep_mpi_comm c, lockstep_mpi_request *q) {
  return MPI_Iallgather(s, sn, st.handle, r, rn, rt.handle, c.handle, &q->handle);
}
static inline int lockstep_mpi_iallgatherv(
    const void *s, int sn, lockstep_mpi_datatype st, void *r, const int *rn, const int *rd,
    lockstep_mpi_datatype rt, lockstep_mpi_comm c, lockstep_mpi_request *q) {
  return MPI_Iallgatherv(s, sn, st.handle, r, rn, rd, rt.handle, c.handle, &q->handle);
}
static inline int lockstep_mpi_ialltoall(
    const void *s, int sn, lockstep_mpi_datatype st, void *r, int rn, lockstep_mpi_datatype rt,
    lockstep_mpi_comm c, lockstep_mpi_request *q) {
  return MPI_Ialltoall(s, sn, st.handle, r, rn, rt.handle, c.handle, &q->handle);
}
static inline int lockstep_mpi_ialltoallv(
    const void *s, const int *sn, const int *sd, lockstep_mpi_datatype st, void *r, const int *rn,
    const int *rd, lockstep_mpi_datatype rt, lockstep_mpi_comm c, lockstep_mpi_request *q) {
  return MPI_Ialltoallv(s, sn, sd, st.handle, r, rn, rd, rt.handle, c.handle, &q->handle);
}

#endif
