#include "lockstep_kernels.h"
#include "lanes.h"

#define KERNELS "stream_kernels.inc"
#include "instantiate.h"

const lockstep_stream_kernels *lockstep_stream_kernels_for(lockstep_isa isa) {
  return SELECT_TABLE(isa, stream_table);
}
