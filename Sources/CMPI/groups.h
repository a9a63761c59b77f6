#ifndef LOCKSTEP_CMPI_GROUPS_H
#define LOCKSTEP_CMPI_GROUPS_H

#include "handles.h"

// The ranks that members of a communicator have in the world; -1 for one that it does not know.
static inline int lockstep_mpi_comm_world_ranks(
    lockstep_mpi_comm c, int n, const int *ranks, int *result) {
  MPI_Group group, world;
  int code = MPI_Comm_group(c.handle, &group);
  if (code != MPI_SUCCESS) return code;
  code = MPI_Comm_group(MPI_COMM_WORLD, &world);
  if (code == MPI_SUCCESS) {
    code = MPI_Group_translate_ranks(group, n, ranks, world, result);
    for (int i = 0; i < n; i++)
      if (result[i] == MPI_UNDEFINED) result[i] = -1;
    MPI_Group_free(&world);
  }
  MPI_Group_free(&group);
  return code;
}
// A communicator of these ranks of another one, in this order; only they call.
static inline int lockstep_mpi_comm_create_group(
    lockstep_mpi_comm c, int n, const int *ranks, int tag, lockstep_mpi_comm *result) {
  MPI_Group all, some;
  int code = MPI_Comm_group(c.handle, &all);
  if (code != MPI_SUCCESS) return code;
  code = MPI_Group_incl(all, n, ranks, &some);
  if (code == MPI_SUCCESS) {
    code = MPI_Comm_create_group(c.handle, some, tag, &result->handle);
    MPI_Group_free(&some);
  }
  MPI_Group_free(&all);
  return code;
}

static inline int lockstep_mpi_identical(void) { return MPI_IDENT; }
static inline int lockstep_mpi_congruent(void) { return MPI_CONGRUENT; }
static inline int lockstep_mpi_similar(void) { return MPI_SIMILAR; }
static inline int lockstep_mpi_comm_compare(lockstep_mpi_comm a, lockstep_mpi_comm b, int *result) {
  return MPI_Comm_compare(a.handle, b.handle, result);
}

// What C and Fortran libraries take.
static inline int lockstep_mpi_comm_to_fortran(lockstep_mpi_comm c) {
  return (int)MPI_Comm_c2f(c.handle);
}

#endif
