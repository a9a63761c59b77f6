// Kernels of 3×3 convolutions by Winograd's algorithm F(2×2, 3×3), for channels that lie side by side.
//
// A tile of 2×2 results comes from 4×4 inputs by 16 products instead of 36: both are turned to 16 sums of
// differences, place by place a matrix product over channels follows, and the results are turned back.
#ifndef LOCKSTEP_WINOGRAD_KERNELS_H
#define LOCKSTEP_WINOGRAD_KERNELS_H

// A convolution with step 1 of x [images, channels / input_side, height, width, input_side] that gives
// y [images, outputs / output_side, rows, columns, output_side]. Channels, outputs and sides are multiples of 8.
typedef struct {
  size_t images;
  size_t channels, height, width, input_side;
  size_t outputs, rows, columns, output_side;
  size_t padding_top, padding_left;
} lockstep_winograd;

// The floats of turned weights, and of working memory.
size_t lockstep_winograd_weights(const lockstep_winograd *shape);
size_t lockstep_winograd_scratch(const lockstep_winograd *shape);

typedef struct {
  // Turns w [outputs, channels, 3, 3]. Where it `is_input_gradient`, w is [channels, outputs, 3, 3] and taken from
  // behind: what is convolved is dy then, and the result dx.
  void (*weights)(float *turned, const float *w, int is_input_gradient, const lockstep_winograd *shape);
  // y = x ⋆ w + bias, or max(0, that). `bias` may be NULL. A sum over channels is one chain of fused multiply-adds.
  void (*forward)(float *y, const float *x, const float *turned, const float *bias, int rectifies, float *scratch,
                  const lockstep_winograd *shape);
  // dw [outputs, channels, 3, 3] = the sum of dy x over images and points, and db [outputs] that of dy, unless it
  // is NULL. A group of tiles is one chain of fused multiply-adds; groups are added in their order.
  void (*weight_gradient)(float *dw, float *db, const float *x, const float *dy, float *scratch,
                          const lockstep_winograd *shape);
} lockstep_winograd_kernels;

// The table of an instruction set, the next lower one where this build lacks it; NULL without fused
// multiply-adds.
const lockstep_winograd_kernels *lockstep_winograd_kernels_for(lockstep_isa isa);

#endif
