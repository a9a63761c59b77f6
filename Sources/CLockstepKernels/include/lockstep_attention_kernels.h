// Scaled dot-product attention, Float32, head by head.
//
// y[t] = sum over s of f(t, s) p(t, s) v[s], with p = softmax over s of scale q[t] . k[s], and f the factor of
// dropout. Scores are made for a block of query rows at a time and never stored whole. Each element of a
// result is one chain of fused multiply-adds in the order of the summation index, so that its bits depend on
// neither the examples beside it nor the width of registers nor the size of blocks.
#ifndef LOCKSTEP_ATTENTION_KERNELS_H
#define LOCKSTEP_ATTENTION_KERNELS_H

typedef struct {
  size_t examples, heads, queries, keys;
  size_t width;                      // of a head
  size_t query_stride, key_stride;   // from one row of q to the next, and of k and v
  int causal;                        // whether query t sees keys 0...t alone
  float scale;
} lockstep_attention;

// Where the first example's first rows begin. Heads lie one behind the other in a row.
typedef struct {
  const float *q, *k, *v;
} lockstep_attention_inputs;

typedef struct {
  float *q, *k, *v;
} lockstep_attention_gradients;

// `lengths` are the numbers of keys that each example has, or NULL for all; an example with another number
// than 0...keys becomes not-a-number. `mask` is the dropout of p[heads][queries][keys], or NULL. `statistics`
// are the largest score before scaling and 1 / sum of exponentials, for examples x heads x queries. y has rows
// of heads x width.
typedef struct {
  void (*forward)(const lockstep_attention *shape, float *y, float *statistics,
                  const lockstep_attention_inputs *in, const int32_t *lengths,
                  const lockstep_dropout *mask, float *scratch);
  // The gradients by q, k and v, which have the strides of these.
  void (*gradient)(const lockstep_attention *shape, const lockstep_attention_gradients *out,
                   const float *dy, const float *y, const float *statistics,
                   const lockstep_attention_inputs *in, const int32_t *lengths,
                   const lockstep_dropout *mask, float *scratch);
  // The derivative of y where q, k and v move by `movement`.
  void (*tangent)(const lockstep_attention *shape, float *dy, const float *statistics,
                  const lockstep_attention_inputs *in, const lockstep_attention_inputs *movement,
                  const int32_t *lengths, const lockstep_dropout *mask, float *scratch);
} lockstep_attention_kernels;

// The table of an instruction set; the next lower one where this build lacks it. All give the same bits.
const lockstep_attention_kernels *lockstep_attention_kernels_for(lockstep_isa isa);

// How many floats of scratch, 64-byte aligned, every function of a table may write.
size_t lockstep_attention_scratch(const lockstep_attention *shape);

#endif
