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
///   func apply(
///     to values: inout MutableSpan<Float>, of input: ExampleInput, random: inout CounterGenerator
///   ) {
///     for i in values.indices { values[i] += deviation * Float(random.nextNormal()) }
///   }
/// }
/// ```
public protocol InputTransform: Sendable, CustomStringConvertible {
  /// Why inputs of a shape cannot be changed in this way; nil where they can.
  func problem(with inputShape: [Int]) -> String?

  /// Changes an input in place. What it throws ends the step on all ranks, with its message.
  ///
  /// - Parameters:
  ///   - values: the input's values, in row-major order.
  ///   - input: its shape, and what black is.
  ///   - random: the only source of chance.
  func apply(
    to values: inout MutableSpan<Float>, of input: ExampleInput, random: inout CounterGenerator
  ) throws
}

/// What one example's input is, beside its values.
public struct ExampleInput {
  private let values: UnsafeMutableBufferPointer<Float>
  /// The shape, `[channels, height, width]` for images.
  public let shape: [Int]
  /// What black is, a value a channel or one for all.
  public let blank: [Float]
  /// What white is, a value a channel or one for all; nil where that is not known.
  let white: [Float]?
  /// As many values to use on the way; they mean nothing before and after.
  let scratch: UnsafeMutableBufferPointer<Float>

  /// - Throws: ``DatasetError`` where the values do not fill the shape, the scratch has less room, or
  ///   there is not one black for all, or one a channel.
  package init(
    values: UnsafeMutableBufferPointer<Float>, shape: [Int], blank: [Float],
    white: [Float]? = nil, scratch: UnsafeMutableBufferPointer<Float>
  ) throws(DatasetError) {
    var size = 1
    for extent in shape { size = size.multipliedReportingOverflow(by: extent).partialValue }
    guard size == values.count, scratch.count >= values.count,
      blank.count == 1 || blank.count == shape.first
    else {
      throw DatasetError(
        "ExampleInput",
        "\(values.count) values of shape \(shape), a scratch of \(scratch.count) values and "
          + "\(blank.count) values of black do not fit each other")
    }
    self.values = values
    self.shape = shape
    self.blank = blank
    self.white = white
    self.scratch = scratch
  }

  /// Gives `body` as many values to use on the way as the input has; they mean nothing before and
  /// after.
  public func withScratch<Result>(
    _ body: (_ scratch: inout MutableSpan<Float>) throws -> Result
  ) rethrows -> Result {
    var span = UnsafeMutableBufferPointer(rebasing: scratch[..<values.count]).mutableSpan
    return try body(&span)
  }

  /// Lets a transform change the values.
  package func change(
    by transform: any InputTransform, random: inout CounterGenerator
  ) throws {
    var span = values.mutableSpan
    try transform.apply(to: &span, of: self, random: &random)
  }
}

/// A change that needs to know what black and white are.
package protocol ColorTransform: InputTransform {}
