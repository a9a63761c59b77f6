import LockstepEngine

/// The transforms of a training, applied one after the other.
public struct Augmentation: Sendable {
  /// The transforms, first one first.
  package let transforms: [any InputTransform]
  /// The shape of the inputs that they were made for.
  let inputShape: [Int]
  private let blank: [Float]
  private let white: [Float]?
  /// How examples are mixed, behind the transforms; nil where they are not.
  package var mixing: ExampleMixing?

  /// Transforms of the first input of a source, Float32 values.
  ///
  /// - Throws: ``DatasetError`` where a transform cannot change the source's inputs.
  public init(
    _ transforms: [any InputTransform], for source: any ExampleSource
  ) throws(DatasetError) {
    guard let input = source.firstInput, !input.isInteger else {
      throw DatasetError(
        source.name, "has no Float32 input: an augmentation changes the first input's values")
    }
    for transform in transforms {
      if let problem = transform.problem(with: input.shape) {
        throw DatasetError(source.name, "cannot have a \(transform): \(problem)")
      }
      if transform is any ColorTransform, input.white == nil {
        throw DatasetError(
          source.name,
          "cannot have a \(transform): its inputs are no bytes, so that it is not known what white is"
        )
      }
    }
    self.transforms = transforms
    inputShape = input.shape
    blank = input.blank
    white = input.white
  }

  /// Throws ``DatasetError`` where the transforms were made for inputs of another shape than a field's.
  ///
  /// - Parameters:
  ///   - input: the first input of the examples; nil where that is no numbers.
  ///   - source: what has the examples.
  package func check(
    _ input: ExampleField?, of source: any ExampleSource
  ) throws(DatasetError) {
    let found = input?.shape
    if found != inputShape {
      throw DatasetError(
        source.name,
        "has inputs of shape \(found ?? []), and the augmentation was made for \(inputShape)")
    }
  }

  /// Changes the input of an example of the data set.
  ///
  /// - Throws: ``DatasetError`` for an input of another shape than that of the data set; what a
  ///   transform throws.
  package func apply(to input: ExampleInput, example: Int, epoch: Int, seed: UInt64) throws {
    guard input.shape == inputShape else {
      throw DatasetError(
        "augmentation", "is for inputs of shape \(inputShape), found \(input.shape)")
    }
    for place in transforms.indices {
      var random = CounterGenerator(
        seed: seed, .augmentation, index: UInt32(truncatingIfNeeded: epoch),
        position: UInt64(UInt32(truncatingIfNeeded: example)) << 32 | UInt64(place) << 24)
      try input.change(by: transforms[place], random: &random)
    }
  }

  /// The changed input of an example, as a training sees it.
  ///
  /// - Parameters:
  ///   - values: the input's values, row-major.
  ///   - example: its number in the data set.
  ///   - epoch: the epoch, from 0.
  ///   - seed: the training's seed.
  /// - Throws: ``DatasetError`` where the values do not fill the shape of the data set's inputs; what a
  ///   transform throws.
  public func applied(
    to values: [Float], example: Int, epoch: Int, seed: UInt64
  ) throws -> [Float] {
    var values = values
    var scratch = values
    try values.withUnsafeMutableBufferPointer { values in
      try scratch.withUnsafeMutableBufferPointer { scratch in
        try apply(
          to: ExampleInput(
            values: values, shape: inputShape, blank: blank, white: white, scratch: scratch),
          example: example, epoch: epoch, seed: seed)
      }
    }
    return values
  }
}
