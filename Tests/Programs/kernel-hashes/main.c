// Prints a hash of what each vector kernel gives for fixed numbers: `kernel-hashes [ISA]`, 0 for the baseline.
// The output is the same for every instruction set and processor that the kernels promise the same bits for, so
// that scripts/check-aarch64.sh can compare two of them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep_kernels.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

// Numbers of many magnitudes and both signs, the same for each kernel.
static uint64_t state;
static float number(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  const float unit = (float)(int32_t)(state >> 32) * 0x1p-31f;
  return unit * (float)(1u << (state >> 8 & 7)) * 0.125f;
}
static float *numbers(size_t count) {
  float *values = aligned_alloc(64, (count * sizeof(float) + 127) / 64 * 64);
  for (size_t i = 0; i < count; i++) values[i] = number();
  return values;
}
static float *positive(size_t count) {
  float *values = numbers(count);
  for (size_t i = 0; i < count; i++) values[i] = values[i] < 0 ? 0.01f - values[i] : 0.01f + values[i];
  return values;
}
static float *zeros(size_t count) {
  float *values = numbers(count);
  memset(values, 0, count * sizeof(float));
  return values;
}

static void tell(const char *name, const void *bytes, size_t size) {
  uint64_t hash = 14695981039346656037u;
  for (size_t i = 0; i < size; i++) hash = (hash ^ ((const uint8_t *)bytes)[i]) * 1099511628211u;
  printf("%-32s %016llx\n", name, (unsigned long long)hash);
}
static void tell_floats(const char *name, const float *values, size_t count) {
  tell(name, values, count * sizeof(float));
}
static void tell_double(const char *name, double value) { tell(name, &value, sizeof value); }

// No multiple of 16, so that every kernel has a rest.
enum { N = 1003 };

static void arenas(lockstep_isa isa) {
  const lockstep_arena_kernels *k = lockstep_arena_kernels_for(isa);
  const lockstep_vector_kernels *v = lockstep_vector_kernels_for(isa);
  const lockstep_wire_kernels *w = lockstep_wire_kernels_for(isa);
  float *a = numbers(N), *b = numbers(N), *d = positive(N), *out = zeros(N);
  uint16_t half[N];
  k->add(out, a, b, N);
  tell_floats("arena.add", out, N);
  k->divide(out, a, 3.7f, N);
  tell_floats("arena.divide", out, N);
  tell_double("arena.sum", k->sum(a, N));
  tell_double("arena.sum_of_squares", k->sum_of_squares(a, N));
  tell_double("vector.dot", v->dot(a, b, N));
  v->precondition(out, a, d, 0.3f, N);
  tell_floats("vector.precondition", out, N);
  w->add_round(out, a, b, N);
  tell_floats("wire.add_round", out, N);
  w->round(out, a, N);
  w->pack(half, out, N);
  tell("wire.pack", half, sizeof half);
  w->unpack(out, half, N);
  tell_floats("wire.unpack", out, N);
}

static void updates(lockstep_isa isa) {
  const lockstep_update_kernels *k = lockstep_update_kernels_for(isa);
  float *p = numbers(N), *g = numbers(N), *m = numbers(N), *v = positive(N), *s = positive(N), *out = zeros(N);
  const lockstep_adam adam = {0.1f, 0.999f, 0.001f, 1.5f, 0.9f, 1e-8f, 0};
  const lockstep_momentum momentum = {0.9f, 1, 1, 1};
  const lockstep_rms rms = {0.99f, 0.01f, 1e-8f, 0};
  const lockstep_fused_step fused = {0.7f, 0.01f, 0.02f, 0.003f, 1, 1};
  k->momentum(out, g, m, &momentum, N);
  tell_floats("update.momentum", out, N);
  k->adam(out, g, m, v, NULL, &adam, N);
  tell_floats("update.adam", out, N);
  k->adam_step(p, g, m, v, &adam, &fused, N);
  tell_floats("update.adam_step", p, N);
  k->momentum_step(p, g, m, &momentum, &fused, N);
  tell_floats("update.momentum_step", p, N);
  k->rms(out, g, v, m, &rms, N);
  tell_floats("update.rms", out, N);
  k->adagrad(out, g, s, 0.5f, 1e-8f, 0, N);
  tell_floats("update.adagrad", out, N);
  k->adadelta(out, g, v, s, 0.9f, 0.1f, 1e-6f, N);
  tell_floats("update.adadelta", out, N);
  k->lion(out, g, m, 0.1f, 0.01f, N);
  tell_floats("update.lion", out, N);
  tell_double("update.sum_of_powers", k->sum_of_powers(g, 3, N));
  tell_double("update.largest_magnitude", k->largest_magnitude(g, N));
  tell_double("update.regularize", k->regularize(g, p, 0.01, 0.02, N));
  tell_floats("update.regularize gradient", g, N);
}

