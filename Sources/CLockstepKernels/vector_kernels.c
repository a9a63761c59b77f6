#include "lockstep_kernels.h"
#include "lanes.h"

#define KERNELS "vector_kernels.inc"
#include "instantiate.h"

const lockstep_vector_kernels *lockstep_vector_kernels_for(lockstep_isa isa) {
  return SELECT_TABLE(isa, vector_table);
}

void lockstep_maximum_tangent(float *y, const float *moving, const float *x,
                              const lockstep_pooling *shape) {
  const lockstep_pooling s = *shape;
  for (size_t plane = 0; plane < s.planes; plane++) {
    for (size_t row = 0; row < s.rows; row++) {
      // The window's positions that lie inside the plane.
      const size_t top = row * s.stride_down, bottom = top + s.kernel_height;
      const size_t r0 = top > s.padding_top ? top - s.padding_top : 0;
      size_t r1 = bottom > s.padding_top ? bottom - s.padding_top : 0;
      if (r1 > s.height) r1 = s.height;
      for (size_t column = 0; column < s.columns; column++) {
        const size_t left = column * s.stride_across, right = left + s.kernel_width;
        const size_t c0 = left > s.padding_left ? left - s.padding_left : 0;
        size_t c1 = right > s.padding_left ? right - s.padding_left : 0;
        if (c1 > s.width) c1 = s.width;
        float largest = 0, value = 0;
        int found = 0;
        for (size_t r = r0; r < r1; r++) {
          for (size_t c = c0; c < c1; c++) {
            const float v = x[r * s.width + c];
            if (!found || v > largest || v != v) {
              largest = v;
              value = moving[r * s.width + c];
              found = 1;
            }
          }
        }
        *y++ = value;
      }
    }
    x += s.height * s.width;
    moving += s.height * s.width;
  }
}
