// Kernels that add random noise.
#ifndef LOCKSTEP_NOISE_KERNELS_H
#define LOCKSTEP_NOISE_KERNELS_H

// Which numbers are drawn: a stream of Philox4x32-10, whose counter is (position low, position high, index,
// purpose) and whose key is the seed.
typedef struct {
  uint32_t key_low, key_high, index, purpose;
} lockstep_stream;

typedef struct {
  // x[i] += deviation z[first + i] with z of the standard normal distribution; `first` is a multiple of 16.
  //
  // The four words of the stream's block 16 g + l give z[64 g + l], z[64 g + 16 + l], and so on, two by two, by
  // the method of Box and Muller: z = sqrt(-2 ln u) (cos 2 pi v, sin 2 pi v) with u = (word + 1/2) 2^-32 of the
  // one word and v = word 2^-32 of the other. No |z| is above 6.8.
  void (*add_normal)(float *x, size_t n, float deviation, uint64_t first,
                     const lockstep_stream *stream);
} lockstep_noise_kernels;

// The table of an instruction set; the next lower one where this build lacks it.
const lockstep_noise_kernels *lockstep_noise_kernels_for(lockstep_isa isa);

#endif
