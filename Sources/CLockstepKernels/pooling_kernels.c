#include "lockstep_kernels.h"
#include "lanes.h"

// Half a vector of the other kernels: blocks of 8 channels are common.
typedef float f8v __attribute__((ext_vector_type(8)));
typedef int32_t i8v __attribute__((ext_vector_type(8)));
typedef uint8_t b8v __attribute__((ext_vector_type(8)));

// `count` values, a constant, with anything behind them, and back.
#define TAKE(type, p, count) ({ type v_ = 0; memcpy(&v_, (p), (count) * sizeof v_[0]); v_; })
#define PUT(p, x, count) do { __auto_type v_ = (x); memcpy((p), &v_, (count) * sizeof v_[0]); } while (0)

// From one position or window of an axis to the first one behind.
typedef struct {
  size_t first, end;
} span;

// The positions of an axis that a window covers, those in the padding left out.
static inline span covered(size_t window, size_t stride, size_t kernel, size_t padding, size_t size) {
  const size_t low = window * stride, high = low + kernel;
  span s = {low > padding ? low - padding : 0, high > padding ? high - padding : 0};
  if (s.end > size) s.end = size;
  return s;
}

// Moves on to the windows that cover a position, counted with the padding: those of the position before
// are known.
static inline void advance(span *windows, size_t position, size_t stride, size_t kernel,
                           size_t count) {
  while (windows->end < count && windows->end * stride <= position) windows->end++;
  while (windows->first < windows->end && windows->first * stride + kernel <= position)
    windows->first++;
}

// The gradient for planes of one channel, which stay in cache: each window adds to where its largest value
// is. Places that no forward pass wrote, as where a kernel is measured alone, may lie outside.
static void scatter(float *dx, const float *dy, const uint8_t *places, const lockstep_pooling *s) {
  ptrdiff_t offsets[LOCKSTEP_POOLING_PLACES] = {0};
  for (size_t tap = 0; tap < s->kernel_height * s->kernel_width; tap++)
    offsets[tap] = (ptrdiff_t)(tap / s->kernel_width * s->width + tap % s->kernel_width);
  const ptrdiff_t origin = (ptrdiff_t)(s->padding_top * s->width + s->padding_left);
  const size_t size = s->height * s->width;
  for (size_t plane = 0; plane < s->planes; plane++, dx += size) {
    memset(dx, 0, size * sizeof *dx);
    for (size_t row = 0; row < s->rows; row++) {
      ptrdiff_t at = (ptrdiff_t)(row * s->stride_down * s->width) - origin;
      for (size_t column = 0; column < s->columns; column++, at += (ptrdiff_t)s->stride_across) {
        const size_t to = (size_t)(at + offsets[*places++]);
        const float given = *dy++;
        if (to < size) dx[to] += given;
      }
    }
  }
}

#define KERNELS "pooling_kernels.inc"
#include "instantiate.h"

const lockstep_pooling_kernels *lockstep_pooling_kernels_for(lockstep_isa isa) {
  return SELECT_TABLE(isa, pooling_table);
}
