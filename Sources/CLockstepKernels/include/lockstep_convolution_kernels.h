// Kernels of convolutions of few input channels, for channels of the result that lie side by side.
#ifndef LOCKSTEP_CONVOLUTION_KERNELS_H
#define LOCKSTEP_CONVOLUTION_KERNELS_H

// A convolution of [images, channels, height, width] in planes that gives [images, groups, rows, columns, side]:
// `outputs` channels in groups of `side`, a multiple of 8. What fills up the last group counts for nothing.
typedef struct {
  size_t images, channels, height, width;
  size_t outputs, side, rows, columns;
  size_t kernel_height, kernel_width, stride_down, stride_across;
  size_t padding_top, padding_left, padding_bottom, padding_right;
} lockstep_convolution;

// The floats of working memory that the gradient takes.
size_t lockstep_convolution_scratch(const lockstep_convolution *shape);

typedef struct {
  // dw [outputs, channels, kernel_height, kernel_width] = the sum of dy x over images and points, and
  // db [outputs] that of dy, unless it is NULL. An image's sum is one chain of fused multiply-adds in the order
  // of points; images are added in their order.
  void (*weight_gradient)(float *dw, float *db, const float *x, const float *dy, float *scratch,
                          const lockstep_convolution *shape);
} lockstep_convolution_kernels;

// The table of an instruction set, the next lower one where this build lacks it; NULL without fused
// multiply-adds.
const lockstep_convolution_kernels *lockstep_convolution_kernels_for(lockstep_isa isa);

#endif
