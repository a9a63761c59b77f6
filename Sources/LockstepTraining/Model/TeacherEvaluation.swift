import LockstepCollective
import LockstepEngine
import LockstepFold

extension TeacherLogits {
  /// Runs a teacher on its evaluator's data set. Called by all ranks.
  ///
  /// - Throws: `ArgumentError` where `chunkSize` is not positive; what the evaluator throws, on its own
  ///   rank, and `PeerFailure` on the others.
  public convenience init(
    of teacher: ModelEvaluator, chunkSize: Int = 64, on collective: any Collective
  ) throws {
    try ArgumentError.require(chunkSize, atLeast: 1, "chunkSize", of: "TeacherLogits")
    guard !teacher.carriesStates else {
      throw GraphError(
        "the teacher carries states from example to example, and its logits are wanted for each example by "
          + "itself: take a teacher without 'carriesState'")
    }
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
    let values = Arena<Float>(count: total)
    try mine.withUnsafeBytes { mine in
      try collective.allgather(
        mine, counts: sizes.map { Int($0) * MemoryLayout<Float>.stride },
        into: UnsafeMutableRawBufferPointer(values.buffer))
    }
    self.init(values, count: count, classes: count == 0 ? 0 : total / count)
  }
}
