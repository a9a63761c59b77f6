/// A model of several named inputs, several named outputs, or both.
///
/// ```swift
/// struct Tagger: MultipleInputModel {
///   let embedding = Linear(300, 64)
///   let tags = Linear(64 + 8, 12)
///   let language = Linear(64, 3)
///
///   func callAsFunction(_ inputs: NamedTensors) -> NamedTensors {
///     let hidden = embedding(inputs["words"]).relu()
///     let both = Tensor.concatenated([hidden, inputs["features"]], axis: 1)
///     return ["tags": tags(both), "language": language(hidden)]
///   }
/// }
/// ```
///
/// Inputs have the names of the fields of the examples. Layers and parameters are named as those of a
/// ``Model``, which is the simple case: one input, one output.
public protocol MultipleInputModel: Sendable {
  /// The model's outputs for symbolic inputs.
  func callAsFunction(_ inputs: NamedTensors) -> NamedTensors
}

/// A ``Model`` as one of named inputs and outputs: it takes the first input, and its output is named
/// `output`.
package struct SingleInputModel: MultipleInputModel {
  /// The name of the output.
  package static let outputName = "output"

  /// The model.
  package let model: any Model

  /// Makes the model one of named inputs and outputs. Names of parameters stay as they are.
  package init(_ model: any Model) { self.model = model }

  package func callAsFunction(_ inputs: NamedTensors) -> NamedTensors {
    guard let input = inputs.entries.first?.tensor else { return [:] }
    return [Self.outputName: model(input)]
  }
}
