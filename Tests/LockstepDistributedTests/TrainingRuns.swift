import LockstepTesting

/// Runs of `training-checks`, the program that trains small models under mpirun.
enum TrainingRuns {
  /// Every optimizer and kind of clip, with constraints.
  static let rules = [
    "sgd", "sgd clipped", "nesterov", "clip by norm", "clip by value", "adaptive clip", "rmsprop",
    "adagrad", "adadelta", "adam", "adamW", "nadam", "radam", "lion", "lars", "lamb",
  ]

  static func run(
    _ arguments: [String], ranks: Int, fault: String? = nil, deadline: Duration = .seconds(60)
  ) throws -> ProgramResult {
    try MPIRunner.run(
      MPIRunner.builtExecutable("training-checks"), arguments, ranks: ranks,
      environment: ["LOCKSTEP_FAULT": fault], deadline: deadline)
  }

  /// The fingerprints printed, by rule.
  static func fingerprints(_ result: ProgramResult) -> [String: String] {
    var found: [String: String] = [:]
    for line in result.lines where line.hasPrefix("fingerprint ") {
      let words = line.split(separator: " ").map(String.init)
      found[words[1..<words.count - 1].joined(separator: " ")] = words.last
    }
    return found
  }

  /// What one rank alone, with replicated updates, comes to; trained once for all tests.
  static let wide = Result { try alone(["model=wide"] + rules.map { "rule=\($0)" }) }
  static let perceptron = Result { try alone(["model=perceptron", "rule=adam", "rule=lamb"]) }
  static let convolutional = Result {
    try alone(["model=convolutional", "rule=adam", "rule=nesterov"])
  }
  /// With bf16 on the wire, at all levels and from level 2 on.
  static let rounded = [0, 2].map { level in
    Result { try alone(["model=convolutional", "rule=adam", "bf16Level=\(level)"]) }
  }

  static let synchronized = Result {
    try alone(["model=synchronized", "rule=adam", "rule=sgd clipped"])
  }

  private static func alone(_ arguments: [String]) throws -> [String: String] {
    fingerprints(
      try MPIRunner.runAlone(MPIRunner.builtExecutable("training-checks"), arguments))
  }
}
