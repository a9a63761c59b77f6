#include "lockstep_kernels.h"
#include "lanes.h"

typedef uint16_t h16v __attribute__((ext_vector_type(16)));

#define KERNELS "wire_kernels.inc"
#include "instantiate.h"

const lockstep_wire_kernels *lockstep_wire_kernels_for(lockstep_isa isa) {
  return SELECT_TABLE(isa, wire_table);
}
