import LockstepDatasets
import LockstepEngine

/// Makes the inputs of examples ready: copies, decodes, augments. The same on every thread.
///
/// What it makes ready is the first input of examples where that is Float32 values. Integers, further
/// inputs and labels go to where they are needed as they are.
struct ExampleLoader: Sendable {
  let dataset: any ExampleSource
  /// The field that is made ready; nil where the first input is integers.
  let field: ExampleField?
  /// The number of values of an example; 0 where there is no such field.
  let inputSize: Int
  let seed: UInt64
  var augmentation: Augmentation?

  /// - Parameter preparesInputs: false where inputs have another shape from batch to batch.
  init(dataset: any ExampleSource, seed: UInt64, preparesInputs: Bool = true) {
    self.dataset = dataset
    self.seed = seed
    field =
      preparesInputs ? dataset.firstInput.flatMap { $0.isInteger ? nil : $0 } : nil
    inputSize = field?.size ?? 0
  }

  /// Whether it does more than copying values as they are.
  var isTrivial: Bool {
    if let augmentation, !augmentation.transforms.isEmpty || augmentation.mixing != nil {
      return false
    }
    if field != nil, dataset is any CostlySource { return false }
    guard field != nil, let dataset = dataset as? Dataset else { return true }
    if case .floats = dataset.inputs { return true }
    return false
  }

  /// Writes the inputs of examples, one after the other.
  ///
  /// - Parameter scratch: ``scratchSize`` values, where there is an augmentation.
  /// - Throws: ``InputError`` that names the example, where a transform throws.
  func load(
    _ examples: ArraySlice<Int>, epoch: Int, into inputs: UnsafeMutableBufferPointer<Float>,
    scratch: UnsafeMutableBufferPointer<Float>?
  ) throws {
    guard let field else { return }
    try dataset.read(field, of: examples, into: inputs)
    guard let augmentation, let scratch else { return }
    let size = inputSize
    func augment(_ values: UnsafeMutableBufferPointer<Float>, _ example: Int) throws {
      do {
        let input = try ExampleInput(
          values: values, shape: field.shape, blank: field.blank, white: field.white,
          scratch: scratch)
        try augmentation.apply(to: input, example: example, epoch: epoch, seed: seed)
      } catch {
        throw InputError(dataset: dataset.name, example: example, reason: "\(error)")
      }
    }
    for (place, example) in examples.enumerated() {
      let values = UnsafeMutableBufferPointer(
        rebasing: inputs[place * size..<(place + 1) * size])
      try augment(values, example)
      guard let draw = mixture(of: example, epoch: epoch), let mixing = augmentation.mixing else {
        continue
      }
      // The other example is what it is in this epoch, changes and all.
      let other = UnsafeMutableBufferPointer(rebasing: scratch[size..<2 * size])
      try dataset.read(field, of: [draw.partner], into: other)
      try augment(other, draw.partner)
      mixing.mix(values, with: UnsafePointer(other.baseAddress!), draw, shape: field.shape)
    }
  }

  /// The number of values that augmenting uses on the way; 0 where there is nothing to change.
  var scratchSize: Int {
    augmentation.map { $0.mixing == nil ? inputSize : 2 * inputSize } ?? 0
  }

  /// What an example is mixed with in an epoch; nil where nothing is mixed.
  func mixture(of example: Int, epoch: Int) -> ExampleMixing.Draw? {
    guard let mixing = augmentation?.mixing, let field else { return nil }
    return mixing.draw(example, epoch: epoch, seed: seed, shape: field.shape)
  }
}

/// The input of an example cannot be made ready.
package struct InputError: Error, Equatable, CustomStringConvertible {
  /// The data set's name.
  package let dataset: String
  /// The example's number in it.
  package let example: Int
  /// What the transform threw, in words.
  package let reason: String
  package var description: String { "example \(example) of '\(dataset)': \(reason)" }
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
