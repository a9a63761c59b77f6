// Kernels of graph operations that oneDNN does not have, or not with fixed bits: losses, softmax,
// dropout, generic strided copies. All arrays are plain row-major.
#ifndef LOCKSTEP_GRAPH_KERNELS_H
#define LOCKSTEP_GRAPH_KERNELS_H


// The key of a dropout mask; see Dropout.swift for the definition.
typedef struct {
  uint32_t key_low, key_high;    // seed low ^ layer key * 0x9E3779B9, seed high
  uint32_t step_low, step_high;
  uint32_t first_example;        // index of row 0 in the global batch
  uint32_t threshold;            // an element is kept if its random word is at least this
  float scale;                   // what kept elements are multiplied by
} lockstep_dropout;

typedef struct {
  // Summed losses over n rows; weights may be NULL. A label outside 0..<c gives NaN, unless the row
  // weighs 0: such a row is not looked at, costs nothing and has no gradient.
  double (*softmax_cross_entropy)(const float *x, const int32_t *labels, const float *weights,
                                  size_t n, size_t c, float smoothing);
  void (*softmax_cross_entropy_gradient)(float *dx, float d, const float *x, const int32_t *labels,
                                         const float *weights, size_t n, size_t c, float smoothing);
  double (*binary_cross_entropy)(const float *x, const float *t, const float *weights, size_t n,
                                 size_t c);
  void (*binary_cross_entropy_gradient)(float *dx, float d, const float *x, const float *t,
                                        const float *weights, size_t n, size_t c);
  double (*squared_error)(const float *x, const float *t, const float *weights, size_t n, size_t c);
  void (*squared_error_gradient)(float *dx, float d, const float *x, const float *t,
                                 const float *weights, size_t n, size_t c);
  // T^2 KL(softmax(t / T) || softmax(x / T)), summed over n rows; weights may be NULL.
  double (*distillation)(const float *x, const float *t, const float *weights, size_t n, size_t c,
                         float temperature);
  void (*distillation_gradient)(float *dx, float d, const float *x, const float *t,
                                const float *weights, size_t n, size_t c, float temperature);
  void (*softmax)(float *y, const float *x, size_t n, size_t c);
  // y = x - log sum e^x, row by row.
  void (*log_softmax)(float *y, const float *x, size_t n, size_t c);
  // y = mask * x * scale over n rows (examples) of c elements; y may be x.
  void (*dropout)(float *y, const float *x, size_t n, size_t c, const lockstep_dropout *mask);
  // The same on bfloat16 numbers, given by their bits.
  void (*dropout_bf16)(uint16_t *y, const uint16_t *x, size_t n, size_t c,
                       const lockstep_dropout *mask);
  // y = x * scale; y may be x.
  void (*scale)(float *y, const float *x, float scale, size_t n);
  // sum[j] = x[0][j] + x[1][j] + ..., row after row, for x of n rows of c values.
  void (*sum_rows)(float *sum, const float *x, size_t n, size_t c);
  // The same of bfloat16 numbers, with a Float32 sum.
  void (*sum_bf16_rows)(float *sum, const uint16_t *x, size_t n, size_t c);
  // Row-major rows to panels of `width` of them, each stored column by column, `panel` values from
  // one to the next: row r, column j goes to out[r / width * panel + j * width + r % width]. What
  // pads the last panel is not written.
  void (*pack_panels)(float *out, const float *in, size_t rows, size_t columns, size_t width,
                      size_t panel);
  // The same, rounded to bfloat16, with columns in pairs: row r, column j goes to
  // out[r / width * panel + j / 2 * 2 * width + r % width * 2 + j % 2].
  void (*pack_bf16_panels)(uint16_t *out, const float *in, size_t rows, size_t columns,
                           size_t width, size_t panel);
} lockstep_graph_kernels;

// The table of an instruction set; the next lower one where this build lacks it.
const lockstep_graph_kernels *lockstep_graph_kernels_for(lockstep_isa isa);

// How many rows of x [n, c] are largest at their label; the first of equal ones counts.
size_t lockstep_count_argmax(const float *x, const int32_t *labels, size_t n, size_t c);
// How many of n values are positive exactly where the target is above one half.
size_t lockstep_count_sign(const float *x, const float *targets, size_t n);

// Copies 4-byte elements between strided arrays; a source stride of 0 repeats. Strides count
// elements.
void lockstep_strided_copy(void *to, const void *from, int rank, const int64_t *shape,
                           const int64_t *to_strides, const int64_t *from_strides);

#endif
