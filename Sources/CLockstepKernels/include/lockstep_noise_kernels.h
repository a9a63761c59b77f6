// Kernels that add random noise.
#ifndef LOCKSTEP_NOISE_KERNELS_H
#define LOCKSTEP_NOISE_KERNELS_H

// Which numbers are drawn: a stream of Philox4x32-10, whose counter is (position low, position high, index,
// purpose) and whose key is the seed.
typedef struct {
  uint32_t key_low, key_high, index, purpose;
} lockstep_stream;

typedef struct {
  // x[i] += deviation z[first + i] with z of the standard normal distribution; `first` is a multiple of 4.
  //
  // The four words of the stream's block b give z[4 b] to z[4 b + 3], two by two, by the method of Box and
  // Muller: z = sqrt(-2 ln u) (cos 2 pi v, sin 2 pi v) with u = (word + 1/2) 2^-32 of the one word and
  // v = word 2^-32 of the other. No |z| is above 6.8.
  void (*add_normal)(float *x, size_t n, float deviation, uint64_t first,
                     const lockstep_stream *stream);
} lockstep_noise_kernels;

// The table of an instruction set; the next lower one where this build lacks it.
const lockstep_noise_kernels *lockstep_noise_kernels_for(lockstep_isa isa);

#endif
