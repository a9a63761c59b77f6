public import LockstepEngine

/// A function of a tensor with parameters: a layer, or a value that is composed of layers.
///
/// A model is written in plain Swift. Its layers are stored properties, its call says what it
/// computes, branches, loops and shared layers included:
///
/// ```swift
/// struct Classifier: Model {
///   let fc1 = Linear(784, 128)
///   let fc2 = Linear(128, 10)
///   func callAsFunction(_ input: Tensor) -> Tensor { fc2(fc1(input).relu()) }
/// }
/// ```
///
/// Parameters are named by the properties that lead to them, as in PyTorch's `state_dict`:
/// `fc1.weight`; layers in arrays by their index, `blocks.0.conv1.weight`. Their order is the order
/// of declaration, whatever the order of calls.
public protocol Model: Sendable {
  /// The model's result for a symbolic tensor.
  func callAsFunction(_ input: Tensor) -> Tensor
}

/// A model that owns parameters, or appears under its own name in messages.
///
/// A layer is a struct of hyperparameters; its parameters belong to its ``identity``. Copies
/// of a layer share the identity, and with it the parameters: `Array(repeating: Linear(8, 8), count:
/// 3)` is one layer, applied three times.
public protocol Layer: Model {
  /// What tells the layer from others: `let identity = LayerIdentity()`.
  var identity: LayerIdentity { get }

  /// The layer's result. Parameters and running statistics are declared by asking `scope` for them.
  func forward(_ input: Tensor, _ scope: LayerScope) -> Tensor
}

extension Layer {
  /// Applies the layer; after a failure of the trace tensors pass unchanged.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    let graph = input.graph
    guard !graph.hasFailed else { return input }
    let outer = graph.scope
    defer { graph.scope = outer }
    let name = graph.name(of: identity)
    if let name { graph.scope = name }
    let output = forward(input, LayerScope(graph: graph, name: name, kind: "\(Self.self)"))
    if let name, !name.isEmpty { graph.note(layer: name, output) }
    return output
  }
}

/// A layer's access to the graph while it is called.
public struct LayerScope {
  /// The graph that records the call: for constants, and for what the scope has no method for.
  public let graph: Graph
  /// The layer's dotted name, `encoder.0`, empty for the model itself; nil where the layer is no part
  /// of the model that is traced.
  package let name: String?
  /// The layer's type, `Linear`.
  package let kind: String

  /// Whether the model is traced for training.
  public var training: Bool { graph.training }

  /// The layer's parameter of a name, `weight`; declared when it is first asked for.
  public func parameter(
    _ name: String, _ shape: [Int], _ initializer: any Initializer,
    constraint: WeightConstraint? = nil, trainable: Bool = true
  ) -> Tensor {
    graph.parameter(
      ParameterSpecification(
        name: dotted(name), shape: shape, initializer: initializer, constraint: constraint,
        trainable: trainable, layerKind: kind))
  }

  /// The current value of the layer's running statistic of a name, `running_mean`.
  public func statistic(
    _ name: String, _ shape: [Int], initialValue: Float, momentum: Float
  ) -> Tensor {
    graph.statistic(
      StatisticSpecification(
        name: dotted(name), shape: shape, initialValue: initialValue, momentum: momentum))
  }

  /// Fails the trace unless a condition holds, and returns whether it does.
  public func require(_ condition: Bool, _ message: @autoclosure () -> String) -> Bool {
    if !condition { graph.fail(message()) }
    return condition
  }

  /// A name below the layer's own.
  func dotted(_ name: String) -> String {
    guard let owner = self.name else {
      graph.fail(
        "a \(kind) layer is called that is not reached from the model's stored properties, so that its parameters have no name; store it in a property or an array of the model"
      )
      return name
    }
    return joined(owner, name)
  }
}

/// Two parts of a dotted name.
func joined(_ prefix: String, _ name: String) -> String {
  prefix.isEmpty ? name : "\(prefix).\(name)"
}
