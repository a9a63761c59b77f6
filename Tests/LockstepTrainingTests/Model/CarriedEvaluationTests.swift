import LockstepCollective
import LockstepDatasets
import LockstepEngine
import LockstepFold
import LockstepLayers
import LockstepState
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// Evaluations of models that carry states: each window behind the one that it goes on from.
@Suite struct CarriedEvaluationTests {
  /// The loss of a text in windows of a length, computed in so many streams.
  private static func evaluate(
    _ task: CarriedTask, tokens: Int, length: Int, streams: Int = 1, rows: Int,
    on ranks: any Collective = SoloCollective()
  ) throws -> EvaluationReport {
    var task = task
    task.length = length
    // Equal weights whatever it is evaluated on.
    let source = try ModelSource(
      task.model, loss: SoftmaxCrossEntropy(),
      on: TokenWindows(
        CarriedTask.stream(200), length: length, vocabulary: CarriedTask.vocabulary), seed: 5)
    let examples = try TokenWindows(
      CarriedTask.stream(tokens + 1), length: length, vocabulary: CarriedTask.vocabulary,
      streams: streams)
    return try ModelEvaluator(source, on: examples)
      .evaluation("text", shardSize: rows, on: ranks).run()
  }

  @Test("one stream gives the loss of one window over the whole text")
  func whole() throws {
    var task = CarriedTask()
    for cell in ["lstm", "gru", "rnn"] {
      task.cell = cell
      task.carries = false
      let long = try Self.evaluate(task, tokens: 60, length: 60, rows: 1)
      let apart = try Self.evaluate(task, tokens: 60, length: 5, rows: 1)
      task.carries = true
      for length in [5, 12, 1] {
        let parts = try Self.evaluate(task, tokens: 60, length: length, rows: 1)
        #expect(parts.examples == 60 / length)
        #expect(abs(parts.loss - long.loss) < 1e-6 * long.loss, "\(cell), windows of \(length)")
      }
      #expect(abs(apart.loss - long.loss) > 1e-5)
    }
  }

  @Test("several streams start from zeros each, and every window counts once")
  func streams() throws {
    var task = CarriedTask()
    // 12 windows of 5 in 4 streams: as 4 windows of 15.
    let streams = try Self.evaluate(task, tokens: 60, length: 5, rows: 4)
    // The same streams, as the data has them.
    let given = try Self.evaluate(task, tokens: 60, length: 5, streams: 4, rows: 1)
    task.carries = false
    let long = try Self.evaluate(task, tokens: 60, length: 15, rows: 4)
    #expect(abs(streams.loss - long.loss) < 1e-6 * long.loss)
    #expect(streams.loss == given.loss && streams.examples == 12)
    // 13 windows: one stream has one more. 3 windows: fewer than rows.
    task.carries = true
    #expect(try Self.evaluate(task, tokens: 65, length: 5, rows: 4).examples == 13)
    #expect(try Self.evaluate(task, tokens: 15, length: 5, rows: 64).examples == 3)
  }

  @Test("any number of ranks gives the same bits", arguments: [(65, 4), (395, 19), (100, 128)])
  func ranks(_ tokens: Int, _ rows: Int) throws {
    let task = CarriedTask()
    let alone = try Self.evaluate(task, tokens: tokens, length: 5, rows: rows)
    #expect(alone.examples == tokens / 5 && alone.loss.isFinite)
    for ranks in 2...5 {
      let results = try group(of: ranks) {
        try Self.evaluate(task, tokens: tokens, length: 5, rows: rows, on: $0)
      }
      #expect(results.allSatisfy { $0 == alone }, "\(ranks) ranks")
    }
  }
}
