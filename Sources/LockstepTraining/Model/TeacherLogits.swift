import LockstepEngine

/// A teacher's outputs for all examples of a data set, computed once.
///
/// The examples are cut into chunks of a fixed size, and the chunks over the ranks, so that the values
/// do not depend on the number of ranks.
public final class TeacherLogits {
  /// The number of examples.
  package let count: Int
  /// The number of logits of one.
  package let classes: Int
  private let values: Arena<Float>

  init(_ values: Arena<Float>, count: Int, classes: Int) {
    self.values = values
    self.count = count
    self.classes = classes
  }

  /// Copies the rows of examples, one after the other.
  func copy(_ examples: ArraySlice<Int>, into rows: UnsafeMutableBufferPointer<Float>) {
    precondition(
      rows.count == examples.count * classes, "a teacher's rows do not fill the input")
    guard let to = rows.baseAddress else { return }
    for (row, example) in examples.enumerated() {
      (to + row * classes).update(from: values.base + example * classes, count: classes)
    }
  }
}
