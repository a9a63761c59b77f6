#ifndef LOCKSTEP_CMPI_POINT_TO_POINT_H
#define LOCKSTEP_CMPI_POINT_TO_POINT_H

#include "handles.h"

static inline int lockstep_mpi_send(
    const void *b, int n, lockstep_mpi_datatype t, int to, int tag, lockstep_mpi_comm c) {
  return MPI_Send(b, n, t.handle, to, tag, c.handle);
}
static inline int lockstep_mpi_ssend(
    const void *b, int n, lockstep_mpi_datatype t, int to, int tag, lockstep_mpi_comm c) {
  return MPI_Ssend(b, n, t.handle, to, tag, c.handle);
}
static inline int lockstep_mpi_sendrecv(
    const void *sb, int sn, lockstep_mpi_datatype st, int to, int stag, void *rb, int rn,
    lockstep_mpi_datatype rt, int from, int rtag, lockstep_mpi_comm c, lockstep_mpi_status *s) {
  return MPI_Sendrecv(
      sb, sn, st.handle, to, stag, rb, rn, rt.handle, from, rtag, c.handle, &s->status);
}
static inline int lockstep_mpi_sendrecv_replace(
    void *b, int n, lockstep_mpi_datatype t, int to, int stag, int from, int rtag,
    lockstep_mpi_comm c, lockstep_mpi_status *s) {
  return MPI_Sendrecv_replace(b, n, t.handle, to, stag, from, rtag, c.handle, &s->status);
}
static inline int lockstep_mpi_probe(
    int from, int tag, lockstep_mpi_comm c, lockstep_mpi_status *s) {
  return MPI_Probe(from, tag, c.handle, &s->status);
}
static inline int lockstep_mpi_iprobe(
    int from, int tag, lockstep_mpi_comm c, int *flag, lockstep_mpi_status *s) {
  return MPI_Iprobe(from, tag, c.handle, flag, &s->status);
}
static inline int lockstep_mpi_mprobe(
    int from, int tag, lockstep_mpi_comm c, lockstep_mpi_message *m, lockstep_mpi_status *s) {
  return MPI_Mprobe(from, tag, c.handle, &m->handle, &s->status);
}
static inline int lockstep_mpi_mrecv(
    void *b, int n, lockstep_mpi_datatype t, lockstep_mpi_message *m, lockstep_mpi_status *s) {
  return MPI_Mrecv(b, n, t.handle, &m->handle, &s->status);
}
static inline int lockstep_mpi_isend(
    const void *b, int n, lockstep_mpi_datatype t, int to, int tag, lockstep_mpi_comm c,
    lockstep_mpi_request *r) {
  return MPI_Isend(b, n, t.handle, to, tag, c.handle, &r->handle);
}
static inline int lockstep_mpi_issend(
    const void *b, int n, lockstep_mpi_datatype t, int to, int tag, lockstep_mpi_comm c,
    lockstep_mpi_request *r) {
  return MPI_Issend(b, n, t.handle, to, tag, c.handle, &r->handle);
}
static inline int lockstep_mpi_irecv(
    void *b, int n, lockstep_mpi_datatype t, int from, int tag, lockstep_mpi_comm c,
    lockstep_mpi_request *r) {
  return MPI_Irecv(b, n, t.handle, from, tag, c.handle, &r->handle);
}

static inline int lockstep_mpi_send_init(
    const void *b, int n, lockstep_mpi_datatype t, int to, int tag, lockstep_mpi_comm c,
    lockstep_mpi_request *r) {
  return MPI_Send_init(b, n, t.handle, to, tag, c.handle, &r->handle);
}
static inline int lockstep_mpi_recv_init(
    void *b, int n, lockstep_mpi_datatype t, int from, int tag, lockstep_mpi_comm c,
    lockstep_mpi_request *r) {
  return MPI_Recv_init(b, n, t.handle, from, tag, c.handle, &r->handle);
}
static inline int lockstep_mpi_start(lockstep_mpi_request *r) { return MPI_Start(&r->handle); }
static inline int lockstep_mpi_startall(int n, lockstep_mpi_request *r) {
  return MPI_Startall(n, (MPI_Request *)r);
}

// Requests

static inline int lockstep_mpi_request_free(lockstep_mpi_request *r) {
  return MPI_Request_free(&r->handle);
}
static inline lockstep_mpi_request lockstep_mpi_request_null(void) {
  lockstep_mpi_request result = {MPI_REQUEST_NULL};
  return result;
}
static inline int lockstep_mpi_request_is_null(lockstep_mpi_request r) {
  return r.handle == MPI_REQUEST_NULL;
}
static inline int lockstep_mpi_cancel(lockstep_mpi_request *r) { return MPI_Cancel(&r->handle); }
static inline int lockstep_mpi_wait(lockstep_mpi_request *r, lockstep_mpi_status *s) {
  return MPI_Wait(&r->handle, &s->status);
}
static inline int lockstep_mpi_test(lockstep_mpi_request *r, int *flag, lockstep_mpi_status *s) {
  return MPI_Test(&r->handle, flag, &s->status);
}
static inline int lockstep_mpi_testall(
    int n, lockstep_mpi_request *r, int *flag, lockstep_mpi_status *s) {
  return MPI_Testall(n, (MPI_Request *)r, flag, (MPI_Status *)s);
}
static inline int lockstep_mpi_waitsome(
    int n, lockstep_mpi_request *r, int *count, int *indices, lockstep_mpi_status *s) {
  return MPI_Waitsome(n, (MPI_Request *)r, count, indices, (MPI_Status *)s);
}
static inline int lockstep_mpi_testsome(
    int n, lockstep_mpi_request *r, int *count, int *indices, lockstep_mpi_status *s) {
  return MPI_Testsome(n, (MPI_Request *)r, count, indices, (MPI_Status *)s);
}

// Statuses

static inline int lockstep_mpi_status_source(const lockstep_mpi_status *s) {
  return s->status.MPI_SOURCE;
}
static inline int lockstep_mpi_status_tag(const lockstep_mpi_status *s) {
  return s->status.MPI_TAG;
}
static inline int lockstep_mpi_status_error(const lockstep_mpi_status *s) {
  return s->status.MPI_ERROR;
}
static inline int lockstep_mpi_status_bytes(const lockstep_mpi_status *s, int64_t *bytes) {
  MPI_Count count = 0;
  int code = MPI_Get_elements_x(&s->status, MPI_BYTE, &count);
  *bytes = count == MPI_UNDEFINED ? -1 : (int64_t)count;
  return code;
}
static inline int lockstep_mpi_status_cancelled(const lockstep_mpi_status *s, int *flag) {
  return MPI_Test_cancelled(&s->status, flag);
}

#endif
