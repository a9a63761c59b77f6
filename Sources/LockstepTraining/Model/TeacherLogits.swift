import LockstepCollective
import LockstepFold
import LockstepEngine

/// A teacher's outputs for all examples of a data set, computed once.
///
/// The examples are cut into chunks of a fixed size, and the chunks over the ranks, so that the values
/// do not depend on the number of ranks.
public final class TeacherLogits {
  /// The number of examples.
  public let count: Int
  /// The number of logits of one.
  public let classes: Int
  private let values: Arena<Float>

  /// Runs a teacher on its evaluator's data set. Called by all ranks.
  ///
  /// - Throws: ``ArgumentError`` where `chunkSize` is not positive; what the evaluator throws, on its own rank, and ``PeerFailure`` on the others.
  public init(
    of teacher: ModelEvaluator, chunkSize: Int = 64, on collective: any Collective
  ) throws {
    try ArgumentError.require(chunkSize, atLeast: 1, "chunkSize", of: "TeacherLogits")
    let count = teacher.count
    let chunks = (count + chunkSize - 1) / chunkSize
    func examples(_ chunk: Int) -> Range<Int> {
      chunk * chunkSize..<min((chunk + 1) * chunkSize, count)
    }
    let runs = FoldPlan.runs(of: chunks, over: collective.size)
    var mine: [Float] = []
    var failure: (any Error)?
    do {
      for chunk in runs[collective.rank] {
        mine += try teacher.compute(Array(examples(chunk))[...])
      }
    } catch { failure = error }
    let sizes = try collective.allgather(failure == nil ? Int64(mine.count) : -1)
    if let rank = sizes.firstIndex(of: -1) {
      let reason = try collective.broadcast(
        failure.map { Array("\($0)".utf8) } ?? [], root: rank)
      throw failure ?? PeerFailure(rank: rank, reason: String(decoding: reason, as: UTF8.self))
    }
    let total = sizes.reduce(0) { $0 + Int($1) }
    self.count = count
    classes = count == 0 ? 0 : total / count
    values = Arena(count: total)
    try mine.withUnsafeBytes { mine in
      try collective.allgather(
        mine, counts: sizes.map { Int($0) * MemoryLayout<Float>.stride },
        into: UnsafeMutableRawBufferPointer(values.buffer))
    }
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
