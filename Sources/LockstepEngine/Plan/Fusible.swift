// What operations say of themselves so that a plan can compute two of them as one.

/// An elementwise function of one tensor that the operation before it can apply to its result.
protocol PostOperation: Operation {
  /// The function; nil where the gradient needs the argument, which fusing leaves out.
  var postOperation: Eltwise? { get }
  /// Whether it is max(x, 0).
  var isRectifier: Bool { get }
}

/// The gradient of a ``PostOperation``, from dy and the function's result.
protocol PostOperationGradient: Operation {}

/// An operation whose lowering applies a ``PostOperation`` to its first result.
protocol AbsorbsPostOperation: Operation {}

/// A normalisation whose lowering rectifies its first result.
protocol AbsorbsRectifier: Operation {
  /// Whether the gradient that rectifies reads the shift, the third input, once more.
  var rectifiedGradientReadsShift: Bool { get }
}

/// The gradient of an ``AbsorbsRectifier``, from x, dy, γ and the mean, the fourth input.
protocol AbsorbsRectifierGradient: Operation {}

/// A weight gradient Σᵢ dyᵢ xᵢᵀ, its first result, from rows x and dy, its inputs: a sum of outer
/// products.
protocol OuterProductGradient: Operation {}

/// The same values in the same order under another shape.
protocol View: Operation {}
