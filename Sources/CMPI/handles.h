#ifndef LOCKSTEP_CMPI_HANDLES_H
#define LOCKSTEP_CMPI_HANDLES_H

#include <mpi.h>
#include <stdint.h>

typedef struct { MPI_Comm handle; } lockstep_mpi_comm;
typedef struct { MPI_Datatype handle; } lockstep_mpi_datatype;
typedef struct { MPI_Op handle; } lockstep_mpi_op;
typedef struct { MPI_Request handle; } lockstep_mpi_request;
typedef struct { MPI_Message handle; } lockstep_mpi_message;
typedef struct { MPI_Status status; } lockstep_mpi_status;
typedef struct { MPI_Win handle; } lockstep_mpi_win;

// Arrays of these are handed to MPI as arrays of handles.
_Static_assert(sizeof(lockstep_mpi_request) == sizeof(MPI_Request), "one member, no padding");
_Static_assert(sizeof(lockstep_mpi_status) == sizeof(MPI_Status), "one member, no padding");

static inline int lockstep_mpi_success(void) { return MPI_SUCCESS; }
static inline int lockstep_mpi_error_in_status(void) { return MPI_ERR_IN_STATUS; }
static inline int lockstep_mpi_error_truncate(void) { return MPI_ERR_TRUNCATE; }
static inline int lockstep_mpi_any_source(void) { return MPI_ANY_SOURCE; }
static inline int lockstep_mpi_any_tag(void) { return MPI_ANY_TAG; }
static inline int lockstep_mpi_undefined(void) { return MPI_UNDEFINED; }
static inline int lockstep_mpi_max_error_string(void) { return MPI_MAX_ERROR_STRING; }
static inline int lockstep_mpi_max_processor_name(void) { return MPI_MAX_PROCESSOR_NAME; }
static inline int lockstep_mpi_max_library_version(void) { return MPI_MAX_LIBRARY_VERSION_STRING; }
static inline void *lockstep_mpi_in_place(void) { return MPI_IN_PLACE; }

static inline int lockstep_mpi_thread_single(void) { return MPI_THREAD_SINGLE; }
static inline int lockstep_mpi_thread_funneled(void) { return MPI_THREAD_FUNNELED; }
static inline int lockstep_mpi_thread_serialized(void) { return MPI_THREAD_SERIALIZED; }
static inline int lockstep_mpi_thread_multiple(void) { return MPI_THREAD_MULTIPLE; }

// Communicators

static inline lockstep_mpi_comm lockstep_mpi_comm_world(void) {
  lockstep_mpi_comm result = {MPI_COMM_WORLD};
  return result;
}
static inline lockstep_mpi_comm lockstep_mpi_comm_self(void) {
  lockstep_mpi_comm result = {MPI_COMM_SELF};
  return result;
}
static inline int lockstep_mpi_comm_is_null(lockstep_mpi_comm c) {
  return c.handle == MPI_COMM_NULL;
}
static inline int lockstep_mpi_comm_rank(lockstep_mpi_comm c, int *rank) {
  return MPI_Comm_rank(c.handle, rank);
}
static inline int lockstep_mpi_comm_size(lockstep_mpi_comm c, int *size) {
  return MPI_Comm_size(c.handle, size);
}
static inline int lockstep_mpi_comm_return_errors(lockstep_mpi_comm c) {
  return MPI_Comm_set_errhandler(c.handle, MPI_ERRORS_RETURN);
}
static inline int lockstep_mpi_comm_duplicate(lockstep_mpi_comm c, lockstep_mpi_comm *result) {
  return MPI_Comm_dup(c.handle, &result->handle);
}
static inline int lockstep_mpi_comm_split(
    lockstep_mpi_comm c, int color, int key, lockstep_mpi_comm *result) {
  return MPI_Comm_split(c.handle, color, key, &result->handle);
}
static inline int lockstep_mpi_comm_split_shared(
    lockstep_mpi_comm c, int key, lockstep_mpi_comm *result) {
  return MPI_Comm_split_type(
      c.handle, MPI_COMM_TYPE_SHARED, key, MPI_INFO_NULL, &result->handle);
}
static inline int lockstep_mpi_comm_free(lockstep_mpi_comm *c) { return MPI_Comm_free(&c->handle); }
static inline int lockstep_mpi_abort(lockstep_mpi_comm c, int code) {
  return MPI_Abort(c.handle, code);
}
// The largest tag, an attribute that every implementation attaches to the world.
static inline int lockstep_mpi_largest_tag(void) {
  int *value = 0, found = 0;
  if (MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, &value, &found) != MPI_SUCCESS || !found)
    return 32767;  // what the standard promises
  return *value;
}

#endif