static void graphs(lockstep_isa isa) {
  enum { rows = 37, columns = 27, all = rows * columns };
  const lockstep_graph_kernels *k = lockstep_graph_kernels_for(isa);
  const lockstep_row_kernels *r = lockstep_row_kernels_for(isa);
  float *x = numbers(all), *t = numbers(all), *w = positive(rows), *y = zeros(all);
  int32_t labels[rows];
  for (int i = 0; i < rows; i++) labels[i] = i % columns;
  tell_double("graph.cross_entropy", k->softmax_cross_entropy(x, labels, w, rows, columns, 0.1f));
  k->softmax_cross_entropy_gradient(y, 0.5f, x, labels, w, rows, columns, 0.1f);
  tell_floats("graph.cross_entropy gradient", y, all);
  tell_double("graph.squared_error", k->squared_error(x, t, w, rows, columns));
  tell_double("graph.binary_cross_entropy", k->binary_cross_entropy(x, t, w, rows, columns));
  tell_double("graph.distillation", k->distillation(x, t, w, rows, columns, 2));
  k->softmax(y, x, rows, columns);
  tell_floats("graph.softmax", y, all);
  k->log_softmax(y, x, rows, columns);
  tell_floats("graph.log_softmax", y, all);
  const lockstep_dropout mask = {7, 8, 9, 0, 3, 1u << 30, 1.333f};
  k->dropout(y, x, rows, columns, &mask);
  tell_floats("graph.dropout", y, all);
  k->sum_rows(y, x, rows, columns);
  tell_floats("graph.sum_rows", y, columns);

  float *gamma = numbers(columns), *beta = numbers(columns), *mean = zeros(rows), *inverse = zeros(rows);
  double dgamma[32] = {0}, dbeta[32] = {0};
  r->normalize(y, mean, inverse, x, gamma, beta, rows, columns, 1e-5, 1);
  tell_floats("row.normalize", y, all);
  r->gradient(y, dgamma, dbeta, t, x, gamma, mean, inverse, rows, columns, 1);
  tell_floats("row.gradient", y, all);
  tell("row.gradient of gamma", dgamma, columns * sizeof *dgamma);
}

static void images(lockstep_isa isa) {
  enum { planes = 3, height = 11, width = 13, side = 8, all = planes * height * width * side };
  const lockstep_pooling shape = {planes, height, width, 5, 6, 3, 3, 2, 2, 0, 0};
  const size_t results = planes * shape.rows * shape.columns * side;
  float *x = numbers(all), *y = zeros(results), *dy = numbers(results), *dx = zeros(all);
  uint8_t *places = (uint8_t *)zeros(results);
  const lockstep_pooling_kernels *k = lockstep_pooling_kernels_for(isa);
  k->maximum(y, places, x, side, &shape);
  tell_floats("pooling.maximum", y, results);
  k->maximum_gradient(dx, dy, places, side, &shape);
  tell_floats("pooling.maximum_gradient", dx, all);

  const lockstep_channels channels = {planes, side, height * width, side};
  double mean[side], squares[side], sums[side], products[side];
  float centre[side], *scale = positive(side), *shift = numbers(side), *constant = numbers(side),
        *slope = numbers(side);
  const lockstep_normalization_kernels *n = lockstep_normalization_kernels_for(isa);
  n->moments(mean, squares, x, &channels);
  tell("normalization.moments", squares, sizeof squares);
  for (int i = 0; i < side; i++) centre[i] = (float)mean[i];
  const lockstep_normalization known = {centre, scale, shift, constant, slope, 1};
  n->normalize(dx, x, &known, &channels);
  tell_floats("normalization.normalize", dx, all);
  n->gradient_sums(sums, products, dx, x, &known, &channels);
  tell("normalization.gradient_sums", products, sizeof products);
  n->gradient(dx, dx, x, &known, &channels);
  tell_floats("normalization.gradient", dx, all);
}

