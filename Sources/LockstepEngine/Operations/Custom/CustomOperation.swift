/// An operation that a program brings itself: a pure function from tensors to tensors, with its rules of
/// differentiation.
///
/// A conforming value holds the operation's hyperparameters. `tensor.apply(operation, …)` or
/// `graph.apply(operation, tensors)` applies it in a model or a loss. A shard at a time, it runs by its
/// Float32 computation where it is a ``Float32Operation``, else by its reference, whose results are rounded
/// to Float32 once. Both must depend on the inputs alone, so that a run gives the same bits on any number of
/// ranks.
public protocol CustomOperation: Sendable {
  /// The operation's name in errors and profiles.
  var name: String { get }

  /// What the operation asks of the values that it reads where a model is computed in bfloat16. It is
  /// handed Float32 values in any case; they have been rounded before, or have not.
  var precisionRole: PrecisionRole { get }

  /// The number of results; 1 where nothing else is said.
  var resultCount: Int { get }

  /// Whether an input, by its index, may hold integers; no input where nothing else is said.
  func acceptsIntegers(_ input: Int) -> Bool

  /// The shapes of the results. An error says in which way the inputs do not fit; it fails the trace, under
  /// the names of the layer and the operation.
  func infer(_ inputs: [TensorType]) throws -> [TensorType]

  /// The reverse rule: the gradients of a scalar by the inputs, made of operations of tensors.
  ///
  /// - Parameters:
  ///   - inputs: what the operation was applied to.
  ///   - results: what it gave.
  ///   - gradients: the scalar's gradients by the results; nil stands for zero, and one at least is there.
  /// - Returns: for each input the gradient, of its shape; nil where none flows.
  func reverse(inputs: [Tensor], results: [Tensor], gradients: [Tensor?]) -> [Tensor?]

  /// The forward rule, for second-order methods: the derivatives of the results along a direction.
  ///
  /// - Parameters:
  ///   - inputs: what the operation was applied to.
  ///   - results: what it gave.
  ///   - tangents: the inputs' derivatives; nil stands for zero, and one at least is there.
  /// - Returns: for each result its derivative, of its shape, or nil for zero. Nil instead of a list, which
  ///   is the default, means that the operation has no such rule.
  func tangent(inputs: [Tensor], results: [Tensor], tangents: [Tensor?]) -> [Tensor?]?

  /// The operation's meaning in Double, short and obvious: what rules and computation are tested against.
  /// Integers are passed and given as whole Doubles.
  func evaluate(_ inputs: [HostTensor]) throws -> [HostTensor]
}

/// A custom operation with a computation in Float32, which runs in place of its reference.
public protocol Float32Operation: CustomOperation {
  /// Computes the results.
  ///
  /// - Parameters:
  ///   - inputs: the values of the inputs.
  ///   - results: tensors of the results' shapes, to be filled. They hold what an earlier call left.
  func compute(_ inputs: [HostValues], into results: inout [HostValues]) throws
}

extension CustomOperation {
  public var resultCount: Int { 1 }
  public func acceptsIntegers(_ input: Int) -> Bool { false }
  public func tangent(
    inputs: [Tensor], results: [Tensor], tangents: [Tensor?]
  ) -> [Tensor?]? { nil }
}

/// A tensor's values while a custom operation computes, row-major.
public struct HostValues: Sendable, Equatable {
  /// The shape and scalar type.
  public let type: TensorType
  /// The values of a Float32 tensor; empty for integers.
  public var values: [Float]
  /// The values of an integer tensor; empty for Float32.
  public var integers: [Int32]

  /// The dimensions.
  public var shape: [Int] { type.shape }

  init(_ type: TensorType) {
    self.type = type
    values = type.scalar == .float32 ? Array(repeating: 0, count: type.count) : []
    integers = type.scalar == .int32 ? Array(repeating: 0, count: type.count) : []
  }
}
