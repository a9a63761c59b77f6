import Lockstep
import LockstepConfiguration
import LockstepFiles

/// `lockstep predict`: the outputs of trained weights, example by example.
enum PredictCommand: Command {
  static let name = "predict"
  static let usage = "RUN-DIRECTORY | CONFIG.json [OPTIONS]"
  static let summary = "compute a trained model's outputs, a line an example"
  static let discussion = """
    The examples are the test part, or those of --input, which may lack the target. They are read as
    training read its own: columns by name, means, deviations and fill values of the training part.
    A line has the example's row in its file, counted from 1, its id, the predicted class, its
    probability and those of all classes (or the predicted number), the label where there is one, and
    the model's outputs. The ranks share the work; rank 0 writes.
    """
  static let options =
    TrainedModel.options + [
      .option("--id", "COLUMN", "the column that names a row (default: 'data.id' of the training)"),
      .option("--output", "FILE", "write to a file instead of standard output"),
      .option("--format", "FORMAT", "jsonl (default) or csv; by the ending of --output"),
    ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let path = try arguments.single("a run directory or a configuration's path")
    _ = try arguments.overrides()
    let output = arguments.value("--output")
    let format = try PredictionTable.Format(arguments.value("--format"), output: output)
    return try Job.run { collective in
      let model = try TrainedModel(path, arguments, isTargetOptional: true, on: collective)
      if model.description.tokens != nil {
        throw ArgumentError(
          description:
            "'\(path)' is a model of tokens, which predicts a distribution at each position: "
            + "'lockstep generate \(path)' writes texts with it, 'lockstep evaluate' computes its loss"
        )
      }
      if let output { try collective.onRoot { try model.checkOutput(output) } }
      let outputs = try outputs(model, on: collective)
      try collective.onRoot {
        let table = try PredictionTable(
          outputs, of: model.part, model.description.target,
          loss: model.named.configuration.labelLoss)
        try table.check()
        let text = table.text(format)
        if let output { try OutputFile.write(output, text: text) } else { try Console.print(text) }
      }
      return ExitCode.done
    }
  }

  /// The model's outputs for all examples, on rank 0: each rank computes a run of batches. No bit
  /// depends on how many ranks there are. Called by all ranks.
  private static func outputs(
    _ model: TrainedModel, on collective: any Collective
  ) throws -> [Float] {
    let count = model.part.examples.count
    let size = model.named.configuration.evaluationBatchSize
    let runs = FoldPlan.runs(of: (count - 1) / size + 1, over: collective.size)
    let own = try collective.together {
      let evaluator = try ModelEvaluator(model.source, on: model.part.examples)
      var own: [Float] = []
      for batch in runs[collective.rank] {
        own += try evaluator.compute(Array(batch * size..<min((batch + 1) * size, count))[...])
      }
      return own
    }
    let width = try model.source.outputShape().reduce(1, *)
    let counts = runs.map { run in
      (min(run.upperBound * size, count) - min(run.lowerBound * size, count)) * width
        * MemoryLayout<Float>.stride
    }
    var all = [Float](repeating: 0, count: collective.isRoot ? count * width : 0)
    try own.withUnsafeBytes { own in
      try all.withUnsafeMutableBytes {
        try collective.gather(own, counts: counts, into: $0, root: 0)
      }
    }
    return all
  }
}
