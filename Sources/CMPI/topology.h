#ifndef LOCKSTEP_CMPI_TOPOLOGY_H
#define LOCKSTEP_CMPI_TOPOLOGY_H

#include "handles.h"

static inline int lockstep_mpi_proc_null(void) { return MPI_PROC_NULL; }

static inline int lockstep_mpi_dims_create(int ranks, int n, int *dimensions) {
  return MPI_Dims_create(ranks, n, dimensions);
}
static inline int lockstep_mpi_cart_create(
    lockstep_mpi_comm c, int n, const int *dimensions, const int *periods, int reorder,
    lockstep_mpi_comm *result) {
  return MPI_Cart_create(c.handle, n, dimensions, periods, reorder, &result->handle);
}
static inline int lockstep_mpi_cart_coords(
    lockstep_mpi_comm c, int rank, int n, int *coordinates) {
  return MPI_Cart_coords(c.handle, rank, n, coordinates);
}
static inline int lockstep_mpi_cart_rank(lockstep_mpi_comm c, const int *coordinates, int *rank) {
  return MPI_Cart_rank(c.handle, coordinates, rank);
}
static inline int lockstep_mpi_cart_shift(
    lockstep_mpi_comm c, int dimension, int distance, int *source, int *destination) {
  return MPI_Cart_shift(c.handle, dimension, distance, source, destination);
}
static inline int lockstep_mpi_cart_sub(
    lockstep_mpi_comm c, const int *remains, lockstep_mpi_comm *result) {
  return MPI_Cart_sub(c.handle, remains, &result->handle);
}

// Neighbourhood collectives

static inline int lockstep_mpi_neighbor_allgather(
    const void *s, int sn, lockstep_mpi_datatype st, void *r, int rn, lockstep_mpi_datatype rt,
    lockstep_mpi_comm c) {
  return MPI_Neighbor_allgather(s, sn, st.handle, r, rn, rt.handle, c.handle);
}
static inline int lockstep_mpi_neighbor_allgatherv(
    const void *s, int sn, lockstep_mpi_datatype st, void *r, const int *rn, const int *rd,
    lockstep_mpi_datatype rt, lockstep_mpi_comm c) {
  return MPI_Neighbor_allgatherv(s, sn, st.handle, r, rn, rd, rt.handle, c.handle);
}
static inline int lockstep_mpi_neighbor_alltoall(
    const void *s, int sn, lockstep_mpi_datatype st, void *r, int rn, lockstep_mpi_datatype rt,
    lockstep_mpi_comm c) {
  return MPI_Neighbor_alltoall(s, sn, st.handle, r, rn, rt.handle, c.handle);
}
static inline int lockstep_mpi_neighbor_alltoallv(
    const void *s, const int *sn, const int *sd, lockstep_mpi_datatype st, void *r, const int *rn,
    const int *rd, lockstep_mpi_datatype rt, lockstep_mpi_comm c) {
  return MPI_Neighbor_alltoallv(s, sn, sd, st.handle, r, rn, rd, rt.handle, c.handle);
}

#endif
