#include "lockstep_kernels.h"
#include "lanes.h"

#define MULTIPLY_ADD(a, b, c) __builtin_elementwise_fma((a), (b), (c))

// Taps are summed by threes, neighbours in a row of the kernel, and so many threes at a time: 9 sums in
// registers.
#define THREES 3

// The threes of all taps, and what fills up the last tile.
static inline size_t threes_of(const lockstep_convolution *s) {
  const size_t count = s->channels * s->kernel_height * ((s->kernel_width + 2) / 3);
  return (count + THREES - 1) / THREES * THREES;
}
static inline size_t padded_height(const lockstep_convolution *s) {
  return s->height + s->padding_top + s->padding_bottom;
}
static inline size_t padded_width(const lockstep_convolution *s) {
  return s->width + s->padding_left + s->padding_right;
}
// An image with its padding, and what the last three reads behind it.
static inline size_t padded_image(const lockstep_convolution *s) {
  return s->channels * padded_height(s) * padded_width(s) + 2;
}
static inline size_t groups_of(const lockstep_convolution *s) {
  return (s->outputs + s->side - 1) / s->side;
}

// One image, and for each output the sums of all taps and of dy.
size_t lockstep_convolution_scratch(const lockstep_convolution *s) {
  return padded_image(s) + groups_of(s) * s->side * (3 * threes_of(s) + 1);
}

// Copies an image between zeros, which are there.
static void pad(float *to, const float *x, const lockstep_convolution *s) {
  for (size_t c = 0; c < s->channels; c++, to += padded_height(s) * padded_width(s)) {
    float *row = to + s->padding_top * padded_width(s) + s->padding_left;
    for (size_t r = 0; r < s->height; r++, row += padded_width(s), x += s->width)
      memcpy(row, x, s->width * sizeof *x);
  }
}

// Where a three of the first window begins in a padded image; one that fills up is the first one.
static size_t place_of_three(size_t three, const lockstep_convolution *s) {
  const size_t parts = (s->kernel_width + 2) / 3, part = three % parts;
  const size_t row = three / parts % s->kernel_height, channel = three / parts / s->kernel_height;
  return channel < s->channels ? (channel * padded_height(s) + row) * padded_width(s) + 3 * part : 0;
}

#define KERNELS "convolution_kernels.inc"
#include "instantiate.h"

const lockstep_convolution_kernels *lockstep_convolution_kernels_for(lockstep_isa isa) {
#if defined(__x86_64__)
  return isa == LOCKSTEP_ISA_BASELINE ? NULL : SELECT_TABLE(isa, convolution_table);
#elif defined(__aarch64__)
  return SELECT_TABLE(isa, convolution_table);
#else
  (void)isa;
  return NULL;
#endif
}
