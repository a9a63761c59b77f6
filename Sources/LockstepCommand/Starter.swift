import Lockstep
import LockstepFiles

/// A configuration to start with, made of what the data are.
struct Starter {
  /// What the data are, in words.
  let summary: String
  /// What a user should know of it, a sentence each.
  let notices: [String]
  private let configuration: JSONObject
  /// Comments on keys of the data.
  private let dataComments: [String: String]

  init(
    _ summary: String, data: JSONObject, comments: [String: String], model: JSONValue,
    loss: String = "softmaxCrossEntropy", batchSize: Int, epochs: Int, learningRate: Double = 1e-3,
    notices: [String] = []
  ) {
    self.summary = summary
    self.notices = notices
    dataComments = comments
    configuration = [
      "data": .object(data), "model": model, "loss": .string(loss),
      "batchSize": .integer(batchSize), "shards": 4, "epochs": .integer(epochs), "seed": 1,
      "optimizer": [
        "type": "adamW", "learningRate": .number(learningRate),
        "schedule": ["type": "cosine"],
      ], "clip": ["type": "zClip"],
    ]
  }

  static let testFraction = "a fifth of the examples is set apart, and never trained on"

  // MARK: As text

  private static let comments = [
    "data": "what is trained on: lockstep catalog data",
    "model": "what is trained: lockstep catalog models layers",
    "loss": "what is minimised: lockstep catalog losses",
    "batchSize": "examples a step, over all ranks; lockstep find-batch-size helps to choose",
    "shards": "how finely a batch is cut: so many ranks can share a step; the bits follow from it",
    "epochs": "how often each example is seen", "seed": "what all chance follows from",
    "optimizer":
      "how weights move: lockstep catalog optimizers schedules; lockstep find-rate finds a rate",
    "clip":
      "a gradient much longer than those before is shortened; lockstep suggest-clip RUN finds a fixed limit",
  ]

  /// The configuration with its comments. Paths in it are relative to its folder, or absolute where it has none.
  func text(at path: String?) -> String {
    var configuration = configuration
    if var data = configuration["data"]?.objectValue {
      for key in ["file", "folder", "inputs", "labels"] {
        if let given = data[key]?.stringValue { data[key] = .string(Self.path(given, from: path)) }
      }
      configuration["data"] = .object(data)
    }
    var inData = false
    var lines: [String] = []
    for line in JSONValue.object(configuration).prettyText.split(separator: "\n") {
      let depth = line.prefix { $0 == " " }.count
      let key = line.dropFirst(depth + 1).prefix { $0 != "\"" }
      if line.dropFirst(depth).first == "\"" {
        if depth == 2 { inData = key == "data" }
        let comment =
          depth == 2
          ? Self.comments[String(key)] : inData && depth == 4 ? dataComments[String(key)] : nil
        if let comment { lines.append(String(repeating: " ", count: depth) + "// \(comment)") }
      }
      lines.append(String(line))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// A path as the configuration names it: as it was given where both lie in one folder, else from the root.
  private static func path(_ path: String, from file: String?) -> String {
    guard file?.contains("/") ?? true, !path.hasPrefix("/") else { return path }
    return AbsolutePath.of(path)
  }
}
