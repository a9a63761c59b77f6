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
    the model's outputs. Series with a target for each step have a line a step. A forecast of --input
    is of the steps behind the end of each series. The ranks share the work; rank 0 writes, batch by batch.
    npy is a NumPy array of probabilities, or of predicted numbers.
    """
  static let options =
    TrainedModel.options + [
      .option("--id", "COLUMN", "the column that names a row (default: 'data.id' of the training)"),
      .option("--output", "FILE", "write to a file instead of standard output"),
      .option("--format", "FORMAT", "jsonl (default), csv or npy; by the ending of --output"),
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
            + "'lockstep generate' writes texts with it, 'lockstep evaluate' computes its loss"
        )
      }
      if format == .npy, !model.named.configuration.heads.isEmpty {
        throw ArgumentError(
          description:
            "'--format npy' is one array, and the model has several heads: take csv or jsonl")
      }
      if let output { try collective.onRoot { try model.checkOutput(output) } }
      try PredictionOutput(model: model, format: format, path: output).write(on: collective)
      return ExitCode.done
    }
  }
}
