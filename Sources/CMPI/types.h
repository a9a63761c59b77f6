#ifndef LOCKSTEP_CMPI_TYPES_H
#define LOCKSTEP_CMPI_TYPES_H

#include <stdint.h>
#include <string.h>

#include "handles.h"

// The most fields of a value that travels field by field.
enum { LOCKSTEP_MPI_FIELDS = 64 };

#define LOCKSTEP_MPI_TYPE(name, type)                                   \
  static inline lockstep_mpi_datatype lockstep_mpi_type_##name(void) {  \
    lockstep_mpi_datatype result = {type};                              \
    return result;                                                      \
  }
LOCKSTEP_MPI_TYPE(byte, MPI_BYTE)
LOCKSTEP_MPI_TYPE(bool, MPI_C_BOOL)
LOCKSTEP_MPI_TYPE(int8, MPI_INT8_T)
LOCKSTEP_MPI_TYPE(int16, MPI_INT16_T)
LOCKSTEP_MPI_TYPE(int32, MPI_INT32_T)
LOCKSTEP_MPI_TYPE(int64, MPI_INT64_T)
LOCKSTEP_MPI_TYPE(uint8, MPI_UINT8_T)
LOCKSTEP_MPI_TYPE(uint16, MPI_UINT16_T)
LOCKSTEP_MPI_TYPE(uint32, MPI_UINT32_T)
LOCKSTEP_MPI_TYPE(uint64, MPI_UINT64_T)
LOCKSTEP_MPI_TYPE(float, MPI_FLOAT)
LOCKSTEP_MPI_TYPE(double, MPI_DOUBLE)
LOCKSTEP_MPI_TYPE(int16_index, MPI_SHORT_INT)
LOCKSTEP_MPI_TYPE(int32_index, MPI_2INT)
LOCKSTEP_MPI_TYPE(int64_index, MPI_LONG_INT)
LOCKSTEP_MPI_TYPE(float_index, MPI_FLOAT_INT)
LOCKSTEP_MPI_TYPE(double_index, MPI_DOUBLE_INT)
#undef LOCKSTEP_MPI_TYPE

#define LOCKSTEP_MPI_OP(name, op)                             \
  static inline lockstep_mpi_op lockstep_mpi_op_##name(void) { \
    lockstep_mpi_op result = {op};                            \
    return result;                                            \
  }
LOCKSTEP_MPI_OP(sum, MPI_SUM)
LOCKSTEP_MPI_OP(product, MPI_PROD)
LOCKSTEP_MPI_OP(minimum, MPI_MIN)
LOCKSTEP_MPI_OP(maximum, MPI_MAX)
LOCKSTEP_MPI_OP(logical_and, MPI_LAND)
LOCKSTEP_MPI_OP(logical_or, MPI_LOR)
LOCKSTEP_MPI_OP(logical_xor, MPI_LXOR)
LOCKSTEP_MPI_OP(bitwise_and, MPI_BAND)
LOCKSTEP_MPI_OP(bitwise_or, MPI_BOR)
LOCKSTEP_MPI_OP(bitwise_xor, MPI_BXOR)
LOCKSTEP_MPI_OP(minimum_location, MPI_MINLOC)
LOCKSTEP_MPI_OP(maximum_location, MPI_MAXLOC)
#undef LOCKSTEP_MPI_OP

