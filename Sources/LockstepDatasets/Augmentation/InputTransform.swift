import LockstepEngine

/// A random change to the inputs of examples, made anew each epoch and in training alone.
///
/// What it does to an example may depend on the example and on the random numbers that it is given,
/// on nothing else: these are fixed by the seed, the epoch, the example's number and the place among
/// the transforms, so that the bits depend neither on ranks nor on threads nor on resuming.
///
/// ```swift
/// struct Noise: InputTransform {
///   let deviation: Float
///   var description: String { "noise of \(deviation)" }
///   func problem(with inputShape: [Int]) -> String? { nil }
///   func apply(to input: ExampleInput, random: inout CounterGenerator) {
///     for i in input.values.indices { input.values[i] += deviation * Float(random.nextNormal()) }
///   }
/// }
/// ```
public protocol InputTransform: Sendable, CustomStringConvertible {
  /// Why inputs of a shape cannot be changed in this way; nil where they can.
  func problem(with inputShape: [Int]) -> String?

  /// Changes an input in place. What it throws ends the step on all ranks, with its message.
  func apply(to input: ExampleInput, random: inout CounterGenerator) throws
}

/// One example's input, to be changed.
public struct ExampleInput {
  /// The values, in row-major order.
  public let values: UnsafeMutableBufferPointer<Float>
  /// The shape, `[channels, height, width]` for images.
  public let shape: [Int]
  /// What black is, a value a channel or one for all.
  public let blank: [Float]
  /// As many values to use on the way; they mean nothing before and after.
  public let scratch: UnsafeMutableBufferPointer<Float>

  public init(
    values: UnsafeMutableBufferPointer<Float>, shape: [Int], blank: [Float],
    scratch: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(scratch.count >= values.count, "the scratch is too small")
    self.values = values
    self.shape = shape
    self.blank = blank
    self.scratch = scratch
  }
}

/// The transforms of a training, applied one after the other.
public struct Augmentation: Sendable {
  public let transforms: [any InputTransform]

  /// - Throws: ``DatasetError`` where a transform cannot change the data set's inputs.
  public init(
    _ transforms: [any InputTransform], for dataset: Dataset
  ) throws(DatasetError) {
    for transform in transforms {
      if let problem = transform.problem(with: dataset.inputShape) {
        throw DatasetError(dataset.name, "cannot have a \(transform): \(problem)")
      }
    }
    self.transforms = transforms
  }

  /// Changes the input of an example of the data set.
  public func apply(to input: ExampleInput, example: Int, epoch: Int, seed: UInt64) throws {
    for place in transforms.indices {
      var random = CounterGenerator(
        seed: seed, .augmentation, index: UInt32(truncatingIfNeeded: epoch),
        position: UInt64(UInt32(truncatingIfNeeded: example)) << 32 | UInt64(place) << 24)
      try transforms[place].apply(to: input, random: &random)
    }
  }
}
