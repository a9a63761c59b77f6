import LockstepDatasets
import LockstepEngine

/// Makes the inputs of examples ready: copies, decodes, augments. The same on every thread.
struct ExampleLoader: Sendable {
  let dataset: Dataset
  let seed: UInt64
  var augmentation: Augmentation?

  /// Whether it does more than copying values as they are.
  var isTrivial: Bool {
    guard augmentation?.transforms.isEmpty ?? true else { return false }
    if case .floats = dataset.inputs { return true }
    return false
  }

  /// Writes the inputs of examples, one after the other.
  ///
  /// - Parameter scratch: ``Dataset/inputSize`` values, where there is an augmentation.
  /// - Throws: ``InputError`` that names the example, where a transform throws.
  func load(
    _ examples: ArraySlice<Int>, epoch: Int, into inputs: UnsafeMutableBufferPointer<Float>,
    scratch: UnsafeMutableBufferPointer<Float>?
  ) throws {
    try dataset.copyInputs(of: examples, into: inputs)
    guard let augmentation, let scratch else { return }
    let size = dataset.inputSize
    for (place, example) in examples.enumerated() {
      do {
        let input = try ExampleInput(
          values: .init(rebasing: inputs[place * size..<(place + 1) * size]),
          shape: dataset.inputShape, blank: dataset.blank, scratch: scratch)
        try augmentation.apply(to: input, example: example, epoch: epoch, seed: seed)
      } catch {
        throw InputError(dataset: dataset.name, example: example, reason: "\(error)")
      }
    }
  }
}

/// The input of an example cannot be made ready.
public struct InputError: Error, Equatable, CustomStringConvertible {
  /// The data set's name.
  public let dataset: String
  /// The example's number in it.
  public let example: Int
  /// What the transform threw, in words.
  public let reason: String
  public var description: String { "example \(example) of '\(dataset)': \(reason)" }
}

/// A thread's scratch for augmenting, made when first used.
final class InputScratch {
  private var arena: Arena<Float>?

  func buffer(count: Int) -> UnsafeMutableBufferPointer<Float> {
    if let arena, arena.count == count { return arena.buffer }
    let arena = Arena<Float>(count: count)
    self.arena = arena
    return arena.buffer
  }
}
