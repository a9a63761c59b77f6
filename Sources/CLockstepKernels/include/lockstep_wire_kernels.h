// Float32 values rounded to bf16, the upper half of a Float32, and packed into two bytes each.
#ifndef LOCKSTEP_WIRE_KERNELS_H
#define LOCKSTEP_WIRE_KERNELS_H

typedef struct {
  // out[i] = a[i] + b[i], rounded to bf16, ties to even; a NaN stays one. out may be a or b.
  void (*add_round)(float *out, const float *a, const float *b, size_t n);
  // out[i] = a[i], rounded to bf16, ties to even; a NaN stays one. out may be a.
  void (*round)(float *out, const float *a, size_t n);
  // The upper halves: all there is of values that are rounded.
  void (*pack)(uint16_t *out, const float *a, size_t n);
  // The values of upper halves.
  void (*unpack)(float *out, const uint16_t *a, size_t n);
} lockstep_wire_kernels;

// The table of an instruction set; the next lower one where this build lacks it.
const lockstep_wire_kernels *lockstep_wire_kernels_for(lockstep_isa isa);

#endif
