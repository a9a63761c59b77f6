import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepLayers

/// Windows of made-up tokens, some of whose positions do not count: by example, a different number.
struct MarkedTokens: ExampleSource {
  static let vocabulary = 7
  static let length = 5
  static let ignored: Int32 = -100

  let windows: TokenWindows
  /// Whether some positions do not count.
  let marks: Bool

  init(count: Int, marks: Bool = true) throws {
    // A rule that a model can learn, with exceptions.
    let tokens = (0..<count * Self.length + 1).map { place in
      UInt16((place * place / 3 + place % 4) % Self.vocabulary)
    }
    windows = try TokenWindows(
      TokenStream(tokens, name: "tokens"), length: Self.length, vocabulary: Self.vocabulary)
    self.marks = marks
  }

  var name: String { windows.name }
  var count: Int { windows.count }
  var inputFields: [ExampleField] { windows.inputFields }
  var labelFields: [ExampleField] {
    [
      ExampleField(
        ExampleField.labelName, [Self.length], .int32(limit: Self.vocabulary),
        ignored: Self.ignored)
    ]
  }
  var fingerprint: Fingerprint {
    .tree([("windows", windows.fingerprint), (marks ? "marked" : "whole", Fingerprint(of: "1"))])
  }

  /// Whether a position of an example counts. Of every third example none does.
  func counts(_ position: Int, of example: Int) -> Bool {
    !marks || example % 3 != 0 && position < 1 + example % Self.length
  }

  func load(
    _ field: ExampleField, of examples: ArraySlice<Int>, into values: inout MutableSpan<Int32>
  ) throws {
    try windows.load(field, of: examples, into: &values)
    guard field.name == ExampleField.labelName else { return }
    for (place, example) in examples.enumerated() {
      for position in 0..<Self.length where !counts(position, of: example) {
        values[place * Self.length + position] = Self.ignored
      }
    }
  }
}

/// A model of tokens: fixed features of each, and a linear map to logits.
struct TokenModel: Model {
  static let features = 3
  let hidden = Linear(6)
  let head = Linear(MarkedTokens.vocabulary)

  /// The features of a token.
  static func table(_ feature: Int) -> [Float] {
    (0..<MarkedTokens.vocabulary).map { Float(($0 * (feature + 2) + feature) % 5) / 4 - 0.5 }
  }

  func callAsFunction(_ input: Tensor) -> Tensor {
    let shape = input.shape + [1]
    let features = (0..<Self.features).map { feature in
      input.labelWeights(ignoring: nil, classWeights: Self.table(feature)).reshaped(to: shape)
    }
    return head(hidden(Tensor.concatenated(features, axis: 2)).tanh())
  }
}