static inline int lockstep_mpi_type_size(lockstep_mpi_datatype t, int *size) {
  return MPI_Type_size(t.handle, size);
}
static inline int lockstep_mpi_type_contiguous(
    int count, lockstep_mpi_datatype base, lockstep_mpi_datatype *result) {
  return MPI_Type_contiguous(count, base.handle, &result->handle);
}
// `first` followed by `second` at a distance in bytes.
static inline int lockstep_mpi_type_pair(
    lockstep_mpi_datatype first, lockstep_mpi_datatype second, int64_t distance,
    lockstep_mpi_datatype *result) {
  int lengths[2] = {1, 1};
  MPI_Aint displacements[2] = {0, (MPI_Aint)distance};
  MPI_Datatype types[2] = {first.handle, second.handle};
  return MPI_Type_create_struct(2, lengths, displacements, types, &result->handle);
}
// `count` values whose starts are `stride` bytes apart.
static inline int lockstep_mpi_type_strided(
    int count, int64_t stride, lockstep_mpi_datatype base, lockstep_mpi_datatype *result) {
  return MPI_Type_create_hvector(count, 1, (MPI_Aint)stride, base.handle, &result->handle);
}
// One value, `offset` bytes behind the address.
static inline int lockstep_mpi_type_moved(
    int64_t offset, lockstep_mpi_datatype base, lockstep_mpi_datatype *result) {
  MPI_Aint displacement = (MPI_Aint)offset;
  return MPI_Type_create_hindexed_block(1, 1, &displacement, base.handle, &result->handle);
}
// A value of `bytes` bytes with a field at each offset.
static inline int lockstep_mpi_type_fields(
    int count, const int64_t *offsets, const lockstep_mpi_datatype *fields, int64_t bytes,
    lockstep_mpi_datatype *result) {
  MPI_Datatype packed = MPI_DATATYPE_NULL;
  int lengths[LOCKSTEP_MPI_FIELDS];
  MPI_Aint displacements[LOCKSTEP_MPI_FIELDS];
  MPI_Datatype types[LOCKSTEP_MPI_FIELDS];
  for (int i = 0; i < count; i++) {
    lengths[i] = 1;
    displacements[i] = (MPI_Aint)offsets[i];
    types[i] = fields[i].handle;
  }
  int code = MPI_Type_create_struct(count, lengths, displacements, types, &packed);
  if (code != MPI_SUCCESS) return code;
  code = MPI_Type_create_resized(packed, 0, (MPI_Aint)bytes, &result->handle);
  MPI_Type_free(&packed);
  return code;
}
static inline int lockstep_mpi_type_commit(lockstep_mpi_datatype *t) {
  return MPI_Type_commit(&t->handle);
}
static inline int lockstep_mpi_type_free(lockstep_mpi_datatype *t) {
  return MPI_Type_free(&t->handle);
}

// A user's function with the address of the datatype as a plain one: what a handle is differs from
// library to library, and the callers have no use for it.
typedef void (*lockstep_mpi_user_function)(void *, void *, int *, void *);
static inline int lockstep_mpi_op_create(
    lockstep_mpi_user_function function, int commutative, lockstep_mpi_op *result) {
  return MPI_Op_create((MPI_User_function *)function, commutative, &result->handle);
}
static inline int lockstep_mpi_op_free(lockstep_mpi_op *op) { return MPI_Op_free(&op->handle); }

// bf16: the upper half of a Float32, rounded to nearest, ties to even.

static inline float lockstep_mpi_bf16_widen(uint16_t value) {
  uint32_t bits = (uint32_t)value << 16;
  float result;
  memcpy(&result, &bits, sizeof result);
  return result;
}
static inline uint16_t lockstep_mpi_bf16_round(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)((bits >> 16) | 0x40u);  // a quiet NaN
  return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}
#define LOCKSTEP_MPI_BF16(name, expression)                                             \
  static inline void lockstep_mpi_bf16_##name(                                          \
      void *in, void *inout, int *length, MPI_Datatype *type) {                         \
    (void)type;                                                                         \
    const uint16_t *left = (const uint16_t *)in;                                        \
    uint16_t *right = (uint16_t *)inout;                                                \
    for (int i = 0; i < *length; i++) {                                                 \
      float a = lockstep_mpi_bf16_widen(left[i]), b = lockstep_mpi_bf16_widen(right[i]); \
      right[i] = lockstep_mpi_bf16_round(expression);                                   \
    }                                                                                   \
  }                                                                                     \
  static inline int lockstep_mpi_op_create_bf16_##name(lockstep_mpi_op *result) {       \
    return MPI_Op_create(lockstep_mpi_bf16_##name, 1, &result->handle);                 \
  }
LOCKSTEP_MPI_BF16(sum, a + b)
LOCKSTEP_MPI_BF16(product, a *b)
// A NaN on either side stays, so that no rank can hide it.
LOCKSTEP_MPI_BF16(minimum, (a < b || a != a) ? a : b)
LOCKSTEP_MPI_BF16(maximum, (a > b || a != a) ? a : b)
#undef LOCKSTEP_MPI_BF16

#endif
