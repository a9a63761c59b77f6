public import LockstepEngine

/// Models one behind the other, named by their index as in PyTorch (`0.weight`), or by names of
/// their own.
///
/// ```swift
/// let model = Sequential {
///   Flatten()
///   Linear(784, 128)
///   ReLU()
///   Linear(128, 10)
/// }
/// ```
public struct Sequential: Model, CustomReflectable {
  /// The models, in the order they are applied.
  package let models: [any Model]
  /// The name of each model: its index by default.
  package let names: [String]

  /// Makes a model with the models of an array, named by their index, PyTorch's `Sequential(*models)`.
  public init(_ models: [any Model]) {
    self.init(named: models.enumerated().map { ("\($0)", $1) })
  }
  /// Models with names of their own, as of PyTorch's `Sequential(OrderedDict(…))`. Names are
  /// unique and without dots; others make the trace fail.
  public init(named models: [(name: String, model: any Model)]) {
    self.models = models.map(\.model)
    self.names = models.map(\.name)
  }
  /// Makes a model with the models that a closure lists, named by their index.
  public init(@ModelBuilder _ models: () -> [any Model]) { self.init(models()) }

  public func callAsFunction(_ input: Tensor) -> Tensor {
    var seen: Set<String> = []
    for name in names {
      if name.isEmpty || name.contains(".") {
        input.graph.fail(
          "a Sequential has a model named '\(name)'; names have no dots and are not empty")
      }
      if !seen.insert(name).inserted {
        input.graph.fail("two models of a Sequential are named '\(name)'; names must be unique")
      }
    }
    return models.reduce(input) { $1($0) }
  }

  /// The models under their names, without a property's name in between.
  public var customMirror: Mirror {
    Mirror(
      self, children: zip(names, models).map { (label: $0 as String?, value: $1 as Any) },
      displayStyle: .struct)
  }
}

/// Collects the models of a ``Sequential``; `if`, `switch` and `for` work.
@resultBuilder
public enum ModelBuilder {
  /// One model.
  public static func buildExpression(_ model: any Model) -> [any Model] { [model] }
  /// Several models, an array's say.
  public static func buildExpression(_ models: [any Model]) -> [any Model] { models }
  /// All models of a block, in order.
  public static func buildBlock(_ parts: [any Model]...) -> [any Model] { parts.flatMap { $0 } }
  /// The models of an `if` without `else`; none where its condition is false.
  public static func buildOptional(_ part: [any Model]?) -> [any Model] { part ?? [] }
  /// The models of an `if`'s first branch, or of a `switch`'s earlier cases.
  public static func buildEither(first part: [any Model]) -> [any Model] { part }
  /// The models of an `if`'s second branch, or of a `switch`'s later cases.
  public static func buildEither(second part: [any Model]) -> [any Model] { part }
  /// The models of all rounds of a `for`, in order.
  public static func buildArray(_ parts: [[any Model]]) -> [any Model] { parts.flatMap { $0 } }
}
