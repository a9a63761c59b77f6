#ifndef LOCKSTEP_CMPI_INFO_H
#define LOCKSTEP_CMPI_INFO_H

#include "handles.h"

typedef struct { MPI_Info handle; } lockstep_mpi_info;

static inline int lockstep_mpi_max_info_key(void) { return MPI_MAX_INFO_KEY; }
static inline int lockstep_mpi_max_info_value(void) { return MPI_MAX_INFO_VAL; }
static inline lockstep_mpi_info lockstep_mpi_info_null(void) {
  lockstep_mpi_info result = {MPI_INFO_NULL};
  return result;
}
static inline int lockstep_mpi_info_create(lockstep_mpi_info *info) {
  return MPI_Info_create(&info->handle);
}
static inline int lockstep_mpi_info_set(
    lockstep_mpi_info info, const char *key, const char *value) {
  return MPI_Info_set(info.handle, key, value);
}
static inline int lockstep_mpi_info_count(lockstep_mpi_info info, int *count) {
  return MPI_Info_get_nkeys(info.handle, count);
}
// `key` has room for MPI_MAX_INFO_KEY + 1 characters.
static inline int lockstep_mpi_info_key(lockstep_mpi_info info, int index, char *key) {
  return MPI_Info_get_nthkey(info.handle, index, key);
}
// `value` has room for `length` + 1 characters.
static inline int lockstep_mpi_info_value(
    lockstep_mpi_info info, const char *key, int length, char *value, int *found) {
  return MPI_Info_get(info.handle, key, length, value, found);
}
static inline int lockstep_mpi_info_free(lockstep_mpi_info *info) {
  return MPI_Info_free(&info->handle);
}

static inline int lockstep_mpi_comm_duplicate_with_info(
    lockstep_mpi_comm c, lockstep_mpi_info info, lockstep_mpi_comm *result) {
  return MPI_Comm_dup_with_info(c.handle, info.handle, &result->handle);
}
static inline int lockstep_mpi_comm_info(lockstep_mpi_comm c, lockstep_mpi_info *info) {
  return MPI_Comm_get_info(c.handle, &info->handle);
}

#endif
