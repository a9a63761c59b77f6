#include "lockstep_kernels.h"
#include "lanes.h"


#define KERNELS "wire_kernels.inc"
#include "instantiate.h"

const lockstep_wire_kernels *lockstep_wire_kernels_for(lockstep_isa isa) {
  return SELECT_TABLE(isa, wire_table);
}
