#include "lockstep_kernels.h"
#include "lanes.h"

#define DOUBLE(x) __builtin_convertvector((x), d16v)

#define KERNELS "row_kernels.inc"
#include "instantiate.h"

const lockstep_row_kernels *lockstep_row_kernels_for(lockstep_isa isa) {
  return SELECT_TABLE(isa, row_table);
}
