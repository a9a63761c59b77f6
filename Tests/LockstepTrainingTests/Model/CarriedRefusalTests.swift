import LockstepCollective
import LockstepDatasets
import LockstepEngine
import LockstepFold
import LockstepLayers
import LockstepOptimization
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// What a model that carries states cannot do.
@Suite struct CarriedRefusalTests {
  private func message(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return ""
  }

  @Test(
    "examples that do not go on from each other in the batch's rows are refused, with the remedy")
  func data() throws {
    let task = CarriedTask()
    func refusal(_ examples: any ExampleSource, batchSize: Int? = nil) -> String {
      message { _ = try task.training(on: examples, batchSize: batchSize) }
    }
    let stream = CarriedTask.stream(161)
    let random = try TokenWindows(
      stream, length: 4, vocabulary: CarriedTask.vocabulary, starts: .everyPosition)
    #expect(
      refusal(random).contains(
        "the model carries states from batch to batch ('core.hidden.0'), and the examples of 'text' do not go "
          + "on from each other"), "\(refusal(random))")
    #expect(refusal(random).contains("'data.starts' set to 'streams'"))
    let one = try task.examples(streams: 1)
    #expect(
      refusal(one).contains(
        "a row for each stream: the examples of 'text' are 1 stream, and a batch has 8"),
      "\(refusal(one))")
    #expect(
      try refusal(task.examples(), batchSize: 4).contains("are 8 streams, and a batch has 4"))
  }

  @Test("a step refuses rows that are not the streams' own, and changes nothing")
  func order() throws {
    let task = CarriedTask()
    _ = try group(of: 2) { ranks in
      let training = try task.training(ranks: ranks)
      for (examples, problem) in [
        ([1, 0, 2, 3, 4, 5, 6, 7], "row b of a batch is the next window of stream b"),
        (Array(4..<12), "row b of a batch is the next window of stream b"),
        (Array(0..<4), "are 8 streams, and a batch has 4"),
      ] {
        let batch = StepBatch(step: 0, epoch: 0, examples: examples[...], shards: task.shards)
        let text = self.message {
          _ = try training.step.run(batch, requests: [], failure: nil) {}
        }
        #expect(text.contains(problem), "\(text)")
      }
      let batch = StepBatch(step: 0, epoch: 0, examples: Array(0..<8)[...], shards: task.shards)
      _ = try training.step.run(batch, requests: [], failure: nil) {}
    }
  }

  @Test("no second-order steps, and no teacher that carries")
  func others() throws {
    let task = CarriedTask()
    var options = task.options
    options.hessianFree = HessianFreeOptions()
    options.sharing = .replicated
    let text = message {
      _ = try task.training(update: Chain(ScaleByLearningRate(1)), options: options)
    }
    #expect(
      text.contains("carriesState is true: it must be false for a Hessian-free step"), "\(text)")
    let training = try task.training()
    let teacher = message {
      _ = try TeacherLogits(
        of: ModelEvaluator(training.source, on: task.examples()), on: SoloCollective())
    }
    #expect(teacher.contains("the teacher carries states"), "\(teacher)")
  }

  @Test("an evaluation on examples that do not go on from each other is refused")
  func evaluation() throws {
    let task = CarriedTask()
    let training = try task.training()
    let random = try TokenWindows(
      CarriedTask.stream(161), length: 4, vocabulary: CarriedTask.vocabulary,
      starts: .everyPosition)
    let text = message { try training.evaluate(on: random) }
    #expect(
      text.contains(
        "those of 'text' do not go on from each other: evaluate it on windows that stand one behind"
      ),
      "\(text)")
  }
}
