// Products of a dense layer for the few examples of a shard, Float32.
//
// Weights are read where they lie, once for up to 128 examples: with few examples, packing them costs
// as much as a part of the product. Examples lie side by side in a vector, so that every element of a
// result is one chain of fused multiply-adds in the order of the summation index: its bits depend on
// neither the number of examples nor the width of registers.
#ifndef LOCKSTEP_DENSE_KERNELS_H
#define LOCKSTEP_DENSE_KERNELS_H

typedef struct {
  // y[n][out] = x[n][in] · w[out][in]ᵀ + bias[out]; bias may be NULL. Where it rectifies, negative
  // results become 0.
  void (*forward)(float *y, const float *x, const float *w, const float *bias, int rectifies,
                  size_t n, size_t in, size_t out, float *scratch);
  // dx[n][in] = dy[n][out] · w[out][in].
  void (*input_gradient)(float *dx, const float *dy, const float *w, size_t n, size_t in,
                         size_t out, float *scratch);
  // dw[out][in] = dy[n][out]ᵀ · x[n][in] for each of some shards of n examples, whose factors lie one
  // behind the other, added up as the fold's tree adds shards; where it adds, dw + that, rounded once
  // more. The shards are a power of two, 256 at most.
  void (*weight_gradient)(float *dw, const float *dy, const float *x, int adds, size_t n,
                          size_t shards, size_t in, size_t out, float *scratch);
  // weight_gradient in parts, which may be made by different threads: lays x[n][in] and dy[n][out], the
  // examples `first`... of `all`, where weight_rows reads them...
  void (*lay_columns)(float *columns, const float *x, size_t first, size_t n, size_t all,
                      size_t in);
  void (*lay_rows)(float *rows, const float *dy, size_t first, size_t n, size_t all, size_t out);
  // ... and writes dw[count][in], `count` rows of the gradient from row `first` on. Sums of 2^rounded
  // shards or more, but not that of all, are rounded to bf16 numbers; none where rounded is 8.
  void (*weight_rows)(float *dw, const float *rows, const float *columns, int adds, size_t rounded,
                      size_t n, size_t shards, size_t in, size_t first, size_t count,
                      float *scratch);
  // Products with the same weights again and again: lays w[out][in] as it multiplies dy, or as it
  // multiplies x...
  void (*lay_inputs)(float *panels, const float *w, size_t in, size_t out);
  void (*lay_outputs)(float *panels, const float *w, size_t in, size_t out);
  // ... and y[n][columns] = x[n][terms] times what was laid: terms are out and columns in, or the reverse.
  void (*multiply)(float *y, const float *x, const float *panels, size_t n, size_t terms,
                   size_t columns);
} lockstep_dense_kernels;

// The table of an instruction set; NULL where it has no fused multiply-add.
const lockstep_dense_kernels *lockstep_dense_kernels_for(lockstep_isa isa);

// How many floats of scratch, 64-byte aligned, every function of a table may write for n examples, of
// all shards together.
size_t lockstep_dense_scratch(size_t n, size_t in, size_t out);

// How many floats lay_columns and lay_rows lay for n examples, in all tables.
size_t lockstep_dense_columns(size_t n, size_t in);
size_t lockstep_dense_rows(size_t n, size_t out);

// How many floats lay_inputs and lay_outputs lay, in all tables.
size_t lockstep_dense_panels(size_t in, size_t out);

// How many floats of scratch weight_rows may write.
size_t lockstep_dense_gradient_scratch(void);

#endif
