internal import COneDNN

/// An elementwise function as oneDNN names it.
struct Eltwise {
  let algorithm: dnnl_alg_kind_t
  let alpha: Float
  let beta: Float

  init(_ algorithm: dnnl_alg_kind_t, _ alpha: Float = 0, _ beta: Float = 0) {
    self.algorithm = algorithm
    self.alpha = alpha
    self.beta = beta
  }
}
