import LockstepEngine

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
/// `output`. Inputs that are categories can become vectors, which stand behind the first input's values. Heads
/// can stand on the model, each with an output of its own.
package struct SingleInputModel: MultipleInputModel {
  /// The name of the output.
  package static let outputName = "output"

  /// An input that is a category.
  package struct Category: Sendable {
    /// The input's name.
    let name: String
    /// Turns its integers into vectors.
    let embedding: any Model

    /// An input of this name, whose integers become vectors.
    package init(_ name: String, _ embedding: any Model) {
      self.name = name
      self.embedding = embedding
    }
  }

  /// What makes an output of the model's features.
  package struct Head: Sendable {
    /// The output's name.
    let name: String
    /// What is applied to the features.
    let model: any Model

    /// A head whose output has this name.
    package init(_ name: String, _ model: any Model) {
      self.name = name
      self.model = model
    }
  }

  /// The model.
  package let model: any Model
  /// The inputs that become vectors.
  private let categories: [Category]
  /// What stands on the model.
  private let heads: [Head]

  /// Makes the model one of named inputs and outputs. Names of parameters stay as they are; vectors of
  /// categories are `embeddings.0.weight` and so on, and parameters of heads `heads.0.weight` or
  /// `heads.0.1.weight`.
  package init(_ model: any Model, categories: [Category] = [], heads: [Head] = []) {
    self.model = model
    self.categories = categories
    self.heads = heads
  }

  /// What has layers, by the names in front of theirs.
  var parts: [(name: String, value: Any)] {
    [("", model)] + (categories.isEmpty ? [] : [("embeddings", categories.map(\.embedding))])
      + (heads.isEmpty ? [] : [("heads", heads.map(\.model))])
  }

  /// The outputs for the input of the model.
  private func outputs(_ input: Tensor) -> NamedTensors {
    let features = model(input)
    if heads.isEmpty { return [Self.outputName: features] }
    if features.shape.count != 2 {
      features.graph.fail(
        "heads stand on features [N, F], and the model's output is \(features.shape): end it with a layer that "
          + "flattens or pools")
    }
    return NamedTensors(heads.map { ($0.name, $0.model(features)) })
  }

  package func callAsFunction(_ inputs: NamedTensors) -> NamedTensors {
    guard let input = inputs.entries.first?.tensor else { return [:] }
    guard !categories.isEmpty else { return outputs(input) }
    let names = categories.map(\.name)
    let numbers = inputs.entries.filter { !names.contains($0.name) }.map(\.tensor)
    let vectors = categories.map { $0.embedding(inputs[$0.name]) }
    if let odd = numbers.first(where: { $0.shape.count != 2 }) {
      odd.graph.fail("categories stand beside numbers [N, F], and the input is \(odd.shape)")
    }
    return outputs(Tensor.concatenated(numbers + vectors, axis: 1))
  }
}
