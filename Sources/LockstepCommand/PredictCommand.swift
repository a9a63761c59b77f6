import Lockstep
import LockstepConfiguration
import LockstepFiles

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// `lockstep predict`: the outputs of trained weights, example by example.
enum PredictCommand: Command {
  static let name = "predict"
  static let usage = "RUN-DIRECTORY | CONFIG.json [OPTIONS]"
  static let summary = "compute a trained model's outputs, a line of JSON an example"
  static let discussion = """
    A line has the example's number, the model's outputs, and what they mean under the run's loss:
    the class and its probability, or the probability of each output (the sigmoid is applied here,
    once), or the value itself. Runs on one rank.
    """
  static let options =
    NamedConfiguration.options + [
      .option("--weights", "FILE", "the weights; a run directory's own by default"),
      .option("--on", "PART", "test (default) or training"),
      .option("--output", "FILE", "write to a file instead of standard output"),
    ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let path = try arguments.single("a run directory or a configuration's path")
    let collective = SoloCollective()
    let named = try NamedConfiguration(path, arguments, on: collective)
    let (source, examples) = try EvaluateCommand.load(named, arguments, on: collective)
    let evaluator = try ModelEvaluator(source, on: examples)
    var lines = ""
    var start = 0
    while start < examples.count {
      let end = min(start + named.configuration.evaluationBatchSize, examples.count)
      let outputs = try evaluator.compute(Array(start..<end)[...])
      let width = outputs.count / (end - start)
      for example in start..<end {
        let row = Array(outputs[(example - start) * width..<(example - start + 1) * width])
        lines += line(example, row, named.configuration.loss).compactText + "\n"
      }
      start = end
    }
    if let file = arguments.value("--output") {
      try AtomicFile.write(file, text: lines)
    } else {
      Console.text(lines)
    }
    return ExitCode.done
  }

  private static func line(_ example: Int, _ outputs: [Float], _ loss: any LossFunction)
    -> JSONValue
  {
    var object = JSONObject()
    object["example"] = .integer(example)
    object["outputs"] = .array(outputs.map { .number(Double($0)) })
    switch loss {
    case is SoftmaxCrossEntropy:
      let best = outputs.indices.max { outputs[$0] < outputs[$1] }!  // a model has an output
      let sum = outputs.reduce(0.0) { $0 + exp(Double($1 - outputs[best])) }
      object["class"] = .integer(best)
      object["probability"] = .number(1 / sum)
    case is BinaryCrossEntropy:
      object["probabilities"] = .array(
        outputs.map { .number(1 / (1 + exp(-Double($0)))) })
    default: break
    }
    return .object(object)
  }
}
