#include "lockstep_kernels.h"
#include "lanes.h"

#define KERNELS "recurrent_kernels.inc"
#include "instantiate.h"

const lockstep_recurrent_kernels *lockstep_recurrent_kernels_for(lockstep_isa isa) {
  return SELECT_TABLE(isa, recurrent_table);
}
