#include "lockstep_kernels.h"
#include "lanes.h"

#define KERNELS "graph_kernels.inc"
#include "instantiate.h"

const lockstep_graph_kernels *lockstep_graph_kernels_for(lockstep_isa isa) {
  return SELECT_TABLE(isa, graph_table);
}

size_t lockstep_count_argmax(const float *x, const int32_t *labels, size_t n, size_t c) {
  size_t right = 0;
  for (size_t i = 0; i < n; i++, x += c) {
    size_t best = 0;
    for (size_t j = 1; j < c; j++)
      if (x[j] > x[best]) best = j;
    right += labels[i] >= 0 && (size_t)labels[i] == best;
  }
  return right;
}

size_t lockstep_count_sign(const float *x, const float *targets, size_t n) {
  size_t right = 0;
  for (size_t i = 0; i < n; i++) right += (x[i] > 0) == (targets[i] > 0.5f);
  return right;
}

void lockstep_strided_copy(void *to, const void *from, int rank, const int64_t *shape,
                           const int64_t *to_strides, const int64_t *from_strides) {
  if (rank == 0) {
    memcpy(to, from, 4);
    return;
  }
  for (int64_t i = 0; i < shape[0]; i++) {
    void *t = (char *)to + 4 * i * to_strides[0];
    const void *f = (const char *)from + 4 * i * from_strides[0];
    if (rank == 1)
      memcpy(t, f, 4);
    else
      lockstep_strided_copy(t, f, rank - 1, shape + 1, to_strides + 1, from_strides + 1);
  }
}
