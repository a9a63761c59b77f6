// Kernels of batch normalisation over several shards: what one shard contributes, and what it makes of
// the statistics of all.
#ifndef LOCKSTEP_NORMALIZATION_KERNELS_H
#define LOCKSTEP_NORMALIZATION_KERNELS_H

// A tensor [N, C, points] that lies in memory as [examples][groups][points][width]: channels in groups
// of `width`, one behind the other at each point. Planes of single channels have width 1, channels
// last one group. What pads the last group is zero.
typedef struct {
  size_t examples, channels, points, width;
} lockstep_channels;

// What is known of each channel, `groups * width` values each, zeros for what pads the last group.
typedef struct {
  const float *mean;
  const float *scale;     // gamma / sqrt(variance + epsilon)
  const float *shift;     // beta
  const float *constant;  // of gradients alone
  const float *slope;     // of gradients alone
  int rectifies;          // whether a ReLU follows
} lockstep_normalization;

typedef struct {
  // Per channel the mean, and the sum of squares of deviations from it, in double. The sums are of
  // deviations from the channel's first value, so that cancellation costs a factor of the number of
  // values at most.
  void (*moments)(double *mean, double *squares, const float *x, const lockstep_channels *shape);
  // y = (x - mean) scale + shift, or where that is negative zero if a ReLU follows.
  void (*normalize)(float *y, const float *x, const lockstep_normalization *known,
                    const lockstep_channels *shape);
  // Per channel the sums of dy and of dy (x - mean), in double. Behind a ReLU dy counts where y > 0.
  void (*gradient_sums)(double *sums, double *products, const float *dy, const float *x,
                        const lockstep_normalization *known, const lockstep_channels *shape);
  // dx = dy scale - constant - (x - mean) slope; dx may be dy.
  void (*gradient)(float *dx, const float *dy, const float *x, const lockstep_normalization *known,
                   const lockstep_channels *shape);
} lockstep_normalization_kernels;

// The table of an instruction set; the next lower one where this build lacks it.
const lockstep_normalization_kernels *lockstep_normalization_kernels_for(lockstep_isa isa);

#endif