// Chains of fused multiply-adds, where the instruction set has these.
static void products(lockstep_isa isa) {
  enum { n = 32, in = 101, out = 67, shards = 4 };
  const lockstep_dense_kernels *k = lockstep_dense_kernels_for(isa);
  const lockstep_convolution_kernels *c = lockstep_convolution_kernels_for(isa);
  if (k == NULL) return;
  float *x = numbers(n * in), *w = numbers(out * in), *bias = numbers(out), *dy = numbers(n * out),
        *y = zeros(n * out), *dx = zeros(n * in), *dw = zeros(out * in),
        *panels = zeros(lockstep_dense_panels(in, out)), *scratch = zeros(lockstep_dense_scratch(n, in, out));
  k->forward(y, x, w, bias, 1, n, in, out, scratch);
  tell_floats("dense.forward", y, n * out);
  k->input_gradient(dx, dy, w, n, in, out, scratch);
  tell_floats("dense.input_gradient", dx, n * in);
  k->weight_gradient(dw, dy, x, 0, n / shards, shards, in, out, scratch);
  tell_floats("dense.weight_gradient", dw, out * in);
  k->lay_outputs(panels, w, in, out);
  k->multiply(y, x, panels, n, in, out);
  tell_floats("dense.multiply", y, n * out);

  const lockstep_convolution shape = {3, 2, 9, 10, 16, 8, 9, 10, 3, 3, 1, 1, 1, 1, 1, 1};
  enum { values = 3 * 2 * 9 * 10, results = 3 * 16 * 9 * 10, weights = 16 * 2 * 9 };
  float *image = numbers(values), *moved = numbers(results), *kernel = zeros(weights), *db = zeros(16),
        *room = zeros(lockstep_convolution_scratch(&shape));
  c->weight_gradient(kernel, db, image, moved, room, &shape);
  tell_floats("convolution.weight_gradient", kernel, weights);
  tell_floats("convolution.bias_gradient", db, 16);

  enum { channels = 24, outputs = 40, points = 7 * 9, taps = outputs * channels * 9 };
  const lockstep_winograd both = {2, channels, 7, 9, 8, outputs, 7, 9, 8, 1, 1};
  const lockstep_winograd_kernels *t = lockstep_winograd_kernels_for(isa);
  float *from = numbers(2 * channels * points), *to = zeros(2 * outputs * points), *given = numbers(taps),
        *turned = zeros(lockstep_winograd_weights(&both)), *own = zeros(lockstep_winograd_scratch(&both)),
        *offsets = numbers(outputs), *gradient = zeros(taps), *shift = zeros(outputs);
  t->weights(turned, given, 0, &both);
  tell_floats("winograd.weights", turned, lockstep_winograd_weights(&both));
  t->forward(to, from, turned, offsets, 1, own, &both);
  tell_floats("winograd.forward", to, 2 * outputs * points);
  t->weight_gradient(gradient, shift, from, to, own, &both);
  tell_floats("winograd.weight_gradient", gradient, taps);
  tell_floats("winograd.bias_gradient", shift, outputs);
}

