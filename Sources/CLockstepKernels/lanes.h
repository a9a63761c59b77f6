// The vocabulary of all kernels: 16-lane vectors that every instruction set lowers as it can.
#ifndef LOCKSTEP_LANES_H
#define LOCKSTEP_LANES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

typedef float f16v __attribute__((ext_vector_type(16)));
typedef double d16v __attribute__((ext_vector_type(16)));
typedef int32_t i16v __attribute__((ext_vector_type(16)));
typedef uint32_t u16v __attribute__((ext_vector_type(16)));

// Vectors are passed between inlined functions alone, so that no call's ABI depends on the target.
#pragma clang diagnostic ignored "-Wpsabi"
#define INLINE static inline __attribute__((always_inline))

#define LANES 16

// Half a vector: blocks of 8 channels are common.
typedef float f8v __attribute__((ext_vector_type(8)));
typedef int32_t i8v __attribute__((ext_vector_type(8)));
#define LOAD8(p) ({ f8v v_; memcpy(&v_, (p), sizeof v_); v_; })
#define STORE8(p, x) do { f8v v_ = (x); memcpy((p), &v_, sizeof v_); } while (0)

// Unaligned load and store of one vector.
#define LOAD(p) ({ f16v v_; memcpy(&v_, (p), sizeof v_); v_; })
#define STORE(p, x) do { f16v v_ = (x); memcpy((p), &v_, sizeof v_); } while (0)

// The last n < 16 values of an array, zeros behind them.
#define LOAD_PART(p, n) ({ f16v v_ = 0.0f; memcpy(&v_, (p), (n) * sizeof(float)); v_; })
#define STORE_PART(p, x, n) do { f16v v_ = (x); memcpy((p), &v_, (n) * sizeof(float)); } while (0)

// A vector of an array of `count` values, `before` of which lie before it: what is there of it.
#define LOAD_UP_TO(p, count, before) ({ \
  const size_t count_ = (count), before_ = (before); \
  count_ >= before_ + LANES ? LOAD(p) \
  : count_ > before_ ? LOAD_PART(p, count_ - before_) : (f16v)0.0f; })
#define STORE_UP_TO(p, x, count, before) do { \
  const size_t count_ = (count), before_ = (before); \
  if (count_ >= before_ + LANES) STORE(p, x); \
  else if (count_ > before_) STORE_PART(p, x, count_ - before_); } while (0)

// 16 bfloat16 numbers, which are the upper halves of Float32 ones.
typedef uint16_t h16v __attribute__((ext_vector_type(16)));

#define LOAD_HALF_PART(p, n) ({ h16v h_ = 0; memcpy(&h_, (p), (n) * sizeof(uint16_t)); \
  (f16v)(__builtin_convertvector(h_, u16v) << 16); })
#define STORE_HALF_PART(p, x, n) do { h16v h_ = ROUND_TO_HALF(x); \
  memcpy((p), &h_, (n) * sizeof(uint16_t)); } while (0)

// The nearest bfloat16 numbers, as Float32, ties to even: half of the last kept place is added, less
// one where that place is even, and the rest cut off. A NaN is made quiet instead, or the addition could
// carry it over to zero.
#define ROUND(value) ({ \
  const f16v x_ = (value); \
  const u16v b_ = (u16v)x_, nan_ = (u16v)(x_ != x_); \
  const u16v near_ = b_ + 0x7fff + ((b_ >> 16) & 1); \
  (f16v)(((near_ & ~nan_) | ((b_ | 0x400000) & nan_)) & 0xffff0000u); })
#define ROUND_TO_HALF(x) __builtin_convertvector((u16v)ROUND(x) >> 16, h16v)

// The sum of 16 lanes, pairwise: halves are added until one value is left.
#define REDUCE(value) ({ __auto_type v_ = (value); \
  __auto_type v8_ = v_.lo + v_.hi; __auto_type v4_ = v8_.lo + v8_.hi; \
  __auto_type v2_ = v4_.lo + v4_.hi; v2_.x + v2_.y; })

// Brings to the cache what a loop over several arrays will come to two kilobytes on. The processor's own
// prefetchers follow each array to the end of a page only, and a step of an optimizer follows four.
#define AHEAD(a) __builtin_prefetch((a) + i + 512)
// The same for what will be written: a line that other processors have read is taken from them on the way,
// instead of when it is stored to.
#define AHEAD_TO_WRITE(a) __builtin_prefetch((a) + i + 512, 1)

#endif