static void sequences(lockstep_isa isa) {
  enum { n = 5, hidden = 19, positions = 3, gates = 4 * hidden };
  const lockstep_recurrent_kernels *k = lockstep_recurrent_kernels_for(isa);
  const int32_t lengths[n] = {3, 2, 3, 1, 3};
  const lockstep_recurrent_step step = {n, hidden, 1, positions, 0, 1, lengths};
  float *h = numbers(n * hidden), *c = numbers(n * hidden), *y = zeros(n * positions * hidden),
        *kept = zeros(n * positions * (gates + hidden)), *input = numbers(n * positions * gates),
        *recurrent = numbers(n * gates), *bias = numbers(gates), *sigmoid = zeros(N), *tanh = zeros(N);
  k->lstm_forward(y, h, c, kept, input, recurrent, bias, &step);
  tell_floats("recurrent.lstm_forward", h, n * hidden);
  k->gru_forward(y, h, kept, input, recurrent, bias, &step);
  tell_floats("recurrent.gru_forward", h, n * hidden);
  k->plain_forward(y, h, input, recurrent, bias, 0, &step);
  tell_floats("recurrent.plain_forward", h, n * hidden);
  float *x = numbers(N);
  k->gate_functions(sigmoid, tanh, x, N);
  tell_floats("recurrent.sigmoid", sigmoid, N);
  tell_floats("recurrent.tanh", tanh, N);

  const lockstep_rotary sizes = {2, 7, 3 * 16, 2 * 16, 16};
  float *turned = zeros(2 * 7 * 48), *rows = numbers(2 * 7 * 48), *cosines = numbers(7 * 8), *sines = numbers(7 * 8);
  const lockstep_rotary_kernels *turn = lockstep_rotary_kernels_for(isa);
  turn->neighbours(&sizes, turned, rows, cosines, sines);
  tell_floats("rotary.neighbours", turned, 2 * 7 * 48);
  turn->halves(&sizes, turned, rows, cosines, sines);
  tell_floats("rotary.halves", turned, 2 * 7 * 48);

  const lockstep_attention shape = {2, 2, 9, 9, 16, 32, 32, 1, 0.25f};
  enum { values = 2 * 9 * 32 };
  float *q = numbers(values), *keys = numbers(values), *v = numbers(values), *out = zeros(values),
        *statistics = zeros(2 * 2 * 9 * 2), *scratch = zeros(lockstep_attention_scratch(&shape)),
        *dq = zeros(values), *dk = zeros(values), *dv = zeros(values), *dy = numbers(values);
  const lockstep_attention_inputs in = {q, keys, v};
  const lockstep_attention_gradients gradients = {dq, dk, dv};
  const lockstep_attention_kernels *attention = lockstep_attention_kernels_for(isa);
  attention->forward(&shape, out, statistics, &in, NULL, NULL, scratch);
  tell_floats("attention.forward", out, values);
  attention->gradient(&shape, &gradients, dy, out, statistics, &in, NULL, NULL, scratch);
  tell_floats("attention.gradient by q", dq, values);
  tell_floats("attention.gradient by k", dk, values);
  tell_floats("attention.gradient by v", dv, values);

  const lockstep_stream stream = {1, 2, 3, 4};
  float *noise = zeros(N);
  lockstep_noise_kernels_for(isa)->add_normal(noise, N, 1.5f, 64, &stream);
  tell_floats("noise.add_normal", noise, N);
  lockstep_power(noise, positive(N), 1.7f, N);
  tell_floats("tensor.power", noise, N);
  lockstep_sinusoid(noise, x, N, 1);
  tell_floats("tensor.cosine", noise, N);
}

int main(int count, char **arguments) {
  const lockstep_isa isa = count > 1 ? (lockstep_isa)atoi(arguments[1]) : lockstep_isa_detect();
  fprintf(stderr, "kernel-hashes: %s of %s\n", lockstep_isa_name(isa), lockstep_isa_name(lockstep_isa_detect()));
  volatile float tiny = 0x1p-130f;
  if (!lockstep_flush_denormals() || tiny * 0.5f != 0 || tiny + tiny != 0) {
    fprintf(stderr, "kernel-hashes: denormal numbers are not flushed to zero\n");
    return 1;
  }
  void (*const groups[])(lockstep_isa) = {arenas, updates, graphs, images, sequences, products};
  for (size_t i = 0; i < COUNT(groups); i++) {
    state = 20260101 + i;
    groups[i](isa);
  }
  return 0;
}
